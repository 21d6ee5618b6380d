"""The alerts of a rendered tree, read back from its files; the tree may come from an older version of Lookout.

Owns what is read of an alert. A file that cannot be read holds no alerts: why it cannot is for the tools to say.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, Final

import yaml

Files = Mapping[str, str]
Key = tuple[str, str, int]

RULES: Final = "prometheus/rules/"
BRIDGE: Final = "alertmanager/bridge.json"
_KEPT: Final = 4096


@dataclass(frozen=True, slots=True)
class AlertState:
    """One alert as a tree has it. Durations are as they are written; `service` is where its rule stands."""

    service: str
    name: str
    labels: Mapping[str, str]
    expr: str = ""
    confirmed: str = "0s"
    kept: str = "0s"
    interval: str = "0s"
    summary: str = ""
    description: str = ""

    @property
    def severity(self) -> str:
        """As its label says."""
        return self.labels.get("severity", "")

    @property
    def for_any_service(self) -> bool:
        """Whether the service is filled in when it fires."""
        return "{{" in self.labels.get("service", "")


def is_rules(path: str) -> bool:
    """Whether a file may hold alerts."""
    return path == BRIDGE or path.startswith(RULES)


def read_records(files: Files, paths: Iterable[str]) -> dict[tuple[str, str], tuple[str, ...]]:
    """The expressions of the recording rules in those of `paths` that there are, by service and name."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for path in sorted(paths):
        for key, expr in _records_of(path, files.get(path, "")):
            found[key] = (*found.get(key, ()), expr)
    return found


def read_alerts(files: Files, paths: Iterable[str]) -> dict[Key, AlertState]:
    """The alerts in those of `paths` that there are. Several of one name in one service are counted."""
    found: dict[Key, AlertState] = {}
    for path in sorted(paths):
        for alert in _of_file(path, files.get(path, "")):
            number = 0
            while (alert.service, alert.name, number) in found:
                number += 1
            found[alert.service, alert.name, number] = alert
    return found


@lru_cache(_KEPT)
def _of_file(path: str, text: str) -> tuple[AlertState, ...]:
    read = _bridged if path == BRIDGE else _ruled
    try:
        return tuple(read(path, text)) if text else ()
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError):
        return ()


def _ruled(path: str, text: str) -> Iterator[AlertState]:
    for group in load(text)["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                yield _alert(_service_of(path), rule, str(group.get("interval", "")))


@lru_cache(_KEPT)
def _records_of(path: str, text: str) -> tuple[tuple[tuple[str, str], str], ...]:
    if not text or path == BRIDGE:
        return ()
    try:
        rules = [rule for group in load(text)["groups"] for rule in group["rules"] if "record" in rule]
        return tuple(((_service_of(path), rule["record"]), rule["expr"]) for rule in rules)
    except (yaml.YAMLError, TypeError, KeyError):
        return ()


def _service_of(path: str) -> str:
    """Whose rules a file holds: its folder says it, before there were folders its name."""
    place = PurePosixPath(path.removeprefix(RULES))
    return place.parts[0] if len(place.parts) > 1 else place.stem


def _alert(service: str, rule: Mapping[str, Any], interval: str) -> AlertState:
    texts = rule.get("annotations") or {}
    return AlertState(
        service=service,
        name=str(rule["alert"]),
        labels={**dict(rule.get("labels") or {}), "alertname": rule["alert"]},
        expr=str(rule.get("expr", "")).strip(),
        confirmed=str(rule.get("for", "0s")),
        kept=str(rule.get("keep_firing_for", "0s")),
        interval=interval,
        summary=str(texts.get("summary", "")),
        description=str(texts.get("description", "")),
    )


def _bridged(path: str, text: str) -> Iterator[AlertState]:
    """Alerts that no rule makes: the error tracker's, by project."""
    for alerts in json.loads(text).get("projects", {}).values():
        for name, alert in alerts.items():
            labels = {key: str(value) for key, value in alert["labels"].items()}
            yield AlertState(labels.get("service", ""), name, labels)


def load(text: str) -> Any:
    """YAML of ours, each value as the text that it is written as. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
