"""A monitors.json to test with, and the state of a server that holds it already."""

import json
from pathlib import Path
from typing import Any

from generator.kuma.loader import parse_monitors
from generator.kuma.model import Monitor
from generator.kuma.wire import (
    Desired,
    KumaChannel,
    LiveChannel,
    LiveMonitor,
    LivePage,
    LiveState,
    mark,
    monitor_fields,
    page_css,
    resolve_channels,
)

PASSWORD = "correct-Horse-7-battery"
SLACK_URL = "http://127.0.0.1:9/services/T0/B0/very-secret-token"


def monitors_file(url: str = "http://127.0.0.1:9/health") -> dict[str, Any]:
    """A group with two HTTP monitors in it, a TCP monitor, one notification and a status page."""
    host, _, port = url.split("/")[2].partition(":")
    return {
        "format": 1,
        "monitors": [
            {"key": "api/http", "name": "api: health", "type": "http", "parent": "api", "url": url},
            {
                "key": "api/login",
                "name": "api: login",
                "type": "http",
                "parent": "api",
                "url": url,
                "notify": ["watch"],
            },
            {"key": "api", "name": "api", "type": "group"},
            {"key": "cache", "name": "cache", "type": "port", "hostname": host, "port": int(port or 80)},
        ],
        "notifications": [
            {
                "key": "watch",
                "name": "lookout: watch the watchers",
                "type": "slack",
                "settings": {"slackwebhookURL": {"secret": "slack_ops"}, "slackchannel": ""},
            }
        ],
        "status_page": {
            "slug": "status",
            "title": "acme",
            "groups": [{"name": "Services", "monitors": ["api/http", "cache"]}],
        },
    }


def write_secrets(directory: Path) -> Path:
    """A secrets directory with what the sample needs."""
    directory.mkdir(mode=0o700, exist_ok=True)
    (directory / "kuma_admin_password").write_text(PASSWORD + "\n")
    (directory / "slack_ops").write_text(SLACK_URL + "\n")
    return directory


def write_file(path: Path, content: dict[str, Any]) -> Path:
    """The file as the compiler would leave it."""
    path.write_text(json.dumps(content))
    return path


def desired_from(content: dict[str, Any], directory: Path) -> Desired:
    """The file's content with its secrets resolved."""
    return resolve_channels(parse_monitors(json.dumps(content).encode()), write_secrets(directory))


def held(desired: Desired) -> LiveState:
    """A server on which `desired` has been applied: notifications from id 1, monitors from 11, the page 31."""
    channels = tuple(_held_channel(10 - n, c) for n, c in enumerate(desired.channels))
    ids = {m.key: n for n, m in enumerate(desired.monitors, 11)}
    bound = {c.key: c.id for c in channels if c.key}
    monitors = tuple(_held_monitor(m, ids, bound) for m in desired.monitors)
    page = desired.page
    if page is None:
        return LiveState(monitors, channels)
    config = {"id": 31, "slug": page.slug, "title": page.title, "customCSS": page_css(None, page.slug)}
    groups = tuple((g.name, tuple(ids[key] for key in g.monitors)) for g in page.groups)
    return LiveState(monitors, channels, (LivePage(page.slug, page.slug, config, groups),))


def _held_channel(id_: int, channel: KumaChannel) -> LiveChannel:
    config = {
        name: value if isinstance(value, str) else value.get_secret_value() for name, value in channel.config.items()
    }
    return LiveChannel(id_, channel.key, channel.name, config)


def _held_monitor(monitor: Monitor, ids: dict[str, int], bound: dict[str, int]) -> LiveMonitor:
    parent = ids[monitor.parent] if monitor.parent else None
    fields = {**monitor_fields(monitor), "description": mark(monitor.key), "resendInterval": 3}
    notified = frozenset(bound[key] for key in monitor.notify)
    return LiveMonitor(ids[monitor.key], monitor.key, parent, True, notified, fields)
