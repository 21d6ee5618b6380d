"""Uptime Kuma's own vocabulary: which of its fields say what our values say, and how it marks what is ours.

Owns every field name of Kuma's protocol and the ownership marks. Pure: no server, no file but the secrets
that `resolve_channels` reads. A field that is not declared here is never compared and never overwritten.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from generator.kuma.errors import SecretMissing
from generator.kuma.model import Monitor, MonitorsFile, Notification, SecretFile, StatusPage
from generator.kuma.secrets import read_secret

# Monitors carry the mark in their description and status pages in a CSS comment. Tags would be the obvious
# place, but a tag made while Kuma runs breaks its /metrics: the label names are frozen at start.
_MARK: Final = re.compile(r"(?:^|\s)lookout-key=(\S+)")
# Notifications have no description, but Kuma keeps whatever their configuration holds.
CHANNEL_MARK: Final = "lookoutKey"

# (our field, Kuma's field) of the monitors; a type has those that its class has.
_MONITOR_FIELDS: Final[tuple[tuple[str, str], ...]] = (
    ("name", "name"),
    ("type", "type"),
    ("interval", "interval"),
    ("retry_interval", "retryInterval"),
    ("max_retries", "maxretries"),
    ("timeout", "timeout"),
    ("url", "url"),
    ("accepted_statuscodes", "accepted_statuscodes"),
    ("hostname", "hostname"),
    ("port", "port"),
    ("dns_resolve_type", "dns_resolve_type"),
    ("dns_resolve_server", "dns_resolve_server"),
)
# What of a notification is shown in a plan. All else is stars, whether it came from a secret file or not: it lets its
# holder send messages.
SHOWN_FIELDS: Final = frozenset({"name", "type"})
# What Kuma's own form sends for a new monitor: several columns refuse NULL.
_NEW_MONITOR: Final[Mapping[str, Any]] = {
    "active": True,
    "resendInterval": 0,
    "upsideDown": False,
    "method": "GET",
    "maxredirects": 10,
    "accepted_statuscodes": ["200-299"],
    "ignoreTls": False,
    "expiryNotification": False,
    "timeout": 48,
    "kafkaProducerBrokers": [],
    "kafkaProducerSaslOptions": {"mechanism": "None"},
}
# Columns that 2.0.0-dev.0 does not have and later versions insist on.
_NEW_MONITOR_SINCE_2_0: Final[Mapping[str, Any]] = {"conditions": [], "rabbitmqNodes": []}


@dataclass(frozen=True)
class KumaChannel:
    """A notification ready to be sent to Kuma: its secrets are resolved, and hidden from every repr."""

    key: str
    name: str
    config: Mapping[str, "str | SecretStr"]


@dataclass(frozen=True)
class Desired:
    """What Uptime Kuma should hold, references to secrets resolved.

    `pending` says by key which notifications wait for a secret that does not exist yet: they are neither made nor
    changed nor deleted, and everything else goes on.
    """

    monitors: tuple[Monitor, ...]
    channels: tuple[KumaChannel, ...] = ()
    page: StatusPage | None = None
    pending: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LiveMonitor:
    """A monitor as Kuma lists it. `key` is None when a person made it."""

    id: int
    key: str | None
    parent: int | None
    active: bool
    bound: frozenset[int]
    fields: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class LiveChannel:
    """A notification as Kuma lists it; `config` holds secrets in plain text."""

    id: int
    key: str | None
    name: str
    config: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class LivePage:
    """A status page: its settings, and its groups as (heading, ids of monitors)."""

    slug: str
    key: str | None
    config: Mapping[str, Any] = field(repr=False)
    groups: tuple[tuple[str, tuple[int, ...]], ...] = ()


@dataclass(frozen=True)
class LiveState:
    """What Uptime Kuma holds now. An empty one stands for a server without a set-up."""

    monitors: tuple[LiveMonitor, ...] = ()
    channels: tuple[LiveChannel, ...] = ()
    pages: tuple[LivePage, ...] = ()


def mark(key: str) -> str:
    """The words that make a thing ours."""
    return f"lookout-key={key}"


def read_mark(text: object) -> str | None:
    """The key in a description or a style sheet, or None when there is none."""
    found = _MARK.search(text) if isinstance(text, str) else None
    return found.group(1) if found else None


def page_css(css: object, slug: str) -> str:
    """A page's style sheet with our mark in it, the rest as it was."""
    text = css if isinstance(css, str) else ""
    return text if read_mark(text) == slug else f"/* {mark(slug)} */\n{text}".rstrip()


