"""Prometheus rule files: one for each pack of a service, outage alerts in a group that is evaluated faster.

Owns the layout of the files and nothing of their content. A proof evaluates every rule of the file that it loads, so
a file holds no more than one pack. The text is laid out by hand because a general YAML emitter
takes most of a render's time for what is always the same shape.
"""

import json
from collections.abc import Iterable, Mapping
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
    """The groups of a pack's file: outages, slow records, quick records and alerts, slow alerts.

    So a rule sees what slower records were made a moment ago, and a slow alert sees which quicker one fires already.
    """
    name = f"{service}:{pack.pack}"
    outages = [alert for alert in pack.alerts if alert.fault == "outage"]
    alerts = [alert for alert in pack.alerts if alert.fault != "outage"]
    rules: list[Record | Alert] = [*pack.records, *alerts]
    fastest = min(map(_interval, rules), default=0)
    return [
        *_paced(f"{name}:outage", outages, named=False),
        *reversed(_paced(name, [record for record in pack.records if _interval(record) > fastest])),
        *_paced(name, [rule for rule in rules if _interval(rule) == fastest], named=False),
        *_paced(f"{name}:alerts", [alert for alert in alerts if _interval(alert) > fastest]),
    ]


def _paced(name: str, rules: Iterable[Record | Alert], *, named: bool = True) -> list[RuleGroup]:
    """A group for each interval, the shortest first; `named` puts it into the group's name."""
    return [
        RuleGroup(f"{name}:{format_duration(interval)}" if named else name, interval, tuple(found))
        for interval, found in groupby(sorted(rules, key=_interval), key=_interval)
    ]


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
