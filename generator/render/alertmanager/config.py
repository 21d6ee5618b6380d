"""alertmanager/: the receivers of an alert, its grouping, and its words.

Owns the route tree and the receivers. The receivers are decided in generator.site.routing, inhibition in
generator.render.alertmanager.inhibition, and the words are in generator.render.alertmanager.messages.
"""

from typing import Any, Final

from generator.artifact import Artifact
from generator.conventions import EVENT_ALERTS, EVENT_SECONDS, Severity
from generator.render.alertmanager.inhibition import WATCHDOG, inhibit_rules
from generator.render.alertmanager.messages import integrations, render_messages
from generator.render.bugsink import SEVERITY as EVENT_SEVERITY
from generator.render.bugsink import render_bridge
from generator.render.prometheus.config import prometheus_duration, secret_path
from generator.render.seal import OPEN, sealed
from generator.site.model import Site, Timing
from generator.site.routing import FALLBACK, NO_RECEIVER, Route, routes
from generator.source.emit import emit_yaml

_WATCHDOG_RECEIVER: Final = "watchdog"
# A repeat is due when a flush finds the last message older than this, and every flush is a moment late:
# with the full minute it would be sent every second time.
_WATCHDOG_REPEAT: Final = 50
_MINUTE: Final = 60
_DAY: Final = 86400
_EVENT_WAIT: Final = 10
_EVENT_INTERVAL: Final = 300
# What is no page waits long enough for the outage that would keep it quiet.
_GROUP_WAIT: Final = 30


def render_alertmanager(site: Site) -> tuple[Artifact, ...]:
    """The configuration, the message templates, and what the bridge from Bugsink knows."""
    table = routes(site)
    messages = render_messages()
    config = {
        # The second pattern matches no file: it is the seal. Alertmanager shows its patterns, not its templates.
        "templates": ["templates/*.tmpl", f"templates/*.{OPEN}"],
        "route": _root(site, table),
        "inhibit_rules": inhibit_rules(site),
        "receivers": _receivers(site, table),
    }
    content = sealed(emit_yaml({key: value for key, value in config.items() if value}), messages)
    return (Artifact("alertmanager/alertmanager.yml", content), *messages, *render_bridge(site))


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
        "routes": [
            _watchdog_route(),
            *_event_routes(site, table),
            *(_severity_route(severity, table, timing) for severity in severities),
        ],
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


def _event_routes(site: Site, table: tuple[Route, ...]) -> list[dict[str, Any]]:
    """For what Bugsink reports: routed as a warning, but sent once. It is not known when an error is over."""
    if not site.stack.errors:
        return []
    lines = [route for route in table if route.severity == EVENT_SEVERITY]
    anybody = next(route.receiver for route in lines if route.owner is None)
    owners = [{"matchers": [f'owner="{r.owner}"'], "receiver": _event_receiver(r.receiver)} for r in lines if r.owner]
    route = {
        "matchers": [f'alertname=~"{"|".join(EVENT_ALERTS)}"'],
        "receiver": _event_receiver(anybody),
        # A release that breaks many things is a few messages, not one for each.
        "group_wait": prometheus_duration(_EVENT_WAIT),
        "group_interval": prometheus_duration(_EVENT_INTERVAL),
        "repeat_interval": prometheus_duration(4 * EVENT_SECONDS),
    }
    return [{**route, "routes": owners} if owners else route]


def _event_receiver(receiver: str) -> str:
    return receiver if receiver == NO_RECEIVER else f"event{receiver.removeprefix(EVENT_SEVERITY)}"


def _severity_route(severity: Severity, table: tuple[Route, ...], timing: Timing) -> dict[str, Any]:
    """Each owner's receiver below the one for alerts without an owner."""
    lines = [route for route in table if route.severity == severity]
    anybody = next(route.receiver for route in lines if route.owner is None)
    owners = [{"matchers": [f'owner="{r.owner}"'], "receiver": r.receiver} for r in lines if r.owner is not None]
    route = {"matchers": [f'severity="{severity}"'], "receiver": anybody, **_pace(severity, timing)}
    return {**route, "routes": owners} if owners else route


def _pace(severity: Severity, timing: Timing) -> dict[str, str]:
    wait = timing.group_wait if severity == "critical" else max(timing.group_wait, _GROUP_WAIT)
    repeat = timing.repeat_interval if severity != "info" else max(timing.repeat_interval, _DAY)
    seconds = {"group_wait": wait, "group_interval": timing.group_interval, "repeat_interval": repeat}
    return {key: prometheus_duration(value) for key, value in seconds.items()}


def _receivers(site: Site, table: tuple[Route, ...]) -> list[dict[str, Any]]:
    receivers = {
        route.receiver: integrations(site.stack, route.channels, quiet=route.severity == "info") for route in table
    }
    events = [route for route in table if route.severity == EVENT_SEVERITY and route.receiver != NO_RECEIVER]
    for route in events if site.stack.errors else ():
        receivers[_event_receiver(route.receiver)] = {
            kind: [{**each, "send_resolved": False} for each in configs]
            for kind, configs in receivers[route.receiver].items()
        }
    return [{"name": name, **receivers[name]} for name in sorted(receivers)] + [_watchdog(site)]


def _watchdog(site: Site) -> dict[str, Any]:
    """Without a dead man's switch the alert goes nowhere, and never to a chat."""
    receiver: dict[str, Any] = {"name": _WATCHDOG_RECEIVER}
    if site.watchdog:
        ping = {"send_resolved": False, "url_file": secret_path(site.watchdog), "max_alerts": 1}
        receiver["webhook_configs"] = [ping]
    return receiver