def resolve_channels(file: MonitorsFile, secrets_dir: Path) -> Desired:
    """Replace every reference to a secret by the secret, where there is one."""
    channels, pending = [], {}
    for notification in file.notifications:
        try:
            channels.append(_channel(notification, secrets_dir))
        except SecretMissing as missing:
            pending[notification.key] = missing.message
    return Desired(file.monitors, tuple(channels), file.status_page, pending)


def _channel(notification: Notification, secrets_dir: Path) -> KumaChannel:
    config: dict[str, str | SecretStr] = {
        CHANNEL_MARK: notification.key,
        "name": notification.name,
        "type": notification.type,
    }
    for name, value in notification.settings.items():
        needed_by = f"notification '{notification.key}'"
        config[name] = read_secret(secrets_dir, value.secret, needed_by) if isinstance(value, SecretFile) else value
    return KumaChannel(notification.key, notification.name, config)


def monitor_fields(monitor: Monitor) -> dict[str, Any]:
    """What we declare of a monitor, in Kuma's words, without parent and notifications (they are ids
    there)."""
    fields = {theirs: getattr(monitor, ours) for ours, theirs in _MONITOR_FIELDS if hasattr(monitor, ours)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}


def new_monitor(monitor: Monitor, parent: int | None, bound: Iterable[int], *, since_2_0: bool) -> dict[str, Any]:
    """The payload of `add`. The mark goes with it: there is no moment in which the monitor is not ours."""
    return {
        **_NEW_MONITOR,
        **(_NEW_MONITOR_SINCE_2_0 if since_2_0 else {}),
        **monitor_fields(monitor),
        "description": mark(monitor.key),
        "parent": parent,
        "notificationIDList": {str(id_): True for id_ in sorted(bound)},
    }


def changed_monitor(
    now: Mapping[str, Any], monitor: Monitor, parent: int | None, bound: Iterable[int]
) -> dict[str, Any]:
    """The payload of `editMonitor`: what Kuma holds, with only our fields laid over it."""
    notifications = {str(id_): True for id_ in sorted(bound)}
    return {**now, **monitor_fields(monitor), "parent": parent, "notificationIDList": notifications}


def live_monitor(raw: Mapping[str, Any]) -> LiveMonitor:
    """A monitor from an entry of `monitorList`."""
    bound = raw.get("notificationIDList") or {}
    ids = frozenset(int(id_) for id_, on in bound.items() if on)
    key = read_mark(raw.get("description"))
    return LiveMonitor(int(raw["id"]), key, raw.get("parent"), bool(raw.get("active", True)), ids, raw)


def live_channel(raw: Mapping[str, Any]) -> LiveChannel:
    """A notification from an entry of `notificationList`, where the configuration is JSON in a string."""
    config = json.loads(raw.get("config") or "{}")
    return LiveChannel(int(raw["id"]), config.get(CHANNEL_MARK), str(raw.get("name", "")), config)


def live_page(config: Mapping[str, Any], groups: Iterable[Mapping[str, Any]]) -> LivePage:
    """A status page from its settings and the groups that it shows in public."""
    shown = tuple((str(g["name"]), tuple(int(m["id"]) for m in g.get("monitorList", ()))) for g in groups)
    return LivePage(str(config["slug"]), read_mark(config.get("customCSS")), config, shown)
