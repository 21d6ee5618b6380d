"""Which receivers an alert has in a rendered Alertmanager configuration, how soon, and which alerts mute it.

Owns how a receiver is called for people. It asks the configuration and decides nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import PurePosixPath
from typing import Any, Final

import yaml

from generator.changes.rules import AlertState, Key
from generator.prove.alertmanager import Configuration, InhibitRule, LoadedRoute, Matcher

_TITLES: Final = {"slack": "Slack", "telegram": "Telegram", "email": "e-mail", "pagerduty": "PagerDuty",
                  "pushover": "Pushover", "discord": "Discord", "msteamsv2": "Teams", "webhook": "webhook"}  # fmt: skip
# What distinguishes two receivers of a kind, for people.
_NAMES: Final = ("channel", "chat_id", "to", "url", "topic")
_TIMES: Final = (
    ("group_wait", "first message after"),
    ("group_interval", "next message after"),
    ("repeat_interval", "repeated every"),
)


@dataclass(frozen=True, slots=True, order=True)
class Receiver:
    """One messenger: its name for people, and the secrets with which it is reached."""

    name: str
    secrets: tuple[str, ...]

    @property
    def whole(self) -> str:
        """The name with the secrets, for two that share one."""
        return f"{self.name} (secret {', '.join(self.secrets)})" if self.secrets else self.name


@dataclass(frozen=True, slots=True, order=True)
class InhibitionSource:
    """An alert that mutes another one: the service for which it fires, and the rule that it is of."""

    service: str
    name: str
    rule: Key


class Routing:
    """One configuration, asked about many alerts."""

    def __init__(self, text: str) -> None:
        try:
            self._configuration = Configuration.read(text)
        except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError):
            self._configuration = Configuration.read("")
        self._routes: dict[tuple[tuple[str, str], ...], LoadedRoute] = {}

    def receivers(self, alert: AlertState) -> tuple[Receiver, ...]:
        """Everything that gets a message of the alert, sorted."""
        named = self._configuration.receivers.get(self._route(alert).receiver, ())
        return tuple(sorted({_receiver(kind, settings) for kind, settings in named}))

    def times(self, alert: AlertState) -> dict[str, str]:
        """How soon and how often a message of the alert is sent, and when it is muted by the clock."""
        settings = self._route(alert).settings
        times = {words: str(settings.get(key, "")) for key, words in _TIMES}
        times["muted during"] = ", ".join(settings.get("mute_time_intervals", ())) or "no time"
        times["sent only during"] = ", ".join(settings.get("active_time_intervals", ())) or "every time"
        return times

    def group_wait(self, alert: AlertState) -> str:
        """How long the first message waits for others."""
        return str(self._route(alert).settings.get("group_wait", "0s"))

    def muting(self, alerts: Mapping[Key, AlertState]) -> dict[Key, frozenset[InhibitionSource]]:
        """For each alert the ones that mute it."""
        found: dict[Key, set[InhibitionSource]] = defaultdict(set)
        index = _Index(alerts)
        for rule in self._configuration.inhibit_rules:
            sources = _Alike(rule.equal, index.matching(rule.source), alerts)
            for key in index.matching(rule.target):
                target = alerts[key]
                found[key] |= {
                    InhibitionSource(_firing_service(rule, alerts[each], target), alerts[each].name, each)
                    for each in sources.of(target)
                    if each != key and _mutes(rule, alerts[each], target)
                }
        return {key: frozenset(sources) for key, sources in found.items()}

    def _route(self, alert: AlertState) -> LoadedRoute:
        key = tuple(sorted(alert.labels.items()))
        if key not in self._routes:
            self._routes[key] = self._configuration.route_of(alert.labels)
        return self._routes[key]


class _Index:
    """Alerts by their services, since nearly every inhibit rule names one."""

    def __init__(self, alerts: Mapping[Key, AlertState]) -> None:
        self._alerts = alerts
        self._by_service: dict[str, list[Key]] = defaultdict(list)
        for key, alert in alerts.items():
            self._by_service["" if _open(alert, "service") else alert.labels.get("service", "")].append(key)

    @cached_property
    def _every(self) -> list[Key]:
        return list(self._alerts)

    def matching(self, matchers: tuple[Matcher, ...]) -> list[Key]:
        """The alerts that meet every condition; a label that the expression fills in meets any."""
        service = _service_of(matchers)
        keys = self._every if service is None else [*self._by_service[service], *self._by_service[""]]
        return [key for key in keys if all(_meets(each, self._alerts[key]) for each in matchers)]


class _Alike:
    """The sources of one inhibit rule, by the labels that have to be equal: only services of one are compared."""

    def __init__(self, equal: tuple[str, ...], sources: Iterable[Key], alerts: Mapping[Key, AlertState]) -> None:
        self._equal = equal
        self._found: dict[tuple[str | None, ...], list[Key]] = defaultdict(list)
        for key in sources:
            self._found[self._values(alerts[key])].append(key)

    def of(self, target: AlertState) -> list[Key]:
        """Those that may mute `target`: with the same labels, or with others that are filled in when they fire."""
        values = self._values(target)
        filled = [each is None for each in values]
        others = (keys for known, keys in self._found.items() if [each is None for each in known] != filled)
        return [*self._found.get(values, ()), *chain.from_iterable(others)]

    def _values(self, alert: AlertState) -> tuple[str | None, ...]:
        """None: filled in when the alert fires."""
        return tuple(None if _open(alert, label) else alert.labels.get(label, "") for label in self._equal)


def _open(alert: AlertState, label: str) -> bool:
    """Whether the value of a label is filled in when the alert fires."""
    return "{{" in alert.labels.get(label, "")


def _meets(matcher: Matcher, alert: AlertState) -> bool:
    return _open(alert, matcher.label) or matcher.matches(alert.labels)


def _firing_service(rule: InhibitRule, source: AlertState, target: AlertState) -> str:
    """A rule that fires for any service mutes an alert for one of them."""
    if not _open(source, "service"):
        return source.service
    if "service" in rule.equal:
        return target.labels.get("service", target.service)
    return _service_of(rule.source) or source.service


def _service_of(matchers: Iterable[Matcher]) -> str | None:
    return next((each.value for each in matchers if each.label == "service" and each.how == "="), None)


def _mutes(rule: InhibitRule, source: AlertState, target: AlertState) -> bool:
    labels = (source.labels, target.labels)
    filled = {label for label in rule.equal if _open(source, label) or _open(target, label)}
    if not all(_may_equal(*(each.get(label, "") for each in labels)) for label in filled):
        return False
    return replace(rule, equal=tuple(label for label in rule.equal if label not in filled)).mutes(*labels)


def _may_equal(one: str, other: str) -> bool:
    """Whether two texts, one of which is filled in when its alert fires, can be the same: they begin alike."""
    (begin, is_open, _), (start, is_other_open, _) = one.partition("{{"), other.partition("{{")
    return (bool(is_open) and start.startswith(begin)) or (bool(is_other_open) and begin.startswith(start))


def _receiver(kind: str, settings: Mapping[str, Any]) -> Receiver:
    files = _strings(value for key, value in _flat(settings) if key.endswith("_file"))
    secrets = tuple(sorted(PurePosixPath(path).name for path in files))
    name = next((str(settings[key]) for key in _NAMES if settings.get(key)), ", ".join(secrets))
    return Receiver(f"{_TITLES.get(kind, kind)} {name}".rstrip(), secrets)


def _flat(settings: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for key, value in settings.items():
        yield key, value
        if isinstance(value, Mapping):
            yield from _flat(value)


def _strings(values: Iterable[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str)]
