"""Prometheus rule files: one for each pack of a service, outage alerts in a group that is evaluated faster.

Owns the layout of the files and nothing of their content. A proof evaluates every rule of the file that it loads, so
a file holds no more than one pack. The text is laid out by hand because a general YAML emitter
takes most of a render's time for what is always the same shape.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from generator.artifact import Artifact
from generator.conventions import GENERATED
from generator.site.model import Alert, PackInstance, Record, Service, Site
from generator.units import format_duration

_JSON: Final = json.JSONEncoder(ensure_ascii=False)


def render_rules(site: Site) -> tuple[Artifact, ...]:
    """prometheus/rules/<service>/<pack>.yml for each pack of a service that has rules."""
    return tuple(
        _rule_file(service, pack) for service in site.services for pack in service.packs if pack.alerts or pack.records
    )


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated together and in this order, records first."""

    name: str
    interval: int
    rules: tuple[Record | Alert, ...]


def rule_groups(service: str, pack: PackInstance) -> list[RuleGroup]:
    """The groups of a pack's file: outages at their own pace, then records that are made less often, then the rest."""
    outages = [alert for alert in pack.alerts if alert.fault == "outage"]
    name = f"{service}:{pack.pack}"
    groups = [
        RuleGroup(f"{name}:outage", interval, tuple(alerts))
        for interval, alerts in groupby(sorted(outages, key=_interval), key=_interval)
    ]
    return groups + _pack_groups(name, pack)


def _pack_groups(name: str, pack: PackInstance) -> list[RuleGroup]:
    """A pack's records before its alerts, in one group, so that an alert sees what was recorded a moment ago.

    Records that are made less often have a group of their own.
    """
    alerts = [alert for alert in pack.alerts if alert.fault != "outage"]
    rules: list[Alert | Record] = [*alerts, *pack.records]
    if not rules:
        return []
    fastest = min(rule.evaluation_interval for rule in rules)
    slow = sorted((record for record in pack.records if record.evaluation_interval > fastest), key=_interval)
    groups = [
        RuleGroup(f"{name}:{format_duration(interval)}", interval, tuple(records))
        for interval, records in groupby(slow, key=_interval)
    ]
    quick = [record for record in pack.records if record not in slow]
    return [*groups, RuleGroup(name, fastest, (*quick, *alerts))]


def rule_lines(rule: Record | Alert) -> list[str]:
    """One rule as it stands in a file."""
    if isinstance(rule, Record):
        return [f"      - record: {rule.name}", *_expr(rule.expr), *_mapping("labels", rule.labels)]
    lines = [f"      - alert: {rule.name}", *_expr(rule.expr)]
    if rule.for_seconds:
        lines.append(f"        for: {format_duration(rule.for_seconds)}")
    if rule.keep_firing_seconds:
        lines.append(f"        keep_firing_for: {format_duration(rule.keep_firing_seconds)}")
    return [*lines, *_mapping("labels", rule.labels), *_mapping("annotations", rule.annotations)]


def _rule_file(service: Service, pack: PackInstance) -> Artifact:
    lines = [f"# {GENERATED}", "groups:"]
    for group in rule_groups(service.name, pack):
        lines += [f"  - name: {_quote(group.name)}", f"    interval: {format_duration(group.interval)}", "    rules:"]
        for rule in group.rules:
            lines += rule_lines(rule)
    origins = {alert.name: alert.origin for alert in pack.alerts} | {each.name: each.origin for each in pack.records}
    return Artifact(f"prometheus/rules/{service.name}/{pack.pack}.yml", "\n".join(lines) + "\n", origins)


def _interval(rule: Alert | Record) -> int:
    return rule.evaluation_interval


def _expr(expr: str) -> list[str]:
    if "\n" not in expr:
        return [f"        expr: {_quote(expr)}"]
    return ["        expr: |-", *(f"          {line}".rstrip() for line in expr.split("\n"))]


def _mapping(key: str, values: Mapping[str, str]) -> list[str]:
    return [f"        {key}:", *(f"          {name}: {_quote(value)}" for name, value in values.items())]


def _quote(text: str) -> str:
    """A double-quoted YAML scalar; JSON's strings are a subset of YAML's."""
    return _JSON.encode(text)
