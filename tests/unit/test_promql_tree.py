"""What a PromQL expression compares with, and which labels its result can carry."""

import pytest

from generator.promql.tree import Comparison, PromQLError, comparisons, labels_of, longest_wait, parse, result_labels

COMPARISONS = {
    "a limit": ("rate(x[5m]) > 0.05", [(">", 0.05)]),
    "a limit on the left": ("10 > x", [("<", 10.0)]),
    "a product of constants": ("x > 2 * 3", [(">", 6.0)]),
    "a negative limit in brackets": ("x < (-5)", [("<", -5.0)]),
    "two limits": ("x > 1 and y <= 2", [(">", 1.0), ("<=", 2.0)]),
    "another series is no limit": ("x > y", []),
    "a filter that is not the outermost": ("count(up == 0) > 3", [(">", 3.0), ("==", 0.0)]),
    "a division by nothing is no number": ("x > 1 / y", []),
}
LABELS = {
    "a selector keeps all": ("up", {"a", "job"}, set()),
    "sum drops all": ("sum(up)", set(), {"a", "job"}),
    "by keeps what it names": ("sum by (a) (up)", {"a"}, {"job"}),
    "without drops what it names": ("sum without (a) (up)", {"job"}, {"a"}),
    "topk keeps all": ("topk(3, sum by (a) (up))", {"a"}, {"job"}),
    "what was dropped inside stays dropped": ("max by (a, job) (sum by (a) (up))", {"a"}, {"job"}),
    "a quantile loses its bounds": ("histogram_quantile(0.9, sum by (le, a) (rate(x_bucket[5m])))", {"a"}, {"le"}),
    "label_replace adds its label": ('label_replace(sum(up), "a", "$1", "b", "(.+)")', {"a"}, {"b"}),
    "count_values adds its label": ('count_values("a", up)', {"a"}, {"b"}),
    "vector() has none": ("vector(1)", set(), {"a"}),
    "or may have either's": ("sum by (a) (x) or sum by (b) (y)", {"a", "b"}, {"c"}),
    "and has the left's": ("sum by (a) (x) and on () y", {"a"}, {"b"}),
    "on() leaves what it names": ("x / on (a) y", {"a"}, {"b"}),
    "ignoring() drops what it names": ("x / ignoring (a) y", {"b"}, {"a"}),
    "group_left brings labels along": ("sum by (a) (x) * on (a) group_left (b) y", {"a", "b"}, {"c"}),
    "group_right keeps the right's": ("x * on (a) group_right (c) sum by (a) (y)", {"a", "c"}, {"b"}),
    "a number takes nothing away": ("100 * sum by (a) (x)", {"a"}, {"b"}),
    "absent() has what its selector names": ('absent(up{a="1"})', {"a"}, {"b"}),
    "absent() has nothing that a pattern matches": ('absent(up{a="1",b=~"x|y",c!="z"})', {"a"}, {"b", "c"}),
    "absent() of what is computed has none": ('absent(sum by (a) (up{b="1"}))', set(), {"a", "b"}),
    "a quantile over time has its vector second": ("quantile_over_time(0.5, x{a='1'}[5m])", {"a", "step"}, set()),
    "of an aggregation over time too": ("quantile_over_time(0.5, sum by (a) (x)[5m:1m])", {"a"}, {"b"}),
    "a fraction has its vector third": ("histogram_fraction(0, 1, sum by (a, le) (rate(x[5m])))", {"a"}, {"b", "le"}),
    "a parameter of an aggregation is no vector": ("quantile by (a) (0.5, x)", {"a"}, {"b"}),
    "limits keep all": ("clamp(sum by (a) (x), 0, 1)", {"a"}, {"b"}),
    "scalar() has none": ("scalar(x{a='1'})", set(), {"a"}),
    "the time of day of nothing has none": ("hour()", set(), {"a"}),
    "the time of day of a series has its labels": ("hour(sum by (a) (x))", {"a"}, {"b"}),
}


@pytest.mark.parametrize(("expr", "expected"), COMPARISONS.values(), ids=COMPARISONS)
def test_comparisons(expr: str, expected: list[tuple[str, float]]) -> None:
    assert list(comparisons(expr)) == [Comparison(op, value) for op, value in expected]


@pytest.mark.parametrize(("expr", "kept", "dropped"), LABELS.values(), ids=LABELS)
def test_result_labels(expr: str, kept: set[str], dropped: set[str]) -> None:
    labels = result_labels(parse(expr))
    assert [label for label in kept if label not in labels] == []
    assert [label for label in dropped if label in labels] == []


def test_what_does_not_parse_says_why() -> None:
    with pytest.raises(PromQLError, match="unclosed"):
        parse("sum(up")


ODD_VALUES = {
    "a comparison in a value": 'x{a="> 7"} > 5',
    "one in a pattern": "x{a=~'y > 7|z'} > 5",
    "in backquotes": "x{a!~`> 7`} > 5",
    "an escaped quote": r'x{a="\" > 7 or \""} > 5',
    "a matcher in a string": 'label_replace(x, "a", "b=\'> 7\'", "b", "(.+)") > 5',
    "a comment": "x{a=\"1\"} # '\n > 5 # '",
    "a selector of nothing but an empty value": 'x{a!=""} > 5 and {__name__=~"y.+",b!~"c"} > 5',
}


@pytest.mark.parametrize("expr", ODD_VALUES.values(), ids=ODD_VALUES)
def test_values_of_matchers_decide_nothing(expr: str) -> None:
    assert {(each.op, each.value) for each in comparisons(expr)} == {(">", 5.0)}
    assert labels_of(expr) == result_labels(parse(expr))


def test_what_stands_in_a_string_that_is_no_value_counts() -> None:
    added = [labels_of(f'label_replace(sum(x), "{name}", "$1", "b", "")') for name in "ac"]
    assert [("a" in each, "c" in each) for each in added] == [(True, False), (False, True)]
    assert longest_wait('rate(x{a="[1h]"}[5m]) == 0') == 300


def test_an_expression_that_does_not_parse_still_says_so() -> None:
    for ask in (comparisons, labels_of):
        with pytest.raises(PromQLError):
            ask('x{a="b"')
