"""Every line of requirements.yaml is kept: by an alert, a metric that some pack asks for, or a test that exists."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from generator.packs import Pack, load_packs
from generator.packs.sample import sample_instance
from generator.promql.spans import Binary, read_spans
from generator.reference.metrics import metrics_of, read_printed
from generator.site.model import Alert

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS: Final[Mapping[str, Mapping[str, Any]]] = yaml.safe_load(
    (Path(__file__).parent / "requirements.yaml").read_text(encoding="utf-8")
)
LINES: Final = {**REQUIREMENTS["alerts"], **REQUIREMENTS["metrics"]}
PRINTED: Final = read_printed(load_packs())
OWN_RULES = [pack for name, pack in load_packs().items() if pack.source == name]


@pytest.mark.parametrize("line", LINES)
def test_a_requirement_is_kept_by_something(line: str) -> None:
    assert LINES[line].keys() - {"says"} and LINES[line].keys() <= {"says", "alerts", "metrics", "kept_by"}


@pytest.mark.parametrize("line", [line for line in LINES if "alerts" in LINES[line]])
def test_the_alerts_of_a_requirement_exist(line: str) -> None:
    assert set(LINES[line]["alerts"]) - {name for pack in OWN_RULES for name in pack.alert_names} == set()


@pytest.mark.parametrize("line", [line for line in LINES if "metrics" in LINES[line]])
def test_a_metric_that_is_required_is_exported_and_asked_for(line: str) -> None:
    metrics = LINES[line]["metrics"]
    assert set(metrics) - PRINTED.names == set()
    assert set(metrics) - {metric for pack in OWN_RULES for metric in metrics_of(pack, PRINTED)} == set()


@pytest.mark.parametrize("line", [line for line in LINES if "kept_by" in LINES[line]])
def test_the_mechanism_of_a_requirement_has_its_test(line: str) -> None:
    for each in LINES[line]["kept_by"]:
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
    """The two sides of it, without what label matchers ask for."""
    return [re.sub('"[^"]*"', '""', alert.expr[slice(*side)]) for side in (binary.left, binary.right)]


@pytest.mark.parametrize("pack", OWN_RULES, ids=lambda pack: pack.name)
def test_a_ratio_of_events_asks_for_a_least_number_of_them(pack: Pack) -> None:
    _, instance = sample_instance(pack)
    ratios = [alert for alert in instance.alerts if is_ratio_of_events(alert)]
    assert [alert.name for alert in ratios if not asks_for_a_least_number(alert)] == []
