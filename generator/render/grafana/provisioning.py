"""What Grafana reads when it starts: its data sources and where its dashboards are.

Grafana keeps nothing of its own: losing its database costs nothing. In these files Grafana replaces $NAME with an
environment variable, so a dollar sign that is meant for the browser is written twice.
"""

from typing import Any, Final

from generator.artifact import Artifact
from generator.conventions import (
    ALERTMANAGER_PATH,
    DASHBOARD_LOGS,
    DATASOURCE_ALERTMANAGER,
    DATASOURCE_LOKI,
    DATASOURCE_PROMETHEUS,
    DATASOURCE_TEMPO,
    PROMETHEUS_PATH,
)
from generator.parts.table import PORTS
from generator.site.model import Site
from generator.source.emit import emit_yaml

ROOT: Final = "grafana/provisioning"
# Where compose mounts grafana/dashboards inside the container.
DASHBOARDS_MOUNT: Final = "/var/lib/grafana-dashboards"
RELOAD_SECONDS: Final = 30
LOG_LINES: Final = 1000
_TRACE_OF_LINE: Final = {
    "name": "Trace",
    "matcherType": "label",
    "matcherRegex": "trace_id",
    "url": "$${__value.raw}",
    "urlDisplayLabel": "Trace",
    "datasourceUid": DATASOURCE_TEMPO,
}


def render_provisioning(site: Site) -> tuple[Artifact, ...]:
    """The data sources and the dashboard provider."""
    found = [_prometheus(site), _loki(site), _alertmanager(), *([_tempo()] if site.stack.traces else [])]
    sources = {"apiVersion": 1, "prune": True, "datasources": found}
    return (
        Artifact(f"{ROOT}/dashboards/lookout.yaml", emit_yaml({"apiVersion": 1, "providers": [_provider()]})),
        Artifact(f"{ROOT}/datasources/lookout.yaml", emit_yaml(sources)),
    )


def _source(name: str, uid: str, kind: str, url: str, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "uid": uid,
        "type": kind,
        "access": "proxy",
        "url": url,
        "isDefault": kind == "prometheus",
        "editable": False,
        "jsonData": settings,
    }


def _prometheus(site: Site) -> dict[str, Any]:
    settings = {
        "httpMethod": "POST",
        "prometheusType": "Prometheus",
        # Grafana derives $__rate_interval from this: it must be what Prometheus does.
        "timeInterval": f"{site.stack.timing.scrape_interval}s",
        "manageAlerts": True,
        "alertmanagerUid": DATASOURCE_ALERTMANAGER,
    }
    if site.stack.traces:
        settings["exemplarTraceIdDestinations"] = [{"name": "trace_id", "datasourceUid": DATASOURCE_TEMPO}]
    url = f"http://prometheus:{PORTS['prometheus']}{PROMETHEUS_PATH}"
    return _source("Prometheus", DATASOURCE_PROMETHEUS, "prometheus", url, settings)


def _loki(site: Site) -> dict[str, Any]:
    request = {
        "name": "All lines of this request",
        "matcherType": "label",
        "matcherRegex": "request_id",
        "url": f"/d/{DASHBOARD_LOGS}?var-request_id=$${{__value.raw}}",
        "urlDisplayLabel": "All lines of this request",
    }
    fields = [request, _TRACE_OF_LINE] if site.stack.traces else [request]
    settings = {"maxLines": LOG_LINES, "manageAlerts": False, "derivedFields": fields}
    return _source("Loki", DATASOURCE_LOKI, "loki", f"http://loki:{PORTS['loki']}", settings)


def _tempo() -> dict[str, Any]:
    """From a span to the log lines of its trace, those shortly before and after it included."""
    lines = {
        "datasourceUid": DATASOURCE_LOKI,
        "spanStartTimeShift": "-5m",
        "spanEndTimeShift": "5m",
        "customQuery": True,
        "query": '{$${__tags}} | trace_id="$${__span.traceId}"',
        "tags": [{"key": "service.name", "value": "service_name"}],
    }
    settings = {"tracesToLogsV2": lines, "nodeGraph": {"enabled": True}}
    return _source("Tempo", DATASOURCE_TEMPO, "tempo", f"http://tempo:{PORTS['tempo']}", settings)


def _alertmanager() -> dict[str, Any]:
    settings = {"implementation": "prometheus", "handleGrafanaManagedAlerts": False}
    url = f"http://alertmanager:{PORTS['alertmanager']}{ALERTMANAGER_PATH}"
    return _source("Alertmanager", DATASOURCE_ALERTMANAGER, "alertmanager", url, settings)


def _provider() -> dict[str, Any]:
    return {
        "name": "lookout",
        "orgId": 1,
        "type": "file",
        # What is gone from the files goes from Grafana, and edits there are not possible, because they would be lost.
        "disableDeletion": False,
        "allowUiUpdates": False,
        "updateIntervalSeconds": RELOAD_SECONDS,
        "options": {"path": DASHBOARDS_MOUNT, "foldersFromFilesStructure": True},
    }
