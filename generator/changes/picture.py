"""One rendered tree as people see it: its alerts, with what depends on more files than their own.

Owns which files say what. It reads the rule files that it is given, and no others.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import yaml

from generator.changes.receivers import InhibitionSource, Routing
from generator.changes.rules import AlertState, Files, Key, load, read_alerts, read_records
from generator.promql.tree import longest_wait
from generator.prove.alertmanager import CONFIG
from generator.resolve.detection import DELIVERY, timeout_for
from generator.units import parse_duration

PROMETHEUS: Final = "prometheus/prometheus.yml"
_SEAL: Final = re.compile(r"sha256-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class ScrapeState:
    """What of a service is asked, and how often."""

    targets: tuple[str, ...]
    interval: str


class Picture:
    """One tree; `paths` are the rule files of it that are looked at."""

    def __init__(self, files: Files, paths: Iterable[str]) -> None:
        self._files = files
        self._paths = tuple(paths)
        self.alerts = read_alerts(files, self._paths)
        self.routing = Routing(files.get(CONFIG, ""))

    @cached_property
    def records(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """The expressions of recording rules, by service and name."""
        return read_records(self._files, self._paths)

    @cached_property
    def muting(self) -> Mapping[Key, frozenset[InhibitionSource]]:
        """For each alert the ones that mute it."""
        return self.routing.muting(self.alerts)

    @cached_property
    def scrapes(self) -> Mapping[str, ScrapeState]:
        """By service."""
        found: dict[str, ScrapeState] = {}
        for job in read_yaml(self._files.get(PROMETHEUS, "")).get("scrape_configs", ()):
            for each in job.get("static_configs", ()):
                service = str((each.get("labels") or {}).get("service", ""))
                known = found.get(service, ScrapeState((), "0s"))
                interval = max(known.interval, str(job.get("scrape_interval", "0s")), key=seconds)
                found[service] = ScrapeState(tuple(sorted({*known.targets, *map(str, each["targets"])})), interval)
        return found

    def detection(self, alert: AlertState) -> int:
        """Seconds from an outage to the message at worst."""
        interval = seconds(self.scrapes[alert.service].interval) if alert.service in self.scrapes else 0
        waits = (alert.interval, alert.confirmed, self.routing.group_wait(alert))
        return interval + timeout_for(interval) + longest_wait(alert.expr) + sum(map(seconds, waits)) + DELIVERY


def settled(text: str) -> str:
    """A configuration without its seals, which change with every file that it loads."""
    return _SEAL.sub("", text)


def read_yaml(text: str) -> Mapping[str, Any]:
    """A rendered YAML file; empty when it cannot be read."""
    try:
        loaded = load(text)
    except yaml.YAMLError:
        return {}
    return loaded if isinstance(loaded, dict) else {}


def seconds(text: str) -> int:
    """A duration as it is rendered; 0 for none."""
    try:
        return parse_duration(text)
    except ValueError:
        return 0
