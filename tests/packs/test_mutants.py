"""Proofs can fail: whatever way an alert is made wrong in, its proof notices. Here a share of all ways; `make mutants`
tries every one."""

from fnmatch import fnmatchcase

import promql_parser as pp
import pytest

from generator.packs import Pack, load, load_packs
from generator.packs.sample import sample_instance
from generator.promql.spans import read_spans
from generator.promql.tree import parse, walk
from generator.prove.mutants import Score, judge, own_packs, report
from generator.prove.mutation import Mutant, mutants_of
from generator.site.model import Alert
from tests.packs.proving import BROKEN, NO_NUMBER, broken
from tests.support.soak import size
from tests.support.verdicts import VERDICTS
from tests.unit.sites import make_alert

PACKS = own_packs((), load_packs())
# Of each alert every third way, from another one on for each; all of them where time does not matter.
SHARE = size(3, 1)


def chosen(alert: Alert, number: int) -> bool:
    return (sum(alert.name.encode()) + number) % SHARE == 0


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
        ("a > 4", "for dropped", "a > 4"),
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
        ('a{service="x"} > 1', "matcher 1 (service) dropped"),
        ("rate(a[5m]) > 1", "number 2 halved"),
    ],
)
def test_what_is_no_threshold_and_what_all_hangs_on_is_left_alone(expr: str, never: str) -> None:
    assert never not in names_of(expr)


def test_the_report_names_each_survivor_and_each_equivalent_that_stands_for_nothing() -> None:
    alive = Mutant("for dropped", make_alert("Late", expr="up  ==\n0"))
    text = report([Score("web", 3, 20, 2, (alive,), ("Late: number 9 *",))])
    assert text.splitlines()[1].split() == ["web", "3", "20", "17", "2", "1"]
    assert "survived: web/Late: for dropped\n    up == 0\n" in text
    assert "web: 'equivalent' names no mutant that lives: Late: number 9 *" in text
    assert text.endswith("score 94.4% of those that mean something else")
