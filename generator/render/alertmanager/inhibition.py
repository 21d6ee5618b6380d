"""Which alerts mute which others: "one fault, one message", as rules about labels.

Owns the inhibit_rules. They speak of what an alert is (`fault`, `service`, `severity`), of the edges of `uses:` and of
`host:`, and never of lists of alerts. Where more has to be known of an alert, a label on it says so: `outage_of`,
`inhibition_group`, `about` (from its pack) and `early` (from generator.resolve.inhibition).

An alert is inhibited by an outage of its service, of what that uses, or of its host; for a while after such an outage;
by the alert about the same thing with a more severe limit; and by a critical one of any service about the same thing
outside, such as a provider (the label `about`). The source is at least as severe, reaches everyone that
the target would reach, and fires no later. Where a rule cannot be that exact, it inhibits less.

A critical alert is inhibited by the outage of its host or of its target alone: Alertmanager lets a silenced source
inhibit, and a silence must not hide a critical alert.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from generator.conventions import ABOUT, ITSELF, OUTAGE_RECENT, SEVERITIES, STACK_SERVICE, Severity
from generator.render.alertmanager.muting import Comparison, Concerns, Mutable, match
from generator.site.hosts import is_local
from generator.site.model import Alert, Service, Site

Family = Literal["own", "target", "after", "more-severe", "about", "uses", "host"]

WATCHDOG: Final = "Watchdog"
_SYMPTOMS: Final = ("symptom",)
_LESSER: Final = ("cause", "symptom")
_ALL: Final = ("cause", "outage", "symptom")
_BELOW_CRITICAL: Final[tuple[Severity, ...]] = ("warning", "info")
_NOT_STACK: Final = f'service!="{STACK_SERVICE}"'


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert that `source` matches fires, one that `target` matches is muted, if the labels in `equal` are."""

    family: Family
    name: str
    source: tuple[str, ...]
    target: tuple[str, ...]
    equal: tuple[str, ...] = ()

    def rule(self) -> dict[str, Any]:
        """As Alertmanager reads it."""
        sides = {"source_matchers": sorted(self.source), "target_matchers": sorted(self.target)}
        rule = {"name": self.name, **sides}
        return {**rule, "equal": [*self.equal]} if self.equal else rule


def inhibit_rules(site: Site) -> list[dict[str, Any]]:
    """The `inhibit_rules` of the Alertmanager configuration."""
    return [inhibition.rule() for inhibition in inhibitions(site)]


def inhibitions(site: Site) -> tuple[Inhibition, ...]:
    """Every inhibition of the site: those within a service, then those of each host, then of each service in use."""
    rules = _Rules(site)
    counted: dict[str, int] = {}
    named = []
    for each in (*rules.within(), *rules.more_severe(), *rules.about(), *rules.by_host(), *rules.by_use()):
        counted[each.name] = number = counted.get(each.name, 0) + 1
        named.append(each if number == 1 else replace(each, name=f"{each.name}-{number}"))
    return tuple(named)


