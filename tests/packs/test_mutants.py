"""Proofs can fail: whatever way an alert is made wrong in, its proof notices. Here a share of all ways; `make mutants`
tries every one."""

import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import promql_parser as pp
import pytest

from generator.diagnostics import Span
from generator.packs import Pack, load, load_packs
from generator.packs.sample import sample_instance
from generator.promql.spans import read_spans
from generator.promql.tokens import AGGREGATIONS
from generator.promql.tree import parse, walk
from generator.prove.mutants import NOT_YET, judge, own_packs
from generator.prove.mutation import Mutant, mutants_of
from generator.prove.scores import Count, Score, report
from generator.site.model import Alert, Record
from tests.packs.proving import BROKEN, NO_NUMBER, broken, prove
from tests.support.soak import size
from tests.support.verdicts import VERDICTS
from tests.unit.sites import make_alert

PACKS = own_packs((), load_packs())
# One mistake in so many, drawn by its name; all of them where time does not matter.
SHARE = size(6, 1)


def chosen(name: str) -> bool:
    return zlib.crc32(name.encode()) % SHARE == 0


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.name)
def test_a_wrong_rule_fails_its_proof(pack: Pack) -> None:
    """Broken rules, each of every alert, stand beside the mutants on the same timeline: to begin one takes long."""
    (score,) = judge([pack], chosen, also=broken, verdicts=VERDICTS)
    assert [f"{mutant.alert.name}: {mutant.name}" for mutant in score.survivors] == []


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.name)
def test_a_broken_rule_means_the_same_in_no_pack(pack: Pack) -> None:
    named = [each.mutant for each in load.tests_of(pack).equivalent]
    assert [name for name in BROKEN for pattern in named if fnmatchcase(name, pattern)] == []


def test_every_alert_is_broken() -> None:
    for pack in PACKS:
        _, instance = sample_instance(pack)
        for alert in instance.alerts:
            names = [mutant.name for mutant in broken(alert) if mutant.alert != alert]
            assert "with another severity" in names
            assert ("without for" in names) == (alert.for_seconds > 0)
            assert ("without keep_firing_for" in names) == (alert.keep_firing_seconds > 0)
            assert ("a threshold twice as far away" in names) == (alert.name not in NO_NUMBER), alert.name


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.name)
def test_positions_are_read_as_promql_parser_reads_the_expression(pack: Pack) -> None:
    _, instance = sample_instance(pack)
    for alert in instance.alerts:
        nodes = [*walk(parse(alert.expr))]
        spans = read_spans(alert.expr)
        assert len(spans.binaries) == sum(isinstance(node, pp.BinaryExpr) for node in nodes), alert.name
        aggregates = [str(node.op) for node in nodes if isinstance(node, pp.AggregateExpr)]
        assert Counter(each.op for each in spans.aggregates) == Counter(
            op for op in aggregates if op in AGGREGATIONS
        ), alert.name
        ranges = sum(isinstance(node, pp.MatrixSelector | pp.SubqueryExpr) for node in nodes)
        assert len(spans.ranges) == ranges, alert.name
        matchers = (each for node in nodes if isinstance(node, pp.VectorSelector) for each in node.matchers.matchers)
        assert Counter((each.label, each.text[1:-1]) for each in spans.values) == Counter(
            (each.name, each.value) for each in matchers if each.name != "__name__" or "__name__" in alert.expr
        ), alert.name
        for binary in spans.binaries:
            parse(alert.expr[slice(*binary.left)])
            parse(alert.expr[slice(*binary.right)])


def names_of(expr: str) -> dict[str, str]:
    alert = make_alert("A", expr=expr, for_seconds=60, keep_firing_seconds=60)
    return {mutant.name: mutant.alert.expr for mutant in mutants_of(alert)}


