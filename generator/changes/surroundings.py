"""What else changes for people: services, what is scraped, dashboards, monitors, retention, and the rest by its name.

Owns the words. Every changed file is behind one of them, but for proofs and for pages about what is said already.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from generator.changes.picture import PROMETHEUS, Picture, ScrapeState, read_yaml, settled
from generator.changes.rules import Files
from generator.prove.alertmanager import CONFIG

DASHBOARDS: Final = "grafana/dashboards/"
_MONITORS: Final = "uptime-kuma/monitors.json"
_LOKI: Final = "loki/loki.yaml"
_LIMITS: Final = "loki/overrides.yaml"
_PANELS: Final = 3
# The rest, by where it lies: the longest beginning that fits counts. Without words: proofs, and what is said elsewhere.
_REST: Final = (
    ("", "files of the stack"),
    ("alertmanager/", "settings of Alertmanager"),
    ("alertmanager/templates/", "how messages look"),
    ("caddy/", "what the web server lets through"),
    ("caddy/site/", "home page"),
    ("caddy/docker/", "what is asked of Docker"),
    ("collector/", "how lines and spans are collected"),
    ("compose.rendered.yaml", ""),
    ("docs/", "pages in docs/"),
    ("docs/runbooks/", ""),
    ("generated.lock", ""),
    (DASHBOARDS, ""),
    ("grafana/provisioning/", "how Grafana is set up"),
    ("instrumentation/", "what apps read at their start"),
    ("loki/", "how lines and spans are collected"),
    (_LOKI, "how lines are stored"),
    ("prometheus/", "settings of Prometheus"),
    ("prometheus/proofs/", ""),
    ("prometheus/blackbox.yml", "how probes ask"),
    ("prometheus/rules/", "recording rules"),
    ("uptime-kuma/", ""),
)
_EXPLAINED: Final = ("settings of Alertmanager", "settings of Prometheus", "recording rules")


def service_changes(before: Picture, after: Picture) -> Iterator[str]:
    """Services that come and go, and what is scraped of the others."""
    old, new = ({*picture.scrapes, *(each.service for each in picture.alerts.values())} for picture in (before, after))
    # Where the routes and scrapes are the same, only some of the alerts were read, and no service came or went.
    for service in sorted(new - old):
        yield f"service {service} is new{_scraped(after.scrapes.get(service))}"
    yield from (f"service {service} is removed" for service in sorted(old - new))
    for service in sorted({*before.scrapes} & {*after.scrapes}):
        yield from _scrape_changes(service, before.scrapes[service], after.scrapes[service])


def dashboard_changes(before: Files, after: Files) -> Iterator[str]:
    """Dashboards by their titles, with the panels that change if they are few."""
    for path in sorted(path for path in {*before, *after} if path.startswith(DASHBOARDS)):
        if before.get(path) == after.get(path):
            continue
        old, new = (_json(files.get(path, "")) for files in (before, after))
        title = (new or old).get("title", PurePosixPath(path).stem)
        if not old or not new:
            yield f"dashboard {title} is {'new' if new else 'removed'}"
        else:
            yield f"dashboard {title} changes{_panels(old, new)}"


def setting_changes(before: Files, after: Files) -> Iterator[str]:
    """Monitors of Uptime Kuma, and how long data is kept."""
    old, new = (_monitors(files) for files in (before, after))
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            what = "changes" if key in old and key in new else "is new" if key in new else "is removed"
            yield f"Uptime Kuma: monitor {(new.get(key) or old[key]).get('name', key)} {what}"
    for what, path, keys in (
        ("metrics are kept for", PROMETHEUS, ("storage", "tsdb", "retention", "time")),
        ("lines are kept for", _LIMITS, ("overrides", "fake", "retention_period")),
    ):
        kept = [_value(files, path, keys) for files in (before, after)]
        if kept[0] and kept[1] and kept[0] != kept[1]:
            yield f"{what} {kept[0]} → {kept[1]}"


def rest(before: Files, after: Files, explained: bool) -> Iterator[str]:
    """One line on everything else. `explained`: what is said of alerts is why the tools' settings differ."""
    found = dict.fromkeys(
        max((row for row in _REST if path.startswith(row[0])), key=lambda row: len(row[0]))[1]
        for path in sorted({*before, *after})
        if settled(before.get(path, "")) != settled(after.get(path, ""))
    )
    words = [each for each in found if each and not (explained and each in _EXPLAINED)]
    if words:
        yield f"also: {', '.join(words)}"


def is_routing(path: str) -> bool:
    """Whether a file says something about all alerts."""
    return path in (CONFIG, PROMETHEUS)


def _scraped(scrape: ScrapeState | None) -> str:
    return f", asked at {', '.join(scrape.targets)} every {scrape.interval}" if scrape else ""


def _scrape_changes(service: str, old: ScrapeState, new: ScrapeState) -> Iterator[str]:
    if old.targets != new.targets:
        yield f"{service} is asked at {', '.join(new.targets)} instead of {', '.join(old.targets)}"
    if old.interval != new.interval:
        yield f"{service} is asked every {old.interval} → {new.interval}"


def _panels(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    panels = [{each["id"]: each for each in _all_panels(dashboard)} for dashboard in (old, new)]
    differ = [key for key in {**panels[0], **panels[1]} if panels[0].get(key) != panels[1].get(key)]
    titles = dict.fromkeys(str((panels[1].get(key) or panels[0][key]).get("title", "")) for key in differ)
    if not titles:
        return ""
    return f": {', '.join(titles)}" if len(titles) <= _PANELS else f": {len(titles)} panels"


def _all_panels(dashboard: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for panel in dashboard.get("panels", ()):
        if "id" in panel:
            yield {key: value for key, value in panel.items() if key not in ("panels", "gridPos")}
        yield from _all_panels(panel)


def _monitors(files: Files) -> dict[str, Mapping[str, Any]]:
    return {str(each.get("key", "")): each for each in _json(files.get(_MONITORS, "")).get("monitors", ())}


def _value(files: Files, path: str, keys: tuple[str, ...]) -> str:
    found: Any = read_yaml(files.get(path, ""))
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return str(found or "")


def _json(text: str) -> Mapping[str, Any]:
    try:
        loaded = json.loads(text or "{}")
    except ValueError:
        return {}
    return loaded if isinstance(loaded, dict) else {}
