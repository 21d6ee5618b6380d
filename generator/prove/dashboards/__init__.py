"""Dashboards held to their rules without Grafana: a gate over the files. What runs their
queries over live servers is imported from `live` itself: it brings an HTTP client."""

from generator.prove.dashboards.gate import RULES, check_dashboards, rule_index
from generator.prove.dashboards.rule import DashboardRule
from generator.prove.dashboards.rulefile import judge_queries, panel_rules

__all__ = [
    "RULES",
    "DashboardRule",
    "check_dashboards",
    "judge_queries",
    "panel_rules",
    "rule_index",
]
