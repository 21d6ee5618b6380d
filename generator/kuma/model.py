"""What Uptime Kuma should hold, as values: the shape of the rendered file `uptime-kuma/monitors.json`.

Owns that shape alone. It knows neither the server nor its field names (see wire), and it never holds a
secret: only the names of the files in which secrets are.

    {"format": 1,
     "monitors": [{"key": "api", "name": "api", "type": "group"},
                  {"key": "api/http", "name": "api: https://api.acme.dev", "type": "http",
                   "parent": "api", "url": "https://api.acme.dev", "notify": []}],
     "notifications": [{"key": "watch", "name": "lookout: watch the watchers", "type": "slack",
                        "settings": {"slackwebhookURL": {"secret": "slack_ops"}}}],
     "status_page": {"slug": "status", "title": "acme",
                     "groups": [{"name": "Services", "monitors": ["api/http"]}]}}
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

_STRICT: Final = ConfigDict(extra="forbid")
# Uptime Kuma up to 2.0 refuses shorter intervals.
_MIN_INTERVAL: Final = 20
# No white space: the key stands in a monitor's description, among other words.
Key = Annotated[str, Field(pattern=r"^\S+$", max_length=500)]
Name = Annotated[str, Field(min_length=1)]
Interval = Annotated[int, Field(ge=_MIN_INTERVAL, le=86400)]
Port = Annotated[int, Field(ge=1, le=65535)]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class SecretFile:
    """The name of a file in secrets/, never its content."""

    secret: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class _Monitor:
    """What every monitor has. `max_retries` 1 means: two failures in a row before DOWN."""

    key: Key
    name: Name
    parent: Key | None = None
    interval: Interval = 60
    retry_interval: Interval = 60
    max_retries: Annotated[int, Field(ge=0, le=100)] = 1
    notify: tuple[Key, ...] = ()


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class GroupMonitor(_Monitor):
    """A folder of monitors: down when one of its children is."""

    type: Literal["group"]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class _Check(_Monitor):
    """What every monitor has that asks something itself. `timeout` is in seconds."""

    timeout: Annotated[int, Field(ge=1, le=300)] = 10


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class HttpMonitor(_Check):
    """A GET of a URL that must answer with an accepted status."""

    type: Literal["http"]
    url: Annotated[str, Field(pattern=r"^https?://\S+$")]
    accepted_statuscodes: Annotated[tuple[str, ...], Field(min_length=1)] = ("200-299",)


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class PortMonitor(_Check):
    """A TCP connection."""

    type: Literal["port"]
    hostname: Name
    port: Port


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class DnsMonitor(_Check):
    """A DNS question to one resolver."""

    type: Literal["dns"]
    hostname: Name
    dns_resolve_type: Literal["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"] = "A"
    dns_resolve_server: Name = "1.1.1.1"
    port: Port = 53


Monitor = Annotated[GroupMonitor | HttpMonitor | PortMonitor | DnsMonitor, Field(discriminator="type")]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Notification:
    """Where Uptime Kuma itself sends messages. `settings` have Kuma's own names, which differ with the type."""

    key: Key
    name: Name
    type: Name
    settings: Annotated[Mapping[str, str | SecretFile], Field(min_length=1)]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class PageGroup:
    """A heading of the status page and the keys of the monitors under it, in order."""

    name: Name
    monitors: tuple[Key, ...]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class StatusPage:
    """A public page at /status/<slug>."""

    slug: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=150)]
    title: Name
    groups: tuple[PageGroup, ...] = ()


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class MonitorsFile:
    """The whole file, its references checked."""

    format: Literal[1]
    monitors: tuple[Monitor, ...]
    notifications: tuple[Notification, ...] = ()
    status_page: StatusPage | None = None