@pytest.mark.parametrize(
    ("expr", "name", "wrong"),
    [
        ("a > 4", "number 1 halved", "a > 2"),
        ("a > 4", "number 1 doubled", "a > 8"),
        ("0.5 < a", "comparison 1 flipped", "0.5 > a"),
        ("a == bool 1 unless b", "unless 1 without its right side", "a == bool 1"),
        ("a / on (x) group_left () b > 1", "ratio 1 swapped", "b / on (x) group_left () a > 1"),
        ("(a or vector(0)) > 1", "or 1 without its left side", "(vector(0)) > 1"),
        ("a > 1 and b > 2 or c", "and 1 without its right side", "a > 1 or c"),
        ('a{service="x", job="y", z=~"1|2"} > 1', "matcher 1 (job) dropped", 'a{service="x",  z=~"1|2"} > 1'),
        ('a{service="x", job="y", z=~"1|2"} > 1', "matcher 2 (z) dropped", 'a{service="x", job="y"} > 1'),
        ('a{job="y"} > 1', "matcher 1 (job) dropped", "a{} > 1"),
        ("a - a offset 1w > 1", "offset 1 dropped", "a - a  > 1"),
        ('a{service="x", job="y"} > 1', "service 1 dropped", 'a{ job="y"} > 1'),
        ('a{b=~"c|d"} > 1', "alternative 1 (b: c) dropped", 'a{b=~"d"} > 1'),
        ('a{b!~"c.+|d(e|f)"} > 1', "alternative 2 (b: d(e|f)) dropped", 'a{b!~"c.+"} > 1'),
        ('a{b!~"c.+|d(e|f)"} > 1', "alternative 3 (b: e) dropped", 'a{b!~"c.+|d(f)"} > 1'),
        ("a > 4", "comparison 1 with the other edge", "a >= 4"),
        ("rate(a[5m]) > 1", "range 1 halved", "rate(a[2m30s]) > 1"),
        ("rate(a[5m]) > 1", "range 1 doubled", "rate(a[10m]) > 1"),
        ("max_over_time(a[1d:1h]) > 1", "range 1 halved", "max_over_time(a[12h:1h]) > 1"),
        ("sum(a) > 1", "aggregation 1 (sum) is max", "max(a) > 1"),
        ("sum by (b) (a) > 1", "aggregation 1 (sum) is count", "count by (b) (a) > 1"),
        ("max by (b, c) (a) > 1", "grouping 1 without b", "max by (c) (a) > 1"),
        ("max(a) by (b) > 1", "grouping 1 with instance", "max(a) by (b, instance) > 1"),
        ("max(a) > 1", "grouping 1 by instance", "max by (instance) (a) > 1"),
        ("a and on (b, c) d > 1", "on 1 without c", "a and on (b) d > 1"),
        ("histogram_quantile(0.95, a) > 1", "quantile 1 is 0.5", "histogram_quantile(0.5, a) > 1"),
        ("a > 4", "for dropped", "a > 4"),
        ("a > 4", "for halved", "a > 4"),
        ("a > 4", "keep_firing_for doubled", "a > 4"),
        ("a > 4", "keep_firing_for dropped", "a > 4"),
    ],
)
def test_an_alert_is_made_wrong_in_one_place(expr: str, name: str, wrong: str) -> None:
    assert names_of(expr)[name] == wrong


@pytest.mark.parametrize(
    ("expr", "never"),
    [
        ("histogram_quantile(0.95, a) > 1", "number 2 halved"),
        ("a > 0", "number 1 halved"),
        ("sum(a) > 1", "aggregation 1 (sum) is sum"),
        ("a == 1", "comparison 1 with the other edge"),
        ("rate(a[5m]) > 1", "number 2 halved"),
    ],
)
def test_what_is_no_threshold_and_what_all_hangs_on_is_left_alone(expr: str, never: str) -> None:
    assert never not in names_of(expr)


@pytest.mark.parametrize(
    ("expr", "name", "why"),
    [
        ("sum(rate(a[5m])) > 4", "comparison 1 with the other edge", "never exactly at the limit"),
        (
            "histogram_quantile(0.9, sum by (le) (rate(a[5m]))) > 4",
            "aggregation 1 (sum) is avg",
            "divided by one number",
        ),
        ('a{s="1"} / b{s="1"} > 4', "matcher 1 (s) dropped", "joined by the label"),
        ("a and on () sum(b)", "aggregation 1 (sum) is max", "only the labels count"),
        ("a and on () sum(b) > 0", "grouping 1 by instance", "only the labels count"),
        ("sum(a) == 0", "aggregation 1 (sum) is max", "0 together"),
        ("max(sum(a)) > 1", "aggregation 1 (max) is min", "one series"),
        ('sum(a{b="1"}) / (sum(a) > 0) > 1', "comparison 1 with the other edge", "no number"),
        ("a unless on () time() - max(b) < 60", "grouping 1 by instance", "young"),
        ("a unless on () max(up) == 1", "grouping 1 by instance", "0 or 1"),
        ('a{s="1"} and on (s, t) b{s="1"}', "on 1 without s", "one value"),
        ("a > 1 or 0 * sum(b)", "aggregation 1 (sum) is max", "multiplied by 0"),
        ("(sum(a) or vector(0)) == 0", "aggregation 1 (sum) is max", "0 together"),
        ("sum(sum by (c) (a)) > 4", "grouping 1 by instance", "no series has the label"),
        ("sum(sum by (c) (a)) > 4", "grouping 2 without c", "put together again"),
    ],
)
def test_what_means_the_same_is_read_from_both_expressions(expr: str, name: str, why: str) -> None:
    (mutant,) = (each for each in mutants_of(make_alert("A", expr=expr)) if each.name == name)
    assert why in mutant.same


