"""Which alerts wait while several processes answer behind one target: their counters jump, and every rate is wrong.

Owns what is added to the expressions of such alerts. What recognises the processes are alerts of packs; packs say
nothing about waiting, and neither do custom alerts.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import promql_parser as pp

from generator.promql.tree import PromQLError, parse, result_labels, walk
from generator.site.model import Alert, PackInstance, Service, Site

# The alerts that say that counters cannot be read: by what the library says of itself, and by what anybody's app shows.
_PARTIAL: Final = "MetricsPartial"
_SEVERAL: Final = "SeveralProcesses"
# What reads how a series changes.
_CHANGES: Final = frozenset(
    {"changes", "delta", "deriv", "idelta", "increase", "irate", "predict_linear", "rate", "resets"}
)
# Measured by something else than the target itself: Prometheus and its probes.
_OF_OTHERS: Final = re.compile(r"ALERTS|up|(probe|scrape)_\w+")


def with_waiting(site: Site) -> Site:
    """The site, with the condition on each alert that needs it."""
    services = (replace(each, packs=tuple(waiting(each, pack) for pack in each.packs)) for each in site.services)
    return replace(site, services=tuple(services))


def waiting(service: Service, instance: PackInstance) -> PackInstance:
    """A pack of `service`, with the condition on each of its alerts that needs it."""
    known = {alert.name for alert in service.alerts}
    sources = [name for name in (_PARTIAL, _SEVERAL) if name in known]
    if not sources:
        return instance
    records = {record.name: record.expr for pack in service.packs for record in pack.records}

    def held(alert: Alert) -> Alert:
        if alert.name == _SEVERAL:
            # One cause, one message: that of the library knows more.
            return _with_condition(alert, sources[:-1], records)
        waits = alert.fault != "outage" and alert.name not in sources and _misled(alert, records)
        return _with_condition(alert, sources, records) if waits else alert

    return replace(instance, alerts=tuple(map(held, instance.alerts)))


def _with_condition(alert: Alert, sources: Sequence[str], records: Mapping[str, str]) -> Alert:
    """The alert, silent while one of `sources` is pending or fires."""
    if not sources:
        return alert
    tree = parse(alert.expr)
    nodes = list(walk(tree))
    # `unless` binds more closely than `or`.
    alternatives = any(isinstance(node, pp.BinaryExpr) and str(node.op) == "or" for node in nodes)
    recorded = any(isinstance(node, pp.VectorSelector) and node.name in records for node in nodes)
    carried = result_labels(tree)
    by_target = "job" in carried and "instance" in carried and not alternatives and not recorded
    # What the library says, it says of all targets.
    matching = "on (job, instance)" if by_target and _PARTIAL not in sources else "on ()"
    named = f'alertname=~"{"|".join(sources)}"' if len(sources) > 1 else f'alertname="{sources[0]}"'
    expr = f"(\n{_indented(alert.expr)}\n)" if alternatives else alert.expr
    condition = f'unless {matching} ALERTS{{{named},service="{alert.service}"}}'
    return replace(alert, expr=f"{expr}\n{condition}", shape=f"{alert.shape}-waits")


def _misled(alert: Alert, records: Mapping[str, str]) -> bool:
    """Whether it reads how the target's own series change, or pages for them: gauges take turns as well."""
    if alert.severity == "critical":
        return any(_own(node, alert.service) for node in _nodes(alert.expr))
    return _reads_changes(alert.expr, alert.service, records)


def _nodes(expr: str) -> list[Any]:
    """Those of what is PromQL; of the rest promtool complains."""
    try:
        return list(walk(parse(expr)))
    except PromQLError:
        return []


def _reads_changes(expr: str, service: str, records: Mapping[str, str]) -> bool:
    nodes = _nodes(expr)
    calls = [node for node in nodes if isinstance(node, pp.Call) and node.func.name in _CHANGES]
    if any(_own(node, service) for call in calls for node in walk(call)):
        return True
    read = [node for node in nodes if _own(node, service) and node.name in records]
    return any(_reads_changes(records[node.name], service, records) for node in read)


def _own(node: Any, service: str) -> bool:
    """Whether it selects series of the service that its targets export, or that are recorded from them."""
    if not isinstance(node, pp.VectorSelector) or _OF_OTHERS.fullmatch(node.name or ""):
        return False
    matchers = node.matchers.matchers
    return any(each.name == "service" and each.value == service for each in matchers)


def _indented(expr: str) -> str:
    return "\n".join(f"  {line}" for line in expr.splitlines())
