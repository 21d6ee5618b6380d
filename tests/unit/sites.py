"""Small Sites made by hand, for the tests of everything that is given one.

Every argument has a plain default; a test names only what it is about.
"""

from collections.abc import Mapping
from typing import Any

from generator.artifact import Artifact
from generator.channels.channel import Channel
from generator.channels.slack import SlackChannel
from generator.channels.telegram import TelegramChannel
from generator.conventions import ALERT_ANNOTATIONS, SEVERITIES, Severity, incident
from generator.diagnostics import Span
from generator.render.collector.containers import render_proxy
from generator.render.compose import render_compose
from generator.render.grafana.provisioning import render_provisioning
from generator.render.loki import render_loki
from generator.render.tempo import render_tempo
from generator.site.model import (
    Alert,
    Budget,
    Logs,
    PackInstance,
    Person,
    ScrapeJob,
    Service,
    Site,
    Stack,
    Timing,
)
from generator.values.secret import SecretRef

ORIGIN = Span("services.yaml", 1, 1, 2)
GIB = 2**30
TIMING = Timing(
    scrape_interval=10,
    scrape_timeout=5,
    evaluation_interval=5,
    slow_interval=30,
    group_wait=5,
    group_interval=60,
    repeat_interval=14400,
)
STACK = Stack(
    name="acme",
    domain="",
    environment="production",
    base_url="http://localhost:8080",
    status_url="http://localhost:3001",
    retention_metrics=90 * 86400,
    retention_logs=30 * 86400,
    memory=2 * GIB,
    disk=40 * GIB,
    timing=TIMING,
)
OPS = SlackChannel("ops", "#ops", SecretRef("slack_ops"))
PHONE = TelegramChannel("phone", -100123, SecretRef("telegram_token"), "https://api.telegram.org")
ANA = TelegramChannel("ana", 1234567, SecretRef("telegram_token"), "https://api.telegram.org")


def make_job(name: str = "api", **overrides: Any) -> ScrapeJob:
    """A plain http scrape of one target that is called like its service."""
    values: dict[str, Any] = {
        "name": name,
        "service": name,
        "targets": ((f"{name}:8000", f"{name}:8000"),),
        "scheme": "http",
        "path": "/metrics",
        "interval": 10,
        "timeout": 5,
        "environment": "production",
    }
    return ScrapeJob(**{**values, **overrides})


def make_alert(name: str = "TargetDown", service: str = "api", **overrides: Any) -> Alert:
    """A critical outage alert, unless chosen otherwise."""
    annotations = {each: f"{each} of {name}" for each in ALERT_ANNOTATIONS}
    values: dict[str, Any] = {
        "name": name,
        "service": service,
        "pack": "http",
        "expr": f'up{{service="{service}"}} == 0',
        "for_seconds": 10,
        "keep_firing_seconds": 0,
        "severity": "critical",
        "owner": "ana",
        "fault": "outage",
        "evaluation_interval": 5,
        "panel": "up",
        "shape": f"{service}-{name}",
        "origin": ORIGIN,
        **overrides,
    }
    fixed = {key: values[key] for key in ("severity", "owner", "fault")}
    labels = {"service": service, **fixed, "environment": "production", "incident": incident(service, name)}
    return Alert(**{"labels": labels, "annotations": annotations, **values})


def make_service(name: str = "api", alerts: tuple[Alert, ...] = (), **overrides: Any) -> Service:
    """A service with one target, one job and one pack that holds `alerts`."""
    values: dict[str, Any] = {
        "name": name,
        "kinds": ("http",),
        "owner": "ana",
        "environment": "production",
        "targets": (f"{name}:8000",),
        "address": "",
        "url": "",
        "uses": (),
        "host": "",
        "detect_within": 60,
        "logs": Logs("docker"),
        "token": None,
        "off": (),
        "origin": ORIGIN,
        "jobs": (make_job(name),),
        "packs": (PackInstance("http", {}, alerts, (), (), ()),) if alerts else (),
    }
    return Service(**{**values, **overrides})


def make_site(*services: Service, notify: Mapping[Severity, tuple[str, ...]] | None = None, **overrides: Any) -> Site:
    """A site of `services`, sorted by name, whose channels are ops (Slack) and phone (Telegram)."""
    channels: dict[str, Channel] = {"ops": OPS, "phone": PHONE}
    nowhere: dict[Severity, tuple[str, ...]] = dict.fromkeys(SEVERITIES, ())
    chosen = {"critical": ("phone", "ops"), "warning": ("ops",)} if notify is None else notify
    values: dict[str, Any] = {
        "stack": STACK,
        "budget": Budget(memory={}, metrics_disk=16 * GIB, logs_disk=14 * GIB, queue_disk=2 * GIB),
        "people": {"ana": Person("ana", ANA), "boris": Person("boris", None)},
        "channels": channels,
        "notify": {**nowhere, **chosen},
        "watchdog": None,
        "services": tuple(sorted(services, key=lambda service: service.name)),
        "monitors": (),
    }
    return Site(**{**values, **overrides})


def compose_of(site: Site) -> tuple[Artifact, ...]:
    """compose.rendered.yaml, from the files whose hashes it holds."""
    renderers = (render_provisioning, render_loki, render_tempo, render_proxy)
    return render_compose(site, [artifact for render in renderers for artifact in render(site)])
