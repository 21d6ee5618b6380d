"""Every promise of docs/alerts.md is kept: by an alert, a metric that some pack asks for, or a test that exists."""

import re
from pathlib import Path

import pytest

from generator.packs import Pack, load_packs
from generator.packs.fixtures import read_fixtures
from generator.packs.promises import keepers, load_promises, packs_with
from generator.packs.relabel import relabelled
from generator.packs.sample import sample_instance
from generator.promql.spans import Binary, read_spans
from generator.site.model import Alert

ROOT = Path(__file__).resolve().parents[2]
PROMISES = load_promises()
LINES = {**PROMISES.alerts, **PROMISES.metrics}
OWN_RULES = [pack for name, pack in load_packs().items() if pack.source == name]


def exported() -> set[str]:
    """The name of every metric in any fixture, as its pack has it scraped."""
    return {
        series.name
        for pack in load_packs().values()
        for series in relabelled(read_fixtures(sorted(pack.folder.glob("fixtures/*.prom"))), pack.relabel)
    }


@pytest.mark.parametrize("line", PROMISES.alerts)
def test_a_promise_has_an_alert_or_a_mechanism(line: str) -> None:
    kept = [keeper.alert.name for keeper in keepers() if line in keeper.alert.promises]
    assert kept or PROMISES.alerts[line].kept_by


@pytest.mark.parametrize("line", PROMISES.metrics)
def test_a_metric_that_is_promised_is_exported_and_asked_for(line: str) -> None:
    promise = PROMISES.metrics[line]
    assert promise.metrics or promise.kept_by
    assert set(promise.metrics) - exported() == set()
    assert [metric for metric in promise.metrics if not packs_with(metric)] == []


def test_no_alert_promises_what_nobody_wrote_down() -> None:
    named = {line for keeper in keepers() for line in keeper.alert.promises}
    assert named <= PROMISES.alerts.keys()


@pytest.mark.parametrize("line", [line for line in LINES if LINES[line].kept_by])
def test_the_mechanism_of_a_promise_has_its_test(line: str) -> None:
    for each in LINES[line].kept_by:
        path, _, name = each.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


# Shares of time or of bytes are no shares of events: there is always enough of either.
_NO_EVENTS = re.compile(r"\b\w+_(seconds|bytes)_total\b")
_EVENTS = re.compile(r"\b(rate|increase)\(")


def is_ratio_of_events(alert: Alert) -> bool:
    """Whether a count of events is divided by another one."""
    return any(
        binary.op == "/"
        and all(_EVENTS.search(side) and not _NO_EVENTS.search(side) for side in sides_of(alert, binary))
        for binary in read_spans(alert.expr).binaries
    )


def asks_for_a_least_number(alert: Alert) -> bool:
    """Whether beside the ratio there is `and`, and a count of events that has to be large enough."""
    enough = re.compile(r">=?\s*(?!0\b)[\d.]")
    return any(
        binary.op == "and"
        and any("/" not in side and _EVENTS.search(side) and enough.search(side) for side in sides_of(alert, binary))
        for binary in read_spans(alert.expr).binaries
    )


def sides_of(alert: Alert, binary: Binary) -> list[str]:
    return [alert.expr[slice(*side)] for side in (binary.left, binary.right)]


@pytest.mark.parametrize("pack", OWN_RULES, ids=lambda pack: pack.name)
def test_a_ratio_of_events_asks_for_a_least_number_of_them(pack: Pack) -> None:
    _, instance = sample_instance(pack)
    ratios = [alert for alert in instance.alerts if is_ratio_of_events(alert)]
    assert [alert.name for alert in ratios if not asks_for_a_least_number(alert)] == []
