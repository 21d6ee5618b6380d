"""Which alerts wait while several processes answer behind one target: their counters jump, and every rate is wrong.

Owns what is added to the expressions of such alerts. What recognises the processes are alerts of packs; packs say
nothing about waiting, and neither do custom alerts.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import promql_parser as pp

from generator.promql.tree import PromQLError, labels_of, outline, parse, walk
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
# What stands in an outline for the matcher of the service itself.
_OWN: Final = "own_service"


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
    reads, carried = _reads(alert.expr, alert.service), labels_of(alert.expr)
    recorded = bool(reads.names & records.keys())
    by_target = "job" in carried and "instance" in carried and not reads.alternatives and not recorded
    # What the library says, it says of all targets.
    matching = "on (job, instance)" if by_target and _PARTIAL not in sources else "on ()"
    named = f'alertname=~"{"|".join(sources)}"' if len(sources) > 1 else f'alertname="{sources[0]}"'
    # `unless` binds more closely than `or`.
    expr = f"(\n{_indented(alert.expr)}\n)" if reads.alternatives else alert.expr
    condition = f'unless {matching} ALERTS{{{named},service="{alert.service}"}}'
    return replace(alert, expr=f"{expr}\n{condition}", shape=f"{alert.shape}-waits")


def _misled(alert: Alert, records: Mapping[str, str]) -> bool:
    """Whether it reads how the target's own series change, or pages for them: gauges take turns as well."""
    if alert.severity == "critical":
        return bool(_reads(alert.expr, alert.service).own)
    return _reads_changes(alert.expr, alert.service, records)


def _reads_changes(expr: str, service: str, records: Mapping[str, str]) -> bool:
    """Whether it does, or a record that it reads; a record may read itself."""
    seen, open_ones = set[str](), [expr]
    while open_ones:
        reads = _reads(open_ones.pop(), service)
        if reads.changes:
            return True
        found = (reads.own & records.keys()) - seen
        seen |= found
        open_ones += [records[name] for name in found]
    return False


@dataclass(frozen=True, slots=True)
class _Reads:
    """What an expression reads: the names of all its series, those of the service's own, which its targets export or
    which are recorded from them; whether it asks how such series change, and whether it has an `or`."""

    names: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    changes: bool = False
    alternatives: bool = False


def _reads(expr: str, service: str) -> _Reads:
    own = re.sub(rf"""\bservice\s*=\s*(["']){re.escape(service)}\1""", f'{_OWN}="_"', expr)
    return _read(outline(own))


@cache
def _read(expr: str) -> _Reads:
    """Of what is PromQL; of the rest promtool complains."""
    try:
        nodes = list(walk(parse(expr)))
    except PromQLError:
        return _Reads()
    calls = [node for node in nodes if isinstance(node, pp.Call) and node.func.name in _CHANGES]
    return _Reads(
        frozenset(node.name or "" for node in nodes if isinstance(node, pp.VectorSelector)),
        frozenset(node.name or "" for node in nodes if _is_own(node)),
        any(_is_own(node) for call in calls for node in walk(call)),
        any(isinstance(node, pp.BinaryExpr) and str(node.op) == "or" for node in nodes),
    )


def _is_own(node: Any) -> bool:
    if not isinstance(node, pp.VectorSelector) or _OF_OTHERS.fullmatch(node.name or ""):
        return False
    return any(each.name == _OWN for each in node.matchers.matchers)


def _indented(expr: str) -> str:
    return "\n".join(f"  {line}" for line in expr.splitlines())
