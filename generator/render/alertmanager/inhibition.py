"""Which alert keeps which other one quiet: "one fault, one message", decided pair by pair.

Owns the choice of the pairs and the inhibit_rules that say them. An alert is kept quiet only by an outage, or by the
alert that says the same of the same thing at a graver limit; by one that is at least as severe, reaches everyone whom
it would have reached, and is told no later; otherwise a message would be lost. Both sides are named alert by alert, so
nothing that was not weighed here is ever muted, and no alert is on both sides of a rule.

An outage page is kept quiet by the outage of its host, and by its own target being down: never by what it uses.

After an outage its symptoms fire for as long as their windows reach back into it. Those below critical stay quiet while
the alert OutageRecent fires; what is critical is told, for something else may be broken now.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from generator.conventions import (
    SEVERITIES,
    STACK_SERVICE,
    Severity,
)
from generator.parts.table import PORTS
from generator.promql.tree import parse, result_labels
from generator.site.model import Alert, Service, Site
from generator.site.routing import reaches

Family = Literal["own", "uses", "host", "after", "same"]

WATCHDOG: Final = "Watchdog"
OUTAGE_RECENT: Final = "OutageRecent"
_TARGET_PACK: Final = "target"
_LOCAL_EXPORTER: Final = f"node-exporter:{PORTS['node-exporter']}"


@dataclass(frozen=True, slots=True, order=True)
class Selector:
    """Alerts of one severity, by the services they belong to and by their names."""

    services: tuple[str, ...]
    severity: Severity
    alerts: tuple[str, ...]

    def matchers(self) -> list[str]:
        """In Alertmanager's notation, sorted by label as it prints them itself."""
        return [_match("alertname", self.alerts), _match("service", self.services), f'severity="{self.severity}"']


@dataclass(frozen=True, slots=True, order=True)
class Inhibition:
    """While a `source` fires, a `target` makes no message. In the family `same` both are of the same thing: `labels`
    are what says which."""

    family: Family
    source: Selector
    target: Selector
    labels: tuple[str, ...] = ()

    @property
    def within(self) -> bool:
        """Whether both sides are of one service, whichever."""
        return self.source.services == self.target.services

    def rule(self, name: str) -> dict[str, Any]:
        """As Alertmanager is told. `equal` names a label that every alert has: two absent ones count as equal."""
        rule = {
            "name": name,
            "source_matchers": self.source.matchers(),
            "target_matchers": self.target.matchers(),
        }
        return {**rule, "equal": ["service", *self.labels]} if self.within else rule


def inhibit_rules(site: Site) -> list[dict[str, Any]]:
    """The `inhibit_rules` of the Alertmanager configuration."""
    counted: dict[str, int] = defaultdict(int)
    rules = []
    for inhibition in inhibitions(site):
        about = inhibition.family if inhibition.within else f"{inhibition.family}-{inhibition.source.services[0]}"
        counted[about] += 1
        rules.append(inhibition.rule(f"{about}-{counted[about]}"))
    return rules


def inhibitions(site: Site) -> tuple[Inhibition, ...]:
    """Every inhibition of the site, sorted. Services that are alike share one."""
    services = {service.name: service for service in site.services}
    weigh = _Scales(site)
    recent = next((alert for alert in site.alerts if alert.name == OUTAGE_RECENT), None)
    found: list[Inhibition] = []
    # What another part says about a service under that service's name, as Uptime Kuma's verdicts are.
    verdicts = tuple(alert for alert in site.alerts if alert.labels.get("service") != alert.service)
    for service in site.services:
        sources: list[tuple[Family, Service]] = [("uses", services[name]) for name in service.uses if name in services]
        # Within the stack itself, one part of many being down explains nothing about the others.
        if service.name != STACK_SERVICE:
            sources.append(("own", service))
        # The machine that Lookout runs on cannot be down while this is evaluated: only its exporter can.
        if service.host in services and not is_local(services[service.host]):
            sources.append(("host", services[service.host]))
        alerts = (*service.alerts, *verdicts) if service.name != STACK_SERVICE else service.alerts
        for family, other in sources:
            quiet = [*_quiet(weigh, family, other, alerts)]
            found += [Inhibition(family, *sides) for sides in _sides(other, service.name, quiet)]
            found += [Inhibition("after", *sides) for sides in _after(recent, other, service.name, quiet)]
        found += _graver(weigh, service)
    return tuple(sorted(_merged(found)))


def is_local(host: Service) -> bool:
    """Whether `host` is the machine that Lookout runs on."""
    return host.targets == (_LOCAL_EXPORTER,)


