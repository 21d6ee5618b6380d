"""Uptime Kuma's monitors: what it monitors beside Prometheus, and which receivers it may notify itself."""

from typing import Final

from generator.conventions import (
    ALERTMANAGER_PATH,
    PROMETHEUS_PATH,
    core_name,
)
from generator.parts.table import PORTS
from generator.site.model import Monitor, Probe, Service

_SERVICES: Final = "group/services"
_STACK: Final = "group/lookout"


def resolve_monitors(services: tuple[Service, ...]) -> tuple[Monitor, ...]:
    """Monitors sorted by key, groups first. Only the watchers of Prometheus and Alertmanager notify by themselves:
    whatever else Kuma sees reaches people through Prometheus, so that one fault is one message."""
    watched = [_monitor(service, probe) for service in services for probe in service.probes]
    groups = [Monitor(_STACK, "Lookout", "group")]
    if watched:
        groups.append(Monitor(_SERVICES, "Services", "group"))
    return tuple(sorted(groups, key=_by_key) + sorted([*watched, *_watchers()], key=_by_key))


def _by_key(monitor: Monitor) -> str:
    return monitor.key


def _monitor(service: Service, probe: Probe) -> Monitor:
    several = len(service.probes) > 1
    name = f"{service.name} {probe.target}" if several else service.name
    key = f"{service.name}/{probe.kind}/{probe.target}"
    if probe.kind == "http":
        return Monitor(key, name, "http", url=probe.target, parent=_SERVICES, expect=probe.expect)
    host, _, port = probe.target.rpartition(":")
    if probe.kind == "dns":
        return Monitor(
            key=f"{key}/{probe.dns_name}/{probe.dns_type}",
            name=f"{service.name} {probe.dns_name} {probe.dns_type}",
            type="dns",
            url=host.strip("[]"),
            hostname=probe.dns_name,
            port=int(port),
            parent=_SERVICES,
            dns_type=probe.dns_type,
        )
    return Monitor(key, name, "port", hostname=host.strip("[]"), port=int(port), parent=_SERVICES)


def _watchers() -> list[Monitor]:
    paths = {"prometheus": PROMETHEUS_PATH, "alertmanager": ALERTMANAGER_PATH}
    return [
        Monitor(
            key=f"lookout/{part}",
            name=part.capitalize(),
            type="http",
            url=f"http://{core_name(part)}:{PORTS[part]}{path}/-/healthy",
            parent=_STACK,
            notify=("watch",),
        )
        for part, path in sorted(paths.items())
    ]
