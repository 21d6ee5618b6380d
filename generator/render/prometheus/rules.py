"""Prometheus rule files: one for each pack of a service, outage alerts in a group that is evaluated faster.

Owns the layout of the files and nothing of their content. A proof evaluates every rule of the file that it loads, so
a file holds no more than one pack. The text is laid out by hand because a general YAML emitter
takes most of a render's time for what is always the same shape.
"""

import json
from collections.abc import Iterable, Mapping
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


def _rule_file(service: Service, pack: PackInstance) -> Artifact:
    lines = [f"# {GENERATED}", "groups:"]
    outages = [alert for alert in pack.alerts if alert.fault == "outage"]
    for interval, alerts in groupby(sorted(outages, key=_interval), key=_interval):
        lines += _group(f"{service.name}:{pack.pack}:outage", interval, (), alerts)
    lines += _pack_group(service, pack)
    origins = {alert.name: alert.origin for alert in pack.alerts} | {each.name: each.origin for each in pack.records}
    return Artifact(f"prometheus/rules/{service.name}/{pack.pack}.yml", "\n".join(lines) + "\n", origins)


def _interval(rule: Alert | Record) -> int:
    return rule.evaluation_interval


def _pack_group(service: Service, pack: PackInstance) -> list[str]:
    """A pack's records before its alerts, in one group, so that an alert sees what was recorded a moment ago.

    Records that are made less often have a group of their own.
    """
    alerts = [alert for alert in pack.alerts if alert.fault != "outage"]
    rules: list[Alert | Record] = [*alerts, *pack.records]
    if not rules:
        return []
    fastest = min(rule.evaluation_interval for rule in rules)
    name = f"{service.name}:{pack.pack}"
    slow = sorted((record for record in pack.records if record.evaluation_interval > fastest), key=_interval)
    lines = []
    for interval, records in groupby(slow, key=_interval):
        lines += _group(f"{name}:{format_duration(interval)}", interval, records, ())
    return lines + _group(name, fastest, [each for each in pack.records if each not in slow], alerts)


def _group(name: str, interval: int, records: Iterable[Record], alerts: Iterable[Alert]) -> list[str]:
    lines = [f"  - name: {_quote(name)}", f"    interval: {format_duration(interval)}", "    rules:"]
    for record in records:
        lines += [f"      - record: {record.name}", *_expr(record.expr), *_mapping("labels", record.labels)]
    for alert in alerts:
        lines += [f"      - alert: {alert.name}", *_expr(alert.expr)]
        if alert.for_seconds:
            lines.append(f"        for: {format_duration(alert.for_seconds)}")
        if alert.keep_firing_seconds:
            lines.append(f"        keep_firing_for: {format_duration(alert.keep_firing_seconds)}")
        lines += [*_mapping("labels", alert.labels), *_mapping("annotations", alert.annotations)]
    return lines


def _expr(expr: str) -> list[str]:
    if "\n" not in expr:
        return [f"        expr: {_quote(expr)}"]
    return ["        expr: |-", *(f"          {line}".rstrip() for line in expr.split("\n"))]


def _mapping(key: str, values: Mapping[str, str]) -> list[str]:
    return [f"        {key}:", *(f"          {name}: {_quote(value)}" for name, value in values.items())]


def _quote(text: str) -> str:
    """A double-quoted YAML scalar; JSON's strings are a subset of YAML's."""
    return _JSON.encode(text)