class _Scales:
    """Weighs two alerts of one site against each other."""

    def __init__(self, site: Site) -> None:
        self._site = site
        scrape = site.stack.timing.scrape_interval
        self._scrape = {s.name: max((job.interval for job in s.jobs), default=scrape) for s in site.services}
        self._reaches: dict[tuple[Severity, str], frozenset[tuple[str, ...]]] = {}

    def allow(self, source: Alert, target: Alert) -> bool:
        """Whether nobody misses anything and nothing comes too late."""
        return (
            WATCHDOG not in (source.name, target.name)
            and source != target
            and SEVERITIES.index(source.severity) <= SEVERITIES.index(target.severity)
            and self._reach(source) >= self._reach(target)
            and self._detection(source) <= self._detection(target)
        )

    def _detection(self, alert: Alert) -> int:
        """Seconds from the fault to the alert at worst: a scrape, the hold, an evaluation."""
        return self._scrape[alert.service] + alert.for_seconds + alert.evaluation_interval

    def _reach(self, alert: Alert) -> frozenset[tuple[str, ...]]:
        key = (alert.severity, alert.owner)
        if key not in self._reaches:
            self._reaches[key] = reaches(self._site, *key)
        return self._reaches[key]


def _quiet(
    weigh: _Scales, family: Family, other: Service, alerts: Iterable[Alert]
) -> Iterable[tuple[Alert, list[Alert]]]:
    """Those of `alerts` that outages of `other` keep quiet, each with these."""
    outages = [alert for alert in other.alerts if alert.fault == "outage"]
    for alert in alerts:
        if sources := [each for each in outages if weigh.allow(each, alert) and _FAMILIES[family](each, alert)]:
            yield alert, sources


def _sides(
    other: Service, name: str, quiet: Iterable[tuple[Alert, list[Alert]]]
) -> Iterable[tuple[Selector, Selector]]:
    """The alerts under a service's name by the alerts of `other` that keep them quiet, a pair for two severities."""
    targets: dict[tuple[Severity, tuple[str, ...], Severity], set[str]] = defaultdict(set)
    for alert, sources in quiet:
        for severity in SEVERITIES:
            if names := tuple(sorted(each.name for each in sources if each.severity == severity)):
                targets[(severity, names, alert.severity)].add(alert.name)
    for (severity, names, muted), kept in targets.items():
        yield Selector((other.name,), severity, names), Selector((name,), muted, tuple(sorted(kept)))


def _after(
    recent: Alert | None, other: Service, name: str, quiet: Iterable[tuple[Alert, list[Alert]]]
) -> Iterable[tuple[Selector, Selector]]:
    """The same for the time after an outage of `other`."""
    if recent is None:
        return
    source = Selector((other.name,), recent.severity, (recent.name,))
    targets: dict[Severity, set[str]] = defaultdict(set)
    for alert, _ in quiet:
        if alert.fault == "symptom" and alert.severity != "critical":
            targets[alert.severity].add(alert.name)
    for severity, kept in targets.items():
        yield source, Selector((name,), severity, tuple(sorted(kept)))


def _graver(weigh: _Scales, service: Service) -> Iterable[Inhibition]:
    """Of each alert that has a graver one, and of each thing that both are about, the graver is told."""
    by_name = {alert.name: alert for alert in service.alerts}
    for alert in service.alerts:
        source = by_name.get(alert.inhibited_by)
        if source is not None and weigh.allow(source, alert):
            graver, quiet = (Selector((service.name,), each.severity, (each.name,)) for each in (source, alert))
            yield Inhibition("same", graver, quiet, tuple(sorted(result_labels(parse(alert.expr)).names)))


def _merged(found: Iterable[Inhibition]) -> Iterable[Inhibition]:
    """One inhibition for all services in which it would say the same."""
    services: dict[Inhibition, set[str]] = defaultdict(set)
    for each in found:
        source = replace(each.source, services=()) if each.within else each.source
        shape = replace(each, source=source, target=replace(each.target, services=()))
        services[shape].update(each.target.services)
    for shape, names in services.items():
        every = tuple(sorted(names))
        source = replace(shape.source, services=every) if shape.within else shape.source
        yield replace(shape, source=source, target=replace(shape.target, services=every))


def _by_itself(source: Alert, target: Alert) -> bool:
    if target.fault == "outage":
        return source.pack == _TARGET_PACK and target.pack != _TARGET_PACK
    return target.severity != "critical"


def _by_what_it_uses(source: Alert, target: Alert) -> bool:
    return target.fault == "symptom" or (target.fault == "cause" and target.severity != "critical")


def _by_its_host(source: Alert, target: Alert) -> bool:
    return True


_FAMILIES: Final[dict[Family, Callable[[Alert, Alert], bool]]] = {
    "own": _by_itself,
    "uses": _by_what_it_uses,
    "host": _by_its_host,
}


def _match(label: str, values: tuple[str, ...]) -> str:
    """A matcher for one value, or for any of several; names hold no characters that mean something in RE2."""
    return f'{label}="{values[0]}"' if len(values) == 1 else f'{label}=~"{"|".join(values)}"'
