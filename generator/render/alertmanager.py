"""alertmanager/: whom an alert reaches, grouped how, and with which words.

Owns the route tree and the receivers. Who is told is decided in generator.routing, what keeps what quiet in
generator.render.inhibition, and the words are in generator.render.messages.
"""

import hashlib
from typing import Any, Final

from generator.artifact import Artifact
from generator.conventions import Severity
from generator.emit import emit_yaml
from generator.model import Site, Timing
from generator.render.inhibition import WATCHDOG, inhibit_rules
from generator.render.messages import integrations, render_messages
from generator.render.prometheus import prometheus_duration, secret_path
from generator.routing import FALLBACK, Route, routes

_WATCHDOG_RECEIVER: Final = "watchdog"
# A repeat is due when a flush finds the last message older than this, and every flush is a moment late:
# with the full minute it would be sent every second time.
_WATCHDOG_REPEAT: Final = 50
_MINUTE: Final = 60
_DAY: Final = 86400
# What is no page waits long enough for the outage that would keep it quiet.
_PATIENCE: Final = 30


def render_alertmanager(site: Site) -> tuple[Artifact, ...]:
    """The configuration and the message templates."""
    table = routes(site)
    messages = render_messages()
    config = {
        "templates": ["templates/*.tmpl", f"templates/*.{_digest(messages)}"],
        "route": _root(site, table),
        "inhibit_rules": inhibit_rules(site),
        "receivers": _receivers(site, table),
    }
    content = emit_yaml({key: value for key, value in config.items() if value})
    return (Artifact("alertmanager/alertmanager.yml", content), *messages)


def _digest(messages: tuple[Artifact, ...]) -> str:
    """A second pattern that matches no file: by it Alertmanager, which tells its patterns and not its templates, says
    which templates it has loaded."""
    return hashlib.sha256("".join(each.content for each in messages).encode()).hexdigest()[:12]


def _root(site: Site, table: tuple[Route, ...]) -> dict[str, Any]:
    """No route continues: an alert has exactly one receiver, which holds every channel it goes to."""
    timing = site.stack.timing
    fallback = next(route.receiver for route in table if route.severity == FALLBACK and route.owner is None)
    severities = dict.fromkeys(route.severity for route in table)
    return {
        "receiver": fallback,
        # One message for one service, for each severity that has something to say.
        "group_by": ["service"],
        **_pace(FALLBACK, timing),
        "routes": [_watchdog_route(), *(_severity_route(severity, table, timing) for severity in severities)],
    }


def _watchdog_route() -> dict[str, Any]:
    return {
        "matchers": [f'alertname="{WATCHDOG}"'],
        "receiver": _WATCHDOG_RECEIVER,
        "group_by": ["alertname"],
        "group_wait": "0s",
        "group_interval": prometheus_duration(_MINUTE),
        "repeat_interval": prometheus_duration(_WATCHDOG_REPEAT),
    }


def _severity_route(severity: Severity, table: tuple[Route, ...], timing: Timing) -> dict[str, Any]:
    """Everybody's own receiver below the one for alerts of nobody in particular."""
    lines = [route for route in table if route.severity == severity]
    anybody = next(route.receiver for route in lines if route.owner is None)
    owners = [{"matchers": [f'owner="{r.owner}"'], "receiver": r.receiver} for r in lines if r.owner is not None]
    route = {"matchers": [f'severity="{severity}"'], "receiver": anybody, **_pace(severity, timing)}
    return {**route, "routes": owners} if owners else route


def _pace(severity: Severity, timing: Timing) -> dict[str, str]:
    wait = timing.group_wait if severity == "critical" else max(timing.group_wait, _PATIENCE)
    repeat = timing.repeat_interval if severity != "info" else max(timing.repeat_interval, _DAY)
    seconds = {"group_wait": wait, "group_interval": timing.group_interval, "repeat_interval": repeat}
    return {key: prometheus_duration(value) for key, value in seconds.items()}


def _receivers(site: Site, table: tuple[Route, ...]) -> list[dict[str, Any]]:
    told = {route.receiver: integrations(site.stack, route.channels, quiet=route.severity == "info") for route in table}
    return [{"name": name, **told[name]} for name in sorted(told)] + [_watchdog(site)]


def _watchdog(site: Site) -> dict[str, Any]:
    """Without a dead man's switch the alert goes nowhere, and never to a chat."""
    receiver: dict[str, Any] = {"name": _WATCHDOG_RECEIVER}
    if site.watchdog:
        ping = {"send_resolved": False, "url_file": secret_path(site.watchdog), "max_alerts": 1}
        receiver["webhook_configs"] = [ping]
    return receiver
