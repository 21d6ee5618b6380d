"""uptime-kuma/monitors.json: what Uptime Kuma should hold, in the shape that generator.kuma loads.

Owns the translation of the Site's monitors. It says nothing about how they get into Uptime Kuma.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from generator.artifact import Artifact
from generator.channels.channel import Channel
from generator.conventions import DEFAULT_OWNER, STACK_SERVICE
from generator.site.model import Monitor, Site
from generator.site.routing import recipients
from generator.source.emit import emit_json
from generator.values.secret import SecretRef

STATUS_SLUG: Final = "status"
_STRANGE: Final = re.compile(r"[^A-Za-z0-9._:/@-]")
_KEY_LENGTH: Final = 150


def render_monitors(site: Site) -> tuple[Artifact, ...]:
    """The one file: monitors, the notifications that a few of them are bound to, and the public status page."""
    notifications = _notifications(site)
    content = {
        "format": 1,
        "monitors": [_monitor(monitor, list(notifications)) for monitor in _sorted(site.monitors)],
        "notifications": list(notifications.values()),
        "status_page": {"slug": STATUS_SLUG, "title": site.stack.name, "groups": _page_groups(site.monitors)},
    }
    return (Artifact("uptime-kuma/monitors.json", emit_json(content)),)


def monitor_key(key: str) -> str:
    """The key as it may be written into a monitor's description: without spaces, at most 150 characters.

    A key that has to be changed for that carries a hash of what it was, so that two never become one.
    """
    if len(key) <= _KEY_LENGTH and not _STRANGE.search(key):
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()[:8]
    return f"{_STRANGE.sub('-', key)[: _KEY_LENGTH - 9]}-{digest}"


def _sorted(monitors: Iterable[Monitor]) -> list[Monitor]:
    """Groups first, because the others lie in them."""
    return sorted(monitors, key=lambda monitor: (monitor.type != "group", monitor.key))


def _monitor(monitor: Monitor, notifications: list[str]) -> dict[str, Any]:
    """One entry. A monitor that may notify by itself notifies all receivers of a page."""
    entry: dict[str, Any] = {
        "key": monitor_key(monitor.key),
        "name": monitor.name[:_KEY_LENGTH],
        "type": monitor.type,
        "interval": monitor.interval,
        "retry_interval": monitor.interval,
        "max_retries": monitor.retries,
        "notify": notifications if monitor.notify else [],
        **_asked(monitor),
    }
    return {**entry, "parent": monitor_key(monitor.parent)} if monitor.parent else entry


def _asked(monitor: Monitor) -> Mapping[str, Any]:
    if monitor.type == "http":
        codes = {"accepted_statuscodes": [str(code) for code in monitor.expect]} if monitor.expect else {}
        return {"url": monitor.url, **codes}
    if monitor.type == "port":
        return {"hostname": monitor.hostname, "port": monitor.port}
    if monitor.type == "dns":
        asked = {"hostname": monitor.hostname, "dns_resolve_type": monitor.dns_type}
        return {**asked, "dns_resolve_server": monitor.url, "port": monitor.port}
    return {}


def _notifications(site: Site) -> dict[str, dict[str, Any]]:
    """The channels of a critical alert about the stack, by key; two channels of one name are kept apart."""
    owner = next((service.owner for service in site.services if service.name == STACK_SERVICE), DEFAULT_OWNER)
    found: dict[str, dict[str, Any]] = {}
    for channel in recipients(site, "critical", owner):
        key = f"watch/{channel.name}"
        if key in found:
            key = f"{key}-{len(found) + 1}"
        found[key] = {"key": key, "name": f"Lookout: {channel.name}", **_channel(channel)}
    return dict(sorted(found.items()))


def _channel(channel: Channel) -> dict[str, Any]:
    kind, settings = channel.notification()
    written = {
        name: {"secret": value.name} if isinstance(value, SecretRef) else value for name, value in settings.items()
    }
    return {"type": kind, "settings": written}


def _page_groups(monitors: Iterable[Monitor]) -> list[dict[str, Any]]:
    """What the public may see: each group with its monitors, but nothing that watches the stack itself."""
    shown = [monitor for monitor in _sorted(monitors) if not monitor.notify]
    groups = [monitor for monitor in shown if monitor.type == "group"]
    page = [
        {"name": group.name, "monitors": [monitor_key(m.key) for m in shown if m.parent == group.key]}
        for group in groups
    ]
    return [group for group in page if group["monitors"]]
