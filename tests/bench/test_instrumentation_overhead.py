"""The instrumentation costs next to nothing. Run with -s to read the table."""

from tests.bench.instrumentation import HANDLER_US, VARIANTS, measured, table

# The aim for metrics on an idle machine is 15 µs; other work on the same core doubles it, so what is enforced is wider.
METRICS_US = 30
# Metrics, logs and errors together, of a handler that takes 5 ms.
SHARE = 0.05


def test_what_the_instrumentation_costs_a_request() -> None:
    rows = {variant: measured(variant) for variant in VARIANTS}
    print("\n" + table(rows))
    assert rows["metrics"]["quiet"] <= METRICS_US
    assert rows["metrics+logs+errors"]["median"] < SHARE * HANDLER_US
    assert rows["metrics"]["quiet"] > 0, "what is measured is there"
