"""The rendered Alertmanager configuration, read as Alertmanager reads it: matchers, routes, inhibit rules, receivers.

Owns that reading and decides nothing. The text may come from an older version of Lookout.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import yaml

Labels = Mapping[str, str]

CONFIG: Final = "alertmanager/alertmanager.yml"
_MATCHER: Final = re.compile(r'\s*(?P<label>[\w.]+)\s*(?P<how>=~|!~|!=|=)\s*"(?P<value>(?:[^"\\]|\\.)*)"\s*')


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


@dataclass(frozen=True, slots=True)
class LoadedRoute:
    """One route. What it does not say itself it inherits; `settings` are its other keys, such as group_wait."""

    receiver: str
    matchers: tuple[Matcher, ...]
    routes: tuple["LoadedRoute", ...]
    goes_on: bool
    settings: Mapping[str, Any]

    @classmethod
    def parse(cls, route: Mapping[str, Any], above: Mapping[str, Any] | None = None) -> "LoadedRoute":
        """From its place in the configuration; `above` are the settings of the route that holds it."""
        own = {key: value for key, value in route.items() if key not in ("matchers", "routes", "continue")}
        settings = {**{k: v for k, v in (above or {}).items() if not k.endswith("time_intervals")}, **own}
        matchers = tuple(map(_matcher, route.get("matchers", ())))
        children = tuple(cls.parse(child, settings) for child in route.get("routes", ()))
        return cls(str(settings.get("receiver", "")), matchers, children, bool(route.get("continue")), settings)

    def takers(self, labels: Labels) -> list["LoadedRoute"]:
        """The routes that take an alert: the first matching child, further ones where it says so, else itself."""
        if not all_match(self.matchers, labels):
            return []
        found: list[LoadedRoute] = []
        for child in self.routes:
            taken = child.takers(labels)
            found += taken
            if taken and not child.goes_on:
                break
        return found or [self]


@dataclass(frozen=True, slots=True)
class InhibitRule:
    """One inhibit rule."""

    name: str
    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...]

    @classmethod
    def parse(cls, rule: Mapping[str, Any]) -> "InhibitRule":
        """From its place in the configuration."""
        source, target = (tuple(map(_matcher, rule.get(key, ()))) for key in ("source_matchers", "target_matchers"))
        return cls(str(rule.get("name", "")), source, target, tuple(rule.get("equal", ())))

    def mutes(self, source: Labels, target: Labels) -> bool:
        """Whether `source`, which is one of this rule, mutes `target`, which is one of it too. What is on both sides
        mutes nothing like it."""
        if any(source.get(label, "") != target.get(label, "") for label in self.equal):
            return False
        return not (all_match(self.source, target) and all_match(self.target, source))


@dataclass(frozen=True, slots=True)
class Configuration:
    """A whole configuration. `receivers` are, by name, the messengers of each with their settings."""

    route: LoadedRoute
    inhibit_rules: tuple[InhibitRule, ...]
    receivers: Mapping[str, tuple[tuple[str, Mapping[str, Any]], ...]]

    @classmethod
    def read(cls, text: str) -> "Configuration":
        """From alertmanager.yml. Raises ValueError for a matcher that is none."""
        loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
        receivers = {
            str(each["name"]): tuple(
                (kind.removesuffix("_configs"), settings)
                for kind, many in each.items()
                if kind.endswith("_configs")
                for settings in many
            )
            for each in loaded.get("receivers", ())
        }
        rules = tuple(map(InhibitRule.parse, loaded.get("inhibit_rules") or ()))
        return cls(LoadedRoute.parse(loaded.get("route", {})), rules, receivers)

    def route_of(self, labels: Labels) -> LoadedRoute:
        """The first route that takes an alert."""
        return self.route.takers(labels)[0]


def all_match(matchers: Iterable[Matcher], labels: Labels) -> bool:
    """Whether an alert meets every condition."""
    return all(matcher.matches(labels) for matcher in matchers)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _matcher(text: str) -> Matcher:
    match = _MATCHER.fullmatch(text)
    if match is None:
        raise ValueError(f"not a matcher: {text}")
    return Matcher(match["label"], match["how"], re.sub(r"\\(.)", r"\1", match["value"]))
