"""Dashboards held to their rules without Grafana: a gate over the files, and a runner over live servers."""

from generator.check.dashboards.gate import RULES, check_dashboards, rule_index
from generator.check.dashboards.live import PanelResult, failures, run_panels
from generator.check.dashboards.rule import Rule
from generator.check.dashboards.rulefile import panel_rules

__all__ = [
    "RULES",
    "PanelResult",
    "Rule",
    "check_dashboards",
    "failures",
    "panel_rules",
    "rule_index",
    "run_panels",
]
