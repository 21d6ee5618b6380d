"""The Site: everything that services.yaml means, complete, sorted and with every default filled in.

Renderers see only these values. Nothing here reads, writes, defaults or decides. Durations are whole seconds,
sizes whole bytes, ratios floats from 0 to 1. Its values have three modules, by what they are about: what packs bring
(`brought`), what is watched (`watched`), and here the stack. They are imported from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from generator.channels.channel import Channel
from generator.conventions import Severity
from generator.parts.part import Word
from generator.parts.table import WORDS
from generator.site.brought import (
    Alert,
    Credential,
    CredentialForm,
    CustomAlert,
    Datasource,
    Exporter,
    PackInstance,
    Panel,
    PanelType,
    ParamValue,
    Query,
    Record,
    Row,
    Runbook,
    Threshold,
)
from generator.site.tls import Tls
from generator.site.watched import (
    Dsn,
    EndpointBudget,
    Errors,
    Excluded,
    Logs,
    Monitor,
    Need,
    Objective,
    Probe,
    ScrapeJob,
    Service,
    UrlQuery,
)
from generator.values.secret import SecretRef

__all__ = [
    "Alert",
    "Budget",
    "Credential",
    "CredentialForm",
    "CustomAlert",
    "Datasource",
    "Dsn",
    "EndpointBudget",
    "Errors",
    "Excluded",
    "Exporter",
    "Logs",
    "Monitor",
    "Need",
    "Objective",
    "PackInstance",
    "Panel",
    "PanelType",
    "ParamValue",
    "Person",
    "Probe",
    "Query",
    "Record",
    "Row",
    "Runbook",
    "ScrapeJob",
    "Service",
    "Site",
    "Stack",
    "Threshold",
    "Timing",
    "Tls",
    "UrlQuery",
]


@dataclass(frozen=True, slots=True)
class Person:
    """A person who owns services. `channel` is None without a personal channel."""

    name: str
    channel: Channel | None


@dataclass(frozen=True, slots=True)
class Timing:
    """The terms of the detection sum, in seconds."""

    scrape_interval: int
    scrape_timeout: int
    evaluation_interval: int
    slow_interval: int
    group_wait: int
    group_interval: int
    repeat_interval: int


@dataclass(frozen=True, slots=True)
class Stack:
    """The monitoring stack itself. `domain` is empty without one; `base_url` never ends in a slash; `errors` is whether
    Bugsink runs; `containers` whether Docker is asked about its containers; `keep_metrics` are
    patterns of names that are stored though nothing reads them."""

    name: str
    domain: str
    environment: str
    base_url: str
    status_url: str
    retention_metrics: int
    retention_logs: int
    memory: int
    disk: int
    timing: Timing
    errors: bool = False
    traces: bool = False
    retention_traces: int = 0
    containers: bool = False
    keep_metrics: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[Word, ...]:
        """The words that switch parts on and that stand here."""
        return tuple(word for word in WORDS if getattr(self, word))


@dataclass(frozen=True, slots=True)
class Budget:
    """How the machine's memory and disk are shared out, in bytes, by compose service name."""

    memory: Mapping[str, int]
    metrics_disk: int
    logs_disk: int
    queue_disk: int
    errors_disk: int = 0


@dataclass(frozen=True, slots=True)
class Site:
    """The whole: what all renderers are given."""

    stack: Stack
    budget: Budget
    people: Mapping[str, Person]
    channels: Mapping[str, Channel]
    notify: Mapping[Severity, tuple[str, ...]]
    watchdog: SecretRef | None
    services: tuple[Service, ...]
    monitors: tuple[Monitor, ...]
    named: Mapping[str, Service] = field(init=False, repr=False, compare=False)
    """The services by name."""
    alerts: tuple[Alert, ...] = field(init=False, repr=False, compare=False)
    """Every alert of the site, by service, then pack."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "named", {service.name: service for service in self.services})
        object.__setattr__(self, "alerts", tuple(alert for each in self.services for alert in each.alerts))
