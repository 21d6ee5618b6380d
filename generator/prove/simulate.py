"""The notifications while a set of alerts fires: which alerts notify, which receivers, and which alerts are inhibited
by which.

A pure function of the Site and the set. It goes through the configuration as it is rendered, read as Alertmanager reads
it; tests hold it against amtool and against a real Alertmanager. It decides nothing: generator.site.routing and
generator.render.alertmanager.inhibition do.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from generator.promql.expansion import choose
from generator.prove.alertmanager import CONFIG, Configuration, Labels, all_match
from generator.render.alertmanager.config import render_alertmanager
from generator.site.model import Alert, Site

_LABEL: Final = re.compile(r"\{\{ \$labels\.(\w+) \}\}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for one firing alert. `receiver` is its route; `notifies` is whether that receiver sends anything."""

    labels: Labels
    receiver: str
    notifies: bool
    muted_by: tuple[Labels, ...]

    @property
    def notified(self) -> bool:
        """Whether a message is sent."""
        return self.notifies and not self.muted_by


def labels_of(alert: Alert, **more: str) -> dict[str, str]:
    """The labels under which an alert reaches Alertmanager; `more` are those that its expression returns."""
    labels = {name: choose(text, more) if "service" in more else text for name, text in alert.labels.items()}
    own = {name: _LABEL.sub(lambda found: more.get(found[1], found[0]), text) for name, text in labels.items()}
    return {**more, **own, "alertname": alert.name}


def simulate(site: Site, firing: Iterable[Labels]) -> tuple[Verdict, ...]:
    """The verdict on each firing alert, in their order."""
    return Simulator(site).simulate(firing)


class Simulator:
    """The rendered configuration of one site, read once for many sets of alerts."""

    def __init__(self, site: Site) -> None:
        (text,) = (artifact.content for artifact in render_alertmanager(site) if artifact.path == CONFIG)
        self._configuration = Configuration.read(text)
        self._known: dict[tuple[tuple[str, str], ...], tuple[frozenset[int], frozenset[int]]] = {}

    def simulate(self, firing: Iterable[Labels]) -> tuple[Verdict, ...]:
        """The verdict on each firing alert, in their order."""
        alerts = [dict(labels) for labels in firing]
        return tuple(self._verdict(alert, alerts) for alert in alerts)

    def muting(self, source: Labels, target: Labels) -> tuple[str, ...]:
        """The names of the rules by which `source` mutes `target`."""
        rules = self._sides(source)[0] & self._sides(target)[1]
        known = self._configuration.inhibit_rules
        return tuple(known[each].name for each in sorted(rules) if known[each].mutes(source, target))

    def _verdict(self, alert: Labels, firing: list[dict[str, str]]) -> Verdict:
        route = self._configuration.route_of(alert)
        rules = self._sides(alert)[1]
        sources = [source for source in firing if any(
            self._configuration.inhibit_rules[number].mutes(source, alert) for number in rules & self._sides(source)[0]
        )]  # fmt: skip
        return Verdict(alert, route.receiver, bool(self._configuration.receivers[route.receiver]), tuple(sources))

    def _sides(self, alert: Labels) -> tuple[frozenset[int], frozenset[int]]:
        """The rules of which an alert is a source, and those of which it is a target."""
        key = tuple(sorted(alert.items()))
        if key not in self._known:
            rules = tuple(enumerate(self._configuration.inhibit_rules))
            self._known[key] = (
                frozenset(number for number, rule in rules if all_match(rule.source, alert)),
                frozenset(number for number, rule in rules if all_match(rule.target, alert)),
            )
        return self._known[key]
