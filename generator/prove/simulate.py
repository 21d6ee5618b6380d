"""What would be told while a set of alerts fires: which are notified, to whom, which are muted, and by what.

A pure function of the Site and the set. It goes through the configuration as it is rendered, read as Alertmanager reads
it; tests hold it against amtool and against a real Alertmanager. It decides nothing: generator.site.routing and
generator.render.alertmanager.inhibition do.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import yaml

from generator.render.alertmanager.config import render_alertmanager
from generator.site.model import Alert, Site

Labels = Mapping[str, str]

_CONFIG: Final = "alertmanager/alertmanager.yml"
_MATCHER: Final = re.compile(r'\s*(?P<label>[\w.]+)\s*(?P<how>=~|!~|!=|=)\s*"(?P<value>(?:[^"\\]|\\.)*)"\s*')


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one firing alert. `receiver` is whom it is routed to; `tells` is whether that is anybody."""

    labels: Labels
    receiver: str
    tells: bool
    muted_by: tuple[Labels, ...]

    @property
    def notified(self) -> bool:
        """Whether a message is sent."""
        return self.tells and not self.muted_by


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label; an absent label is an empty one."""

    label: str
    how: str
    value: str

    def matches(self, labels: Labels) -> bool:
        """As Alertmanager reads it: regular expressions are anchored."""
        value = labels.get(self.label, "")
        if self.how in ("=", "!="):
            return (value == self.value) == (self.how == "=")
        return bool(_compiled(self.value).fullmatch(value)) == (self.how == "=~")


def labels_of(alert: Alert, **more: str) -> dict[str, str]:
    """The labels under which an alert reaches Alertmanager; `more` are those that its expression returns."""
    return {**more, **alert.labels, "alertname": alert.name}


def simulate(site: Site, firing: Iterable[Labels]) -> tuple[Verdict, ...]:
    """The verdict on each firing alert, in their order."""
    return Simulator(site).simulate(firing)


class Simulator:
    """The rendered configuration of one site, read once for many sets of alerts."""

    def __init__(self, site: Site) -> None:
        (text,) = (artifact.content for artifact in render_alertmanager(site) if artifact.path == _CONFIG)
        config = yaml.safe_load(text)
        self._route: dict[str, Any] = _parsed(config["route"])
        self._rules = [_Rule.parse(rule) for rule in config.get("inhibit_rules", ())]
        self._heard = {each["name"] for each in config["receivers"] if len(each) > 1}
        self._known: dict[tuple[tuple[str, str], ...], tuple[frozenset[int], frozenset[int]]] = {}

    def simulate(self, firing: Iterable[Labels]) -> tuple[Verdict, ...]:
        """The verdict on each firing alert, in their order."""
        alerts = [dict(labels) for labels in firing]
        return tuple(self._verdict(alert, alerts) for alert in alerts)

    def _verdict(self, alert: Labels, firing: list[dict[str, str]]) -> Verdict:
        receiver = str(_matching(self._route, alert)[0]["receiver"])
        rules = self._sides(alert)[1]
        sources = [source for source in firing if any(
            self._rules[number].mutes(source, alert) for number in rules & self._sides(source)[0]
        )]  # fmt: skip
        return Verdict(alert, receiver, receiver in self._heard, tuple(sources))

    def _sides(self, alert: Labels) -> tuple[frozenset[int], frozenset[int]]:
        """The rules of which an alert is a source, and those of which it is a target."""
        key = tuple(sorted(alert.items()))
        if key not in self._known:
            self._known[key] = (
                frozenset(number for number, rule in enumerate(self._rules) if _all(rule.source, alert)),
                frozenset(number for number, rule in enumerate(self._rules) if _all(rule.target, alert)),
            )
        return self._known[key]


@dataclass(frozen=True, slots=True)
class _Rule:
    """One inhibit rule."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...]

    @classmethod
    def parse(cls, rule: Mapping[str, Any]) -> "_Rule":
        """From its place in the configuration."""
        source, target = (tuple(map(_matcher, rule[key])) for key in ("source_matchers", "target_matchers"))
        return cls(source, target, tuple(rule.get("equal", ())))

    def mutes(self, source: Labels, target: Labels) -> bool:
        """Whether `target`, which is one of this rule, is kept quiet by `source`, which is one of it too. What is on
        both sides keeps nothing like it quiet."""
        if any(source.get(label, "") != target.get(label, "") for label in self.equal):
            return False
        return not (_all(self.source, target) and _all(self.target, source))


def _matching(route: dict[str, Any], labels: Labels) -> list[dict[str, Any]]:
    """The routes that take an alert: the first matching child, further ones where it says so, else the route itself."""
    if not _all(route["matchers"], labels):
        return []
    found: list[dict[str, Any]] = []
    for child in route["routes"]:
        taken = _matching(child, labels)
        found += taken
        if taken and not child.get("continue", False):
            break
    return found or [route]


def _parsed(route: Mapping[str, Any], receiver: str = "") -> dict[str, Any]:
    """A route with its matchers read, and the receiver that it inherits."""
    own = str(route.get("receiver", receiver))
    children = [_parsed(child, own) for child in route.get("routes", ())]
    return {**route, "receiver": own, "matchers": [_matcher(m) for m in route.get("matchers", ())], "routes": children}


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _matcher(text: str) -> Matcher:
    match = _MATCHER.fullmatch(text)
    if match is None:
        raise ValueError(f"not a matcher: {text}")
    return Matcher(match["label"], match["how"], re.sub(r"\\(.)", r"\1", match["value"]))


def _all(matchers: Iterable[Matcher], labels: Labels) -> bool:
    return all(matcher.matches(labels) for matcher in matchers)
