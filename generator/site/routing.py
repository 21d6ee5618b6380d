"""The receivers of an alert: pure functions of the Site, and the only place that decides them.

Owns the meaning of `notify:` and of the word `owner` in it. The Alertmanager configuration, the inhibitions and
whatever explains a route are all made from these values; nothing here renders.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from generator.channels.channel import Channel
from generator.conventions import OWNER_ROUTE, SEVERITIES, Severity
from generator.site.model import Site

NO_RECEIVER: Final = "no-receiver"
# An alert without a severity of ours comes from a rule written by hand: better sent as a warning than not at all.
FALLBACK: Final[Severity] = "warning"


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the truth table: alerts of `severity` owned by `owner` (None: by anybody else) go to `receiver`."""

    severity: Severity
    owner: str | None
    receiver: str
    channels: tuple[Channel, ...]


def recipients(site: Site, severity: Severity, owner: str) -> tuple[Channel, ...]:
    """The channels that an alert reaches, in the order of `notify:`, each place once.

    An owner who is not declared as a person stands for everyone.
    """
    channels: dict[tuple[str, ...], Channel] = {}
    for name in site.notify.get(severity, ()):
        found = _owned(site, owner) if name == OWNER_ROUTE else [site.channels[name]]
        for channel in found:
            channels.setdefault(channel.place, channel)
    return tuple(channels.values())


def reaches(site: Site, severity: Severity, owner: str) -> frozenset[tuple[str, ...]]:
    """The places that an alert reaches, for comparing two alerts."""
    return frozenset(channel.place for channel in recipients(site, severity, owner))


def routes(site: Site) -> tuple[Route, ...]:
    """The whole truth table, by severity; within one, each person's line before the line for anybody else."""
    table = []
    for severity in SEVERITIES:
        if OWNER_ROUTE in site.notify.get(severity, ()):
            table += [_route(site, severity, person) for person in sorted(site.people)]
        table.append(_route(site, severity, None))
    return tuple(table)


def receiver_of(site: Site, severity: str, owner: str) -> str:
    """The name of the receiver that an alert is routed to."""
    known = severity if severity in SEVERITIES else FALLBACK
    lines = [route for route in routes(site) if route.severity == known]
    return next(route.receiver for route in lines if route.owner in (owner, None))


def _owned(site: Site, owner: str) -> Iterable[Channel]:
    people = [site.people[owner]] if owner in site.people else site.people.values()
    return [person.channel for person in people if person.channel]


def _route(site: Site, severity: Severity, owner: str | None) -> Route:
    channels = recipients(site, severity, owner or "")
    name = f"{severity}-{owner}" if owner else severity
    return Route(severity, owner, name if channels else NO_RECEIVER, channels)
