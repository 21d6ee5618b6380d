"""How often a rule is evaluated, by its windows and its `for`."""

import pytest
import yaml

from generator.packs.pace import pace
from generator.pipeline import compile_text

SITE = """
channels: {ops: {slack: {channel: "#ops", webhook: secret:slack_ops}}}
services:
  api: {kind: [fastapi, costs, tenants], targets: [api:8000], slo: {availability: 99.9%}}
"""


@pytest.mark.parametrize(
    ("expr", "hold", "seconds"),
    [
        ("up == 0", 0, 30),
        ("rate(a_total[5m]) > 1", 600, 30),
        ("rate(a_total[1h]) > 1", 0, 60),
        ("rate(a_total[1h]) > 1 and rate(a_total[5m]) > 1", 0, 30),
        ("rate(a_total[3h]) > 1", 0, 120),
        ("rate(a_total[1d]) > 1", 0, 240),
        ("max_over_time(a[31d:1h]) > 1", 0, 240),
        ("rate(a_total[1d12h]) > 1", 900, 120),
        ("rate(a_total[1d]) > 1", 300, 60),
        ("rate(a_total[1d]) > 1", 120, 30),
    ],
)
def test_a_rule_with_long_windows_is_evaluated_less_often(expr: str, hold: int, seconds: int) -> None:
    assert pace(30, expr, hold) == seconds


def test_no_pace_is_as_long_as_a_sample_is_shown() -> None:
    assert pace(30, "rate(a_total[365d])", 0) < 300


def test_groups_have_the_pace_of_their_rules_and_outages_theirs() -> None:
    rendered = {each.path: each.content for each in compile_text(SITE, "services.yaml").artifacts}
    groups = {
        group["name"]: (group["interval"], {rule.get("alert") or rule["record"] for rule in group["rules"]})
        for path, text in rendered.items()
        if path.startswith("prometheus/rules/api/")
        for group in yaml.safe_load(text)["groups"]
    }
    assert groups["api:target:outage"][0] == "5s"
    assert groups["api:tenants:alerts:2m"] == ("2m", {"TenantSilent"})
    interval, names = groups["api:slo"]
    assert interval == "30s"
    assert "BudgetBurnPageFast" in names
    assert "slo:requests_spent:ratio" in groups["api:slo:4m"][1]
