"""Dashboards held to their rules without Grafana: a gate over the files, and a runner over live servers."""

from generator.prove.dashboards.gate import RULES, check_dashboards, rule_index
from generator.prove.dashboards.live import PanelResult, failures, run_panels
from generator.prove.dashboards.rule import Rule
from generator.prove.dashboards.rulefile import panel_rules

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
