"""Rules about what Grafana is provisioned with: the links between data sources die silently, so they are held hard."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from generator.conventions import DATASOURCE_ALERTMANAGER, DATASOURCE_LOKI, DATASOURCE_PROMETHEUS
from generator.prove.dashboards.document import Bundle
from generator.prove.dashboards.rule import Finding
from generator.render.grafana.provisioning import DASHBOARDS_MOUNT
from generator.units import format_duration, parse_duration

OURS: Final = {
    DATASOURCE_PROMETHEUS: "prometheus",
    DATASOURCE_LOKI: "loki",
    DATASOURCE_ALERTMANAGER: "alertmanager",
}
_UID_KEYS: Final = frozenset({"datasourceUid", "alertmanagerUid"})
_DEAD_KEYS: Final = {"datasourceName": "datasourceUid", "tracesToLogs": "tracesToLogsV2"}
_SECRET_KEYS: Final = re.compile(r"(?i)^(secureJsonData|password|basicAuthPassword|.*token|.*secret)$")


def source_uids(bundle: Bundle) -> Iterator[Finding]:
    """Every data source has a fixed uid of its own, and the three that dashboards use are there."""
    counted = Counter(source.get("uid") for source in bundle.datasources)
    for path, source in _sources(bundle):
        uid = source.get("uid")
        if not uid:
            yield Finding(path, f"the data source '{source.get('name')}' has no uid; Grafana would invent one")
        elif counted[uid] > 1:
            yield Finding(path, f"more than one data source has the uid '{uid}'")
    kinds = {source.get("uid"): source.get("type") for source in bundle.datasources}
    for uid, kind in OURS.items():
        if bundle.provisioning and kinds.get(uid) != kind:
            yield Finding(next(iter(bundle.provisioning)), f"there is no data source '{uid}' of type {kind}")


def time_interval(bundle: Bundle) -> Iterator[Finding]:
    """Prometheus' timeInterval is the interval at which it scrapes; $__rate_interval follows from it."""
    for path, source in _sources(bundle):
        if source.get("type") != "prometheus":
            continue
        written = (source.get("jsonData") or {}).get("timeInterval")
        try:
            seconds = parse_duration(str(written))
        except ValueError:
            yield Finding(path, f"'{source.get('name')}' has the timeInterval {written!r}, which is no duration")
            continue
        if bundle.site and seconds != bundle.site.stack.timing.scrape_interval:
            wanted = format_duration(bundle.site.stack.timing.scrape_interval)
            yield Finding(path, f"'{source.get('name')}' has the timeInterval {written}; it is scraped every {wanted}")


def references(bundle: Bundle) -> Iterator[Finding]:
    """Every reference to another data source is by a uid that exists, in a key that Grafana reads."""
    known = {source.get("uid") for source in bundle.datasources}
    for path, source in _sources(bundle):
        for key, value in _keys(source):
            if key in _DEAD_KEYS:
                yield Finding(path, f"'{source.get('name')}': Grafana ignores '{key}'; it reads '{_DEAD_KEYS[key]}'")
            elif key in _UID_KEYS and value not in known:
                yield Finding(path, f"'{source.get('name')}': {key} '{value}' is not provisioned")


def escaped_dollars(bundle: Bundle) -> Iterator[Finding]:
    """A dollar sign that is meant for the browser is written twice; a single one is an environment variable."""
    for path, source in _sources(bundle):
        for key, value in _keys(source):
            if isinstance(value, str) and re.search(r"(?<!\$)(?:\$\$)*\$\{?__", value):
                yield Finding(path, f"'{source.get('name')}': {key} needs $$: {value}")


def providers(bundle: Bundle) -> Iterator[Finding]:
    """Dashboards are read from where they are mounted, in folders as on disk, and cannot be edited in Grafana."""
    wanted = {"type": "file", "allowUiUpdates": False, "disableDeletion": False}
    for path, content in bundle.provisioning.items():
        for provider in (content or {}).get("providers") or () if isinstance(content, Mapping) else ():
            options = provider.get("options") or {}
            if options.get("path") != DASHBOARDS_MOUNT:
                yield Finding(
                    path, f"'{provider.get('name')}' reads {options.get('path')}; they are at {DASHBOARDS_MOUNT}"
                )
            if options.get("foldersFromFilesStructure") is not True or provider.get("folder"):
                yield Finding(path, f"'{provider.get('name')}' does not take the folders from the files")
            for key, value in wanted.items():
                if provider.get(key) != value:
                    yield Finding(path, f"'{provider.get('name')}': {key} is {provider.get(key)!r}, not {value!r}")


def no_secrets(bundle: Bundle) -> Iterator[Finding]:
    """No secret stands in a provisioning file."""
    for path, source in _sources(bundle):
        for key, value in _keys(source):
            if _SECRET_KEYS.match(key) and value not in (None, "", {}):
                yield Finding(path, f"'{source.get('name')}' holds a secret in '{key}'")


def _sources(bundle: Bundle) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, content in bundle.provisioning.items():
        if isinstance(content, Mapping):
            for source in content.get("datasources") or ():
                yield path, source


def _keys(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key of a nested value, with what stands under it."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key), inner
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)
