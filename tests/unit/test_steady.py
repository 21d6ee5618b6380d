"""What an expression returns for steady series, as Prometheus would have it, and what is not known."""

import math

import pytest

from generator.packs.derive import Underivable
from generator.packs.derive_search import search_case
from generator.promql.steady import Steady, Unsteady, evaluate
from generator.promql.tree import parse

SERIES = [
    Steady({"__name__": "used", "pool": "a", "job": "x"}, "level", 90.0),
    Steady({"__name__": "size", "pool": "a", "job": "x"}, "level", 100.0),
    Steady({"__name__": "used", "pool": "b", "job": "x"}, "level", 10.0),
    Steady({"__name__": "info", "zone": "z", "job": "x"}, "level", 1.0),
    Steady({"__name__": "calls_total", "job": "x"}, "rate", 2.0),
    Steady({"__name__": "moves", "job": "x"}, "slope", -0.5),
    Steady({"__name__": "done_at", "job": "x"}, "from_now", -60.0),
    *(Steady({"__name__": "b", "le": le}, "rate", n) for le, n in (("1", 1.0), ("2", 2.0), ("+Inf", 2.0))),
    Steady({"__name__": "e", "le": "+Inf"}, "rate", 0.0),
]


@pytest.mark.parametrize(
    ("expr", "found"),
    [
        ("used / size * 100", [({"job": "x", "pool": "a"}, 90.0)]),
        ("used > 50", [({"__name__": "used", "job": "x", "pool": "a"}, 90.0)]),
        ("50 < used", [({"__name__": "used", "job": "x", "pool": "a"}, 90.0)]),
        ("sum(used)", [({}, 100.0)]),
        ("sum without (pool) (used)", [({"job": "x"}, 100.0)]),
        ("-max by (pool) (used > 50)", [({"pool": "a"}, -90.0)]),
        ("avg(used) + min(used) - group(used)", [({}, 59.0)]),
        ("count(used)", [({}, 2.0)]),
        ("used and on (pool) size", [({"__name__": "used", "job": "x", "pool": "a"}, 90.0)]),
        ("used unless on (pool) size", [({"__name__": "used", "job": "x", "pool": "b"}, 10.0)]),
        ("size or vector(0)", [({"__name__": "size", "job": "x", "pool": "a"}, 100.0), ({}, 0.0)]),
        ("used * on (job) group_left (zone) info > 50", [({"job": "x", "pool": "a", "zone": "z"}, 90.0)]),
        ("size > ignoring (pool, zone) info", [({"job": "x"}, 100.0)]),
        ("rate(calls_total[5m])", [({"job": "x"}, 2.0)]),
        ("increase(calls_total[5m]) % 7", [({"job": "x"}, 5.0)]),
        ("delta(moves[1m])", [({"job": "x"}, -30.0)]),
        ("changes(moves[1m]) + resets(moves[1m])", [({"job": "x"}, 10.0)]),
        ("sum_over_time(info[1m]) + count_over_time(info[1m])", [({"job": "x", "zone": "z"}, 12.0)]),
        ("time() - done_at", [({"job": "x"}, 60.0)]),
        ('absent(gone{a="1",b!="2"})', [({"a": "1"}, 1.0)]),
        ("absent(info)", []),
        ("histogram_quantile(0.75, rate(b[5m]))", [({}, 1.5)]),
        ("histogram_quantile(0.5, rate(b[5m]))", [({}, 1.0)]),
        ("abs(-size) ^ 2", [({"job": "x", "pool": "a"}, 10000.0)]),
        ("(2 + 3) * info", [({"job": "x", "zone": "z"}, 5.0)]),
        ("10 / info", [({"job": "x", "zone": "z"}, 10.0)]),
        ("info / 0", [({"job": "x", "zone": "z"}, math.inf)]),
        ("size * 1e300 ^ 2 > 1", []),
        ("sqrt(-info) > -1", []),
        ("info % 0 > -1", []),
    ],
)
def test_it_is_what_prometheus_returns(expr: str, found: list[tuple[dict[str, str], float]]) -> None:
    samples = evaluate(parse(expr), SERIES, 10)
    assert [({**each.labels}, each.value) for each in samples] == found


def test_a_quantile_of_no_events_is_no_number() -> None:
    (sample,) = evaluate(parse("histogram_quantile(0.5, rate(e[5m]))"), SERIES, 10)
    assert math.isnan(sample.value)


@pytest.mark.parametrize(
    ("expr", "why"),
    [
        ("1 + 1", "it is a number"),
        ("2 > bool 1", "it compares with bool"),
        ("topk(1, used)", "topk chooses"),
        ('label_replace(used, "a", "b", "c", "d")', "label_replace is not known"),
        ("calls_total", "in two ways"),
        ("used @ 10", "at one moment"),
        ("max_over_time(rate(calls_total[5m])[1h:1m])", "is not known"),
        ("absent(sum(used))", "what is absent is computed"),
        ("size * on (job) used", "on its right are alike"),
        ("used * on (job) size", "on its left are alike"),
        ("size * on (job) group_right () used", "on its right for one"),
        ("size atan2 size", "atan2 is not known"),
    ],
)
def test_what_is_not_known_is_said(expr: str, why: str) -> None:
    with pytest.raises(Unsteady, match=why.replace("(", r"\(")):
        evaluate(parse(expr), SERIES, 10)


@pytest.mark.parametrize(
    ("expr", "why"),
    [
        ("a > a offset 1h", "another time"),
        ('a / {b="1"} > 1', "it names no metric"),
        ('a / b{job="x"} > 1', "it chooses by job"),
        ('a / b{c="1",c="2"} > 1', "no value is known"),
        ("vector(2) > 1", "it reads no series"),
        ("sum by (x) (a) / b > 1", "no values of its series were found"),
        ("sum(rate(a[3s])) / sum(rate(b[3s])) > 1", "holds too few samples"),
        ("topk(1, a / b) > 1", "topk chooses"),
    ],
)
def test_what_cannot_be_proven_says_why(expr: str, why: str) -> None:
    with pytest.raises(Underivable, match=why):
        search_case(expr, 300, "cause")


def test_an_outage_is_seen_without_a_window() -> None:
    with pytest.raises(Underivable, match="within seconds"):
        search_case("rate(a[5m]) / rate(b[5m]) > 1", 10, "outage")


def test_each_half_of_a_condition_is_tried() -> None:
    case = search_case("used / size > 0.5 and size > 10", 300, "cause")
    assert [each["change"][0]["series"] for each in case["silent_when"]] == ["size"]
    assert len(case["fires_when"]) == 2
