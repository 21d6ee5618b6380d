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
    PORTS,
    PROMETHEUS_PATH,
)
from generator.emit import emit_yaml
from generator.model import Site

ROOT: Final = "grafana/provisioning"
# Where compose mounts grafana/dashboards inside the container.
DASHBOARDS_MOUNT: Final = "/var/lib/grafana-dashboards"
RELOAD_SECONDS: Final = 30
LOG_LINES: Final = 1000


def render_provisioning(site: Site) -> tuple[Artifact, ...]:
    """The data sources and the dashboard provider."""
    sources = {"apiVersion": 1, "prune": True, "datasources": [_prometheus(site), _loki(), _alertmanager()]}
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
    url = f"http://prometheus:{PORTS['prometheus']}{PROMETHEUS_PATH}"
    return _source("Prometheus", DATASOURCE_PROMETHEUS, "prometheus", url, settings)


def _loki() -> dict[str, Any]:
    request = {
        "name": "All lines of this request",
        "matcherType": "label",
        "matcherRegex": "request_id",
        "url": f"/d/{DASHBOARD_LOGS}?var-request_id=$${{__value.raw}}",
        "urlDisplayLabel": "All lines of this request",
    }
    settings = {"maxLines": LOG_LINES, "manageAlerts": False, "derivedFields": [request]}
    return _source("Loki", DATASOURCE_LOKI, "loki", f"http://loki:{PORTS['loki']}", settings)


def _alertmanager() -> dict[str, Any]:
    settings = {"implementation": "prometheus", "handleGrafanaManagedAlerts": False}
    url = f"http://alertmanager:{PORTS['alertmanager']}{ALERTMANAGER_PATH}"
    return _source("Alertmanager", DATASOURCE_ALERTMANAGER, "alertmanager", url, settings)


def _provider() -> dict[str, Any]:
    return {
        "name": "lookout",
        "orgId": 1,
        "type": "file",
        # What is gone from the files goes from Grafana, and nobody edits there what would be lost.
        "disableDeletion": False,
        "allowUiUpdates": False,
        "updateIntervalSeconds": RELOAD_SECONDS,
        "options": {"path": DASHBOARDS_MOUNT, "foldersFromFilesStructure": True},
    }