@dataclass(slots=True)
class _Rules:
    """The rules of one site."""

    site: Site
    _services: tuple[Service, ...] = field(init=False)
    _may: Comparison = field(init=False)
    _early: frozenset[str] = field(init=False)
    _recent: bool = field(init=False)

    def __post_init__(self) -> None:
        self._services = tuple(each for each in self.site.services if each.name != STACK_SERVICE)
        self._may = Comparison(self.site)
        labels = (alert.labels.get("early", "") for alert in self.site.alerts)
        self._early = frozenset(word for label in labels for word in label.split(","))
        self._recent = any(alert.name == OUTAGE_RECENT for alert in self.site.alerts)

    def within(self) -> Iterator[Inhibition]:
        """Of one service, whichever. One part of the stack being down explains nothing about its other parts."""
        after: dict[Mutable, None] = {}
        for severity in _severities(_outages(self._services)):
            outage = (match("fault", ("outage",)), _NOT_STACK, match("severity", (severity,)))
            lesser = (match("fault", _LESSER),)
            yield from self._own("own", severity, self._services, outage, lesser, _is(_LESSER), _BELOW_CRITICAL)
            after |= dict.fromkeys(self._may.of_services(severity, "", self._services, _is(_SYMPTOMS), _BELOW_CRITICAL))
        targets = [each for each in self._services if any("outage_of" in alert.labels for alert in each.alerts)]
        for severity in _severities(alert for alert in _outages(targets) if "outage_of" in alert.labels):
            # That a target does not answer explains every other outage of its service.
            down = (match("outage_of", ("target",)), match("severity", (severity,)))
            other = (match("fault", ("outage",)), match("outage_of", ("",)))
            yield from self._own("target", severity, targets, down, other, _is_another_outage, SEVERITIES)
        for mutable in after if self._recent else ():
            source = (match("alertname", (OUTAGE_RECENT,)), _NOT_STACK)
            target = (*self._not_early(ITSELF), match("fault", _SYMPTOMS), *mutable.matchers())
            yield Inhibition("after", "own-after", source, target, ("service",))

    def _own(
        self,
        family: Family,
        severity: Severity,
        services: Collection[Service],
        source: tuple[str, ...],
        fault: tuple[str, ...],
        concerns: Concerns,
        severities: tuple[Severity, ...],
    ) -> Iterator[Inhibition]:
        """An outage mutes alerts of its service; where owners have different receivers, also those of its owner."""
        name = "own-outage" if family == "own" else "own-target"
        found = self._may.of_services(severity, "", services, concerns, severities)
        alerts = [alert for each in services for alert in each.alerts if concerns(alert)]
        same = self._may.of_one_owner(severity, alerts, severities)
        for mutable in found:
            target = (*self._not_early(ITSELF), *fault, *mutable.matchers())
            yield Inhibition(family, name, source, target, ("service",))
        for mutable in same if any(each.owners for each in found) or not found else ():
            target = (*self._not_early(ITSELF), *fault, *mutable.matchers())
            yield Inhibition(family, name, source, target, ("owner", "service"))

    def more_severe(self) -> Iterator[Inhibition]:
        """Of two limits of one thing, the more severe: the label `inhibition_group` of both alerts says which thing."""
        members = [alert for alert in self.site.alerts if "inhibition_group" in alert.labels]
        grouped = 'inhibition_group=~".+"'
        for severity in _severities(members):
            lesser = SEVERITIES[SEVERITIES.index(severity) + 1 :]
            for mutable in self._may.of_one_owner(severity, members, lesser):
                source, target = (grouped, match("severity", (severity,))), (grouped, *mutable.matchers())
                yield Inhibition("more-severe", "more-severe", source, target, ("inhibition_group", "service"))

    def about(self) -> Iterator[Inhibition]:
        """Of what is seen of one thing outside by several services and kinds: while one of them is critical."""
        members = [alert for alert in self.site.alerts if "about" in alert.labels]
        if not any(alert.severity == "critical" for alert in members):
            return
        owners = {alert.owner for alert in members}
        source = ('about=~".+"', match("severity", ("critical",)))
        by_all = frozenset.intersection(*(self._may.reach("critical", owner) for owner in owners))
        for mutable in self._may.of_one_owner("critical", members, _BELOW_CRITICAL):
            target = (*self._not_early(ABOUT), 'about=~".+"', *mutable.matchers())
            reached = (self._may.reach(each, o) for each in mutable.severities for o in mutable.owners or owners)
            equal = ("about",) if all(by_all >= each for each in reached) else ("about", "owner")
            yield Inhibition("about", "about", source, target, equal)

    def by_host(self) -> Iterator[Inhibition]:
        """Of the services on a host. The machine that Lookout runs on cannot be down while this is evaluated."""
        on_it: dict[str, list[Service]] = {}
        for each in self._services:
            on_it.setdefault(each.host, []).append(each)
        for host in self._services:
            if host.name in on_it and not is_local(host):
                yield from self._from("host", host, on_it[host.name], _ALL, SEVERITIES)

    def by_use(self) -> Iterator[Inhibition]:
        """Of the services that use another one."""
        users: dict[str, list[Service]] = {}
        for each in self._services:
            for name in each.uses:
                users.setdefault(name, []).append(each)
        for used in self._services:
            if used.name in users:
                yield from self._from("uses", used, users[used.name], _LESSER, _BELOW_CRITICAL)

    def _from(
        self,
        family: Family,
        other: Service,
        services: Collection[Service],
        faults: tuple[str, ...],
        severities: tuple[Severity, ...],
    ) -> Iterator[Inhibition]:
        """An outage of `other`, and the time after it, mutes alerts of `services`."""
        of_other, names = match("service", (other.name,)), match("service", sorted(each.name for each in services))
        after: dict[Mutable, None] = {}
        for severity in _severities(_outages((other,))):
            source = (match("fault", ("outage",)), of_other, match("severity", (severity,)))
            for mutable in self._may.of_services(severity, other.owner, services, _is(faults), severities):
                target = (*self._not_early(other.name), match("fault", faults), names, *mutable.matchers())
                yield Inhibition(family, f"{family}-{other.name}", source, target)
            lesser = self._may.of_services(severity, other.owner, services, _is(_SYMPTOMS), _BELOW_CRITICAL)
            after |= dict.fromkeys(lesser)
        for mutable in after if self._recent else ():
            source_after = (match("alertname", (OUTAGE_RECENT,)), of_other)
            target = (*self._not_early(other.name), match("fault", _SYMPTOMS), names, *mutable.matchers())
            yield Inhibition("after", f"after-{other.name}", source_after, target)

    def _not_early(self, other: str) -> tuple[str, ...]:
        """Leaves out what fires before an outage of `other` does, where there is any such alert."""
        return (f'early!~"(.*,)?{other}(,.*)?"',) if other in self._early else ()


def _is(faults: Collection[str]) -> Concerns:
    return lambda alert: alert.fault in faults


def _is_another_outage(alert: Alert) -> bool:
    return alert.fault == "outage" and "outage_of" not in alert.labels


def _outages(services: Iterable[Service]) -> list[Alert]:
    return [alert for each in services for alert in each.alerts if alert.fault == "outage"]


def _severities(alerts: Iterable[Alert]) -> list[Severity]:
    """The severities that there are among alerts, the gravest first."""
    there = {alert.severity for alert in alerts}
    return [severity for severity in SEVERITIES if severity in there]
