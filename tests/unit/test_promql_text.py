"""Expressions changed as text: labels added to selectors, limits and what is measured taken out."""

import pytest

from generator.promql.text import Limit, limit_of, measured, scoped, with_window
from generator.promql.tokens import uncommented
from generator.promql.tree import PromQLError


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        pytest.param("a > 1", 'a{service="x"} > 1', id="a bare metric"),
        pytest.param('a{b="c"} > 1', 'a{service="x",b="c"} > 1', id="a metric with labels"),
        pytest.param("a{} > 1", 'a{service="x"} > 1', id="empty braces"),
        pytest.param('a{b="c",} > 1', 'a{service="x",b="c",} > 1', id="a comma at the end"),
        pytest.param('{__name__=~"a|b"} > 1', '{service="x",__name__=~"a|b"} > 1', id="a selector without a metric"),
        pytest.param('a{service="y"} > 1', 'a{service="y"} > 1', id="one that names its service"),
        pytest.param('a{b="service=1"} > 1', 'a{service="x",b="service=1"} > 1', id="the word inside a text"),
        pytest.param("sum by (a) (b) > 1", 'sum by (a) (b{service="x"}) > 1', id="labels of by are no metrics"),
        pytest.param("sum(b) without (a) > 1", 'sum(b{service="x"}) without (a) > 1', id="modifiers behind"),
        pytest.param(
            "a / on (b) group_left (c) d > 1",
            'a{service="x"} / on (b) group_left (c) d{service="x"} > 1',
            id="labels of matching are no metrics",
        ),
        pytest.param("rate(a[5m] offset 1h) > 1", 'rate(a{service="x"}[5m] offset 1h) > 1', id="ranges and offsets"),
        pytest.param("a @ start() > 1", 'a{service="x"} @ start() > 1', id="an at modifier"),
        pytest.param(
            "max_over_time(rate(a[5m])[1h:1m]) > 1",
            'max_over_time(rate(a{service="x"}[5m])[1h:1m]) > 1',
            id="a subquery",
        ),
        pytest.param("sum > 1", 'sum{service="x"} > 1', id="a metric with the name of an aggregation"),
        pytest.param("a > 1 and b unless c", 'a{service="x"} > 1 and b{service="x"} unless c{service="x"}', id="sets"),
        pytest.param("time() - a:b_c > 1", 'time() - a:b_c{service="x"} > 1', id="functions and recorded names"),
        pytest.param("a{b='c', d!~`e{}`} > 1e-3", "a{service=\"x\",b='c', d!~`e{}`} > 1e-3", id="all kinds of quotes"),
        pytest.param("a > NaN or a == Inf", 'a{service="x"} > NaN or a{service="x"} == Inf', id="numbers in words"),
    ],
)
def test_a_label_is_added_where_it_belongs(expr: str, expected: str) -> None:
    assert scoped(expr, "service", "x") == expected


@pytest.mark.parametrize("expr", ["sum(a", "p95(a) > 1", "a >", "{} > 1"])
def test_what_does_not_parse_is_refused(expr: str) -> None:
    with pytest.raises(PromQLError):
        scoped(expr, "service", "x")


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        pytest.param("sum(a) > 100", Limit("sum(a)", ">", 100), id="a number on the right"),
        pytest.param("100 < sum(a)", Limit("sum(a)", ">", 100), id="a number on the left"),
        pytest.param("a >= -2 * 3", Limit("a", ">=", -6), id="arithmetic"),
        pytest.param("(a > 1) and b", None, id="two conditions"),
        pytest.param("a > b", None, id="no number"),
        pytest.param("a > bool 1", None, id="a value of 0 or 1"),
        pytest.param("absent(a)", None, id="no comparison"),
    ],
)
def test_the_limit_of_an_expression(expr: str, expected: Limit | None) -> None:
    assert limit_of(expr) == expected


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("sum(a) > 100", "sum(a)"),
        ("(a > 5) and on () b >= 3", "a"),
        ("((a / b)) > 1 or c", "a / b"),
        ("(a) + (b) > 2", "(a) + (b)"),
        ("3 < a", "3 < a"),
        ("absent(a)", "absent(a)"),
        ("a unless b", "a"),
    ],
)
def test_what_an_expression_measures(expr: str, expected: str) -> None:
    assert measured(expr) == expected


def test_comments_go() -> None:
    assert uncommented('a > 1 # by (b)\nand b{c="#d"} > 2 # no') == 'a > 1  \nand b{c="#d"} > 2'


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ('sum(rate(a[5m])) / rate(b{c="[1m]"}[90s])', 'sum(rate(a[W])) / rate(b{c="[1m]"}[W])'),
        ("rate(a[30m]) + increase(b[5m])", "rate(a[30m]) + increase(b[5m])"),
        ("increase(b[1m])", "increase(b[W])"),
        ("avg_over_time(a[5m])", "avg_over_time(a[5m])"),
        ("max_over_time(rate(a[5m])[1h:1m])", "max_over_time(rate(a[W])[1h:1m])"),
        ("rate > 1", "rate > 1"),
    ],
)
def test_rates_are_shown_over_a_graphs_own_window(expr: str, expected: str) -> None:
    assert with_window(expr, "W") == expected
