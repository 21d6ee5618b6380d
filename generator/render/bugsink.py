"""Alerts that no Prometheus rule makes: a new error, or one that came back, as Bugsink reports it.

Owns what the bridge knows of each app (alertmanager/bridge.json) and the runbooks. How a report becomes an alert is the
business of generator.bugsink.bridge; the receivers, of generator.render.alertmanager.config.
"""

from collections.abc import Mapping
from typing import Any, Final

from generator.artifact import Artifact
from generator.conventions import (
    ALERTMANAGER_PATH,
    BUGSINK_PATH,
    EVENT_ALERTS,
    EVENT_FAULT,
    EVENT_SECONDS,
    GENERATED,
    GRAFANA_PATH,
    Severity,
    dashboard_path,
    incident,
    runbook_url,
)
from generator.packs import load_packs
from generator.parts.logs import logs_url
from generator.parts.table import PORTS
from generator.site.model import Runbook, Service, Site, Stack
from generator.source.emit import emit_json

BRIDGE_FILE: Final = "alertmanager/bridge.json"
SEVERITY: Final[Severity] = "warning"
# Whose runbooks they have.
PACK: Final = "bugsink"


def apps(site: Site) -> tuple[Service, ...]:
    """The services that have a project in Bugsink."""
    return tuple(service for service in site.services if service.errors and service.errors.project)


def project_url(stack: Stack, service: Service) -> str:
    """Where a service's issues are listed."""
    number = service.errors.project if service.errors else 0
    return f"{stack.base_url}{BUGSINK_PATH}/issues/{number}/"


def render_bridge(site: Site) -> tuple[Artifact, ...]:
    """What the bridge reads: its settings when it starts, the projects when they change. Nothing without Bugsink."""
    if not site.stack.errors:
        return ()
    content = {
        "_comment": GENERATED,
        **bridge_settings(),
        "projects": {
            str(service.errors.project): {name: _event(site.stack, service, name) for name in EVENT_ALERTS}
            for service in apps(site)
            if service.errors
        },
    }
    return (Artifact(BRIDGE_FILE, emit_json(content)),)


def bridge_settings() -> Mapping[str, Any]:
    """What the bridge holds on to for as long as it runs."""
    return {
        "alertmanager": f"http://alertmanager:{PORTS['alertmanager']}{ALERTMANAGER_PATH}/api/v2/alerts",
        "bugsink": f"http://bugsink:{PORTS['bugsink']}/health/ready",
        "lasts_seconds": EVENT_SECONDS,
    }


def event_runbooks(site: Site) -> tuple[Runbook, ...]:
    """One page for each kind of event of each app."""
    return tuple(
        Runbook(service.name, name, _page(site.stack, service, name)) for service in apps(site) for name in EVENT_ALERTS
    )


def _event(stack: Stack, service: Service, name: str) -> Mapping[str, Any]:
    """Labels and annotations as every alert has them, but for what only the report says."""
    return {
        "labels": {
            "alertname": name,
            "service": service.name,
            "severity": SEVERITY,
            "owner": service.owner,
            "environment": service.environment,
            "fault": EVENT_FAULT,
            "incident": incident(service.name, name),
        },
        "annotations": {
            "runbook_url": runbook_url(stack.base_url, service.name, name),
            "dashboard_url": f"{stack.base_url}{GRAFANA_PATH}{dashboard_path(service.name, service.kinds)}",
            "logs_url": logs_url(stack.base_url, service.name),
        },
    }


def _page(stack: Stack, service: Service, name: str) -> str:
    text = load_packs()[PACK].events[name]
    words = {"service": service.name, "owner": service.owner, "issues": project_url(stack, service)}
    for word, value in words.items():
        text = text.replace(f"<<{word}>>", value)
    return text
