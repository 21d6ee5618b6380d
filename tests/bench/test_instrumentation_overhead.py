"""The instrumentation costs next to nothing, which is printed beside what the same request costs without it."""

from typing import Final

from tests.bench.conftest import Show
from tests.bench.instrumentation import HANDLER_US, VARIANTS, measured
from tests.support.tables import Aim, table

# Microseconds of CPU for metrics. The two apps take turns on one core: a slow machine makes both figures larger.
METRICS_AIM: Final = 15.0
METRICS_BOUND: Final = 30.0
# Of what the bare app takes for a request, which does next to nothing: as much as the aim is on an idle machine.
METRICS_SHARE: Final = 1.5
# Metrics, logs and errors together, of a handler that takes 5 ms.
SHARE: Final = 0.05


def test_what_the_instrumentation_costs_a_request(show: Show) -> None:
    rows = {variant: measured(variant) for variant in VARIANTS}
    lines = []
    for variant, row in rows.items():
        aim = Aim(row["quiet"], METRICS_AIM, "µs").cells()[1:] if variant == "metrics" else ("none", "")
        figures = [f"{row[name]:.1f} µs" for name in ("bare", "median", "quiet")]
        lines.append((variant, *figures, *aim, f"{row['median'] / HANDLER_US:.2%}"))
    head = ("", "bare app", "more, median", "more, quietest turns", "aim", "", "share of a handler of 5 ms")
    show("instrumentation", table(head, lines))
    metrics = rows["metrics"]
    assert 0 < metrics["quiet"] <= METRICS_BOUND
    assert metrics["median"] <= METRICS_SHARE * metrics["bare"]
    assert rows["metrics+logs+errors"]["median"] < SHARE * HANDLER_US
