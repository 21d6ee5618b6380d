"""Which severities of which owners a source may mute, so that no message is lost.

Owns the comparison of the receivers of two alerts. An alert may be muted by one that is at least as severe and
reaches everyone that it would reach itself; severity and owner are all that decides the receiver.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from generator.conventions import SEVERITIES, Severity
from generator.site.model import Alert, Service, Site
from generator.site.routing import reaches

Concerns = Callable[[Alert], bool]


@dataclass(frozen=True, slots=True)
class Mutable:
    """Alerts of some severities; of every owner when `owners` is empty."""

    severities: tuple[Severity, ...]
    owners: tuple[str, ...]

    def matchers(self) -> tuple[str, ...]:
        """In Alertmanager's notation."""
        owner = (match("owner", self.owners),) if self.owners else ()
        return (*owner, match("severity", self.severities))


@dataclass(slots=True)
class Comparison:
    """Compares the alerts of one site."""

    site: Site
    # What a service says of others under their names, as Uptime Kuma's verdicts are: of the service of any owner.
    verdicts: tuple[Alert, ...] = field(init=False)
    _reaches: dict[tuple[Severity, str], frozenset[tuple[str, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.verdicts = tuple(alert for alert in self.site.alerts if alert.labels.get("service") != alert.service)

    def of_services(
        self,
        severity: Severity,
        owner: str,
        services: Collection[Service],
        concerns: Concerns,
        severities: Iterable[Severity],
    ) -> list[Mutable]:
        """What a source of `severity` may mute of `services`. `owner` is the source's; "": that of the same service."""
        own = {each.owner for each in services}
        verdicts = {alert.owner for alert in self.verdicts if concerns(alert)}
        alerts = [*self.verdicts, *(alert for each in services for alert in each.alerts)]
        may = {}
        for each in at_most(severity, severities, filter(concerns, alerts)):
            passed = {o for o in own | verdicts if self.reach(severity, owner or o) >= self.reach(each, o)}
            if not owner:
                by_all = frozenset.intersection(*(self.reach(severity, o) for o in own))
                passed -= {o for o in verdicts if not by_all >= self.reach(each, o)}
            may[each] = frozenset(passed)
        return by_owners(may, own | verdicts)

    def of_one_owner(
        self, severity: Severity, alerts: Collection[Alert], severities: Iterable[Severity]
    ) -> list[Mutable]:
        """What a source may mute of `alerts` that are its own owner's."""
        owners = {alert.owner for alert in alerts}
        may = {
            each: frozenset(o for o in owners if self.reach(severity, o) >= self.reach(each, o))
            for each in at_most(severity, severities, alerts)
        }
        return by_owners(may, owners)

    def reach(self, severity: Severity, owner: str) -> frozenset[tuple[str, ...]]:
        """The receivers of an alert."""
        key = (severity, owner)
        if key not in self._reaches:
            self._reaches[key] = reaches(self.site, *key)
        return self._reaches[key]


def match(label: str, values: Iterable[str]) -> str:
    """A matcher for one value, or for any of several; names hold no characters that mean something in RE2."""
    one, *more = values
    return f'{label}=~"{"|".join((one, *more))}"' if more else f'{label}="{one}"'


def at_most(severity: Severity, severities: Iterable[Severity], alerts: Iterable[Alert]) -> list[Severity]:
    """Those of `severities` that alerts have and that are not more severe than `severity`."""
    there = {alert.severity for alert in alerts}
    return [each for each in severities if each in there and SEVERITIES.index(each) >= SEVERITIES.index(severity)]


def by_owners(may: Mapping[Severity, frozenset[str]], owners: Collection[str]) -> list[Mutable]:
    """Severities whose alerts may be muted for the same owners together; what holds for every owner names none."""
    groups: dict[frozenset[str], list[Severity]] = {}
    for severity, passed in may.items():
        if passed:
            groups.setdefault(passed, []).append(severity)
    return [
        Mutable(tuple(severities), () if passed == set(owners) else tuple(sorted(passed)))
        for passed, severities in groups.items()
    ]