@pytest.mark.parametrize(
    ("expr", "name"),
    [
        ("a > 4", "comparison 1 with the other edge"),
        ("rate(a[5m]) > 0", "comparison 1 with the other edge"),
        ("rate(a[5m]) > 4", "comparison 1 flipped"),
        ('a{s="1"} / on (t) b{s="1"} > 4', "matcher 1 (s) dropped"),
        ('a{s="1"} unless b{s="1"}', "matcher 1 (s) dropped"),
        ('a{s=~"1|2"} / b{s=~"1|2"} > 4', "alternative 1 (s: 1) dropped"),
        ('a{s="1"} or b{s="1"}', "matcher 1 (s) dropped"),
        ("sum(a) and on () b", "aggregation 1 (sum) is max"),
        ("a and on () sum(b) > 1", "grouping 1 by instance"),
        ("a and on (c) sum by (c) (b) > 0", "grouping 1 without c"),
        ("sum(a) > 0", "aggregation 1 (sum) is max"),
        ("sum(a) == 0", "aggregation 1 (sum) is min"),
        ("sum(a - b) == 0", "aggregation 1 (sum) is max"),
        ("max(sum by (c) (a)) > 4", "grouping 2 without c"),
        ("histogram_quantile(0.9, sum by (le) (rate(a[5m]))) > 4", "aggregation 1 (sum) is max"),
        ("sum(a) / (sum(b) > 0) > 1", "comparison 1 with the other edge"),
        ("a unless on () time() - max(b) > 60", "grouping 1 by instance"),
        ("a unless on () max(b) == 1", "grouping 1 by instance"),
        ("a unless on () max(up) == 0", "grouping 1 by instance"),
        ('a{s="1"} and on (s, t) b', "on 1 without s"),
        ('a{s="1"} and on (s, t) b{s="2"}', "on 1 without s"),
        ("a > 1 or 2 * sum(b)", "aggregation 1 (sum) is max"),
        ("(sum(a) or vector(1)) == 0", "aggregation 1 (sum) is max"),
    ],
)
def test_what_means_something_else_is_left_to_the_proof(expr: str, name: str) -> None:
    (mutant,) = (each for each in mutants_of(make_alert("A", expr=expr)) if each.name == name)
    assert mutant.same == ""


def test_a_record_with_a_mistake_is_a_mutant_of_what_reads_it() -> None:
    record = Record("r", "x", "p", "sum(a)", {}, 60, Span("rules.yaml", 1, 1, 2))
    made = [each for each in mutants_of(make_alert("A", expr="r > 1"), [record]) if each.record]
    assert {each.place for each in made} == {"r"}
    assert {each.expr for each in made} >= {"max(a)", "sum by (instance) (a)"}
    assert {each.alert.expr for each in made} == {"r > 1"}


def test_what_is_held_to_less_are_packs_and_alerts_of_others() -> None:
    packs = {pack.name for pack in PACKS}
    alerts = {f"{pack.name}/{alert.name}" for pack in PACKS for alert in sample_instance(pack)[1].alerts}
    assert packs | alerts > NOT_YET
    assert {name for name in NOT_YET if name.partition("/")[0] in NOT_YET} == NOT_YET & packs
    assert {"bugsink", "cache", "haproxy", "nginx", "probe", "redis", "traefik"}.isdisjoint(NOT_YET)
    assert {"payments", "postgres", "process", "target"}.isdisjoint(NOT_YET)


def sum_is_max(alert: Alert) -> Alert:
    return replace(alert, expr=alert.expr.replace("sum(", "max("))


def all_services(alert: Alert) -> Alert:
    return replace(alert, expr=alert.expr.replace('service="sample",', "").replace('service="sample"', ""))


def any_dependency(alert: Alert) -> Alert:
    return replace(alert, expr=f"min by (job, instance) ({alert.expr.removesuffix(' == 0')}) == 0")


@pytest.mark.parametrize(
    ("mistake", "names"),
    [
        (sum_is_max, set()),
        (all_services, set()),
        (any_dependency, {"HttpNotReady"}),
    ],
    ids=["the greatest in place of the sum", "other services counted", "any dependency"],
)
def test_a_real_mistake_in_the_http_pack_is_noticed(
    mistake: Callable[[Alert], Alert], names: set[str], tmp_path: Path
) -> None:
    (pack,) = (each for each in PACKS if each.name == "http")
    _, instance = sample_instance(pack)
    changed = {alert.name for alert in instance.alerts if mistake(alert) != alert}
    # The sums that make HttpEndpointFailing fire are recorded.
    wanted = names or changed - ({"HttpEndpointFailing"} if mistake is sum_is_max else set())
    assert len(wanted) >= 1

    def broken_rule(alert: Alert) -> Alert:
        return mistake(alert) if alert.name in wanted else alert

    assert prove(pack, tmp_path, broken_rule).failed == wanted


def test_the_report_names_each_survivor_and_each_equivalent_that_stands_for_nothing() -> None:
    alive = Mutant("for dropped", make_alert("Late", expr="up  ==\n0"))
    counts = (Count("for", 5, 0, 1), Count("number", 15, 2, 0))
    text = report([Score("web", 3, counts, (alive,), ("Late: number 9 *",))])
    assert text.splitlines()[1].split() == ["web", "3", "20", "17", "2", "1"]
    assert ["number", "15", "13", "2", "0"] in [line.split() for line in text.splitlines()]
    assert "survived: web/Late: for dropped\n    up == 0\n" in text
    assert "web: 'equivalent' names no mutant that lives: Late: number 9 *" in text
    assert text.endswith("score 94.4% of those that mean something else")
