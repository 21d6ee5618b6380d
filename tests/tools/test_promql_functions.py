"""Which labels a function leaves, as Prometheus itself evaluates it, is what generator.promql says of it."""

import json
import re
from pathlib import Path

from generator.clients.tools import run_tool
from generator.promql.tree import parse, result_labels

VECTOR = 'x{a="1"}'
RANGE = 'x{a="1"}[10m]'
BUCKETS = "sum by (a, le) (rate(h_bucket[10m]))"
OF_VECTORS = (
    *("abs", "ceil", "floor", "exp", "ln", "sgn", "sqrt", "sin", "rad", "hour", "minute", "month", "year", "timestamp"),
    *("day_of_week", "day_of_month", "day_of_year", "days_in_month", "sort", "sort_desc", "scalar"),
)
OF_RANGES = (
    *("rate", "irate", "increase", "delta", "idelta", "deriv", "changes", "resets", "avg_over_time", "min_over_time"),
    *("max_over_time", "sum_over_time", "count_over_time", "stddev_over_time", "last_over_time", "present_over_time"),
)
EXPRESSIONS = (
    *(f"{name}({VECTOR})" for name in OF_VECTORS),
    *(f"{name}({RANGE})" for name in OF_RANGES),
    f"quantile_over_time(0.5, {RANGE})",
    "quantile_over_time(0.5, sum by (a) (x)[10m:1m])",
    f"predict_linear({RANGE}, 60)",
    f"round({VECTOR}, 5)",
    f"clamp({VECTOR}, 1, 2)",
    f"clamp_min({VECTOR}, 1)",
    f"histogram_quantile(0.9, {BUCKETS})",
    f"histogram_fraction(0, 1, {BUCKETS})",
    f'label_replace({VECTOR}, "c", "$1", "b", "(.*)")',
    f'label_join({VECTOR}, "c", "-", "a", "b")',
    'absent(gone{a="1",b=~"2|3",c!="4"})',
    'absent(sum by (a) (gone{b="1"}))',
    'absent_over_time(gone{a="1"}[5m])',
    "vector(1)",
    "vector(time())",
    "hour()",
    "quantile by (a) (0.5, x)",
    "topk(1, x)",
    "topk by (a) (1, x)",
    'count_values("c", x)',
    "group without (a) (x)",
    "x / on (a) group_left (d) y",
    "x and on (a) y",
    "-x",
    "x * 2",
    "2 > bool x",
)
GIVEN = {
    'x{a="1",b="2"}': "0+1x60",
    'x{a="1",b="3"}': "0+2x60",
    'y{a="1",d="5"}': "1x60",
    'h_bucket{a="1",le="1"}': "0+1x60",
    'h_bucket{a="1",le="+Inf"}': "0+2x60",
}
LABELS = {"a", "b", "c", "d", "le"}


def evaluated(tmp_path: Path) -> dict[str, set[str]]:
    """The labels that each expression returns. promtool prints them where nothing is expected."""
    asked = [{"expr": f"({expr})", "eval_time": "30m", "exp_samples": []} for expr in EXPRESSIONS]
    series = [{"series": name, "values": values} for name, values in GIVEN.items()]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": asked}
    (tmp_path / "proof.yml").write_text(json.dumps({"tests": [test]}), encoding="utf-8")
    said = run_tool("promtool", ["test", "rules", "proof.yml"], tmp_path).output
    found: dict[str, set[str]] = {}
    for expr, got in re.findall(r'expr: ("(?:[^"\\]|\\.)*").*?got: (.*?)\n\n', said, re.DOTALL):
        samples = re.findall(r"\{(.*?)\} \S+", got)
        found[json.loads(expr)[1:-1]] = {name for sample in samples for name in re.findall(r'(\w+)="', sample)}
    return found


def test_functions_leave_the_labels_that_are_expected_of_them(tmp_path: Path) -> None:
    seen = evaluated(tmp_path)
    assert set(EXPRESSIONS) - seen.keys() == set(), "each has to return something"
    wrong = {}
    for expr, labels in seen.items():
        expected = result_labels(parse(expr))
        missing = {label for label in labels - {"__name__"} if label not in expected}
        # What a selector may carry beyond the series given here, it may carry: only fixed sets can be too large.
        surplus = set() if expected.inverted else {label for label in LABELS if label in expected} - labels
        if missing or surplus:
            wrong[expr] = (missing, surplus)
    assert wrong == {}
