"""The Site: everything that services.yaml means, complete, sorted and with every default filled in.

Renderers see only these values. Nothing here reads, writes, defaults or decides. Durations are whole seconds,
sizes whole bytes, ratios floats from 0 to 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from generator.channels.channel import Channel
from generator.conventions import FailureMode, Fault, Severity
from generator.diagnostics import Span
from generator.parts.table import WORDS, Word
from generator.promql.text import Limit
from generator.values.secret import SecretRef

Datasource = Literal["prometheus", "loki"]
PanelType = Literal["stat", "timeseries", "table", "heatmap", "logs", "gauge", "text"]
ParamValue = float | int | str | bool
# What the query of an address asks, by name, sorted by the names: Prometheus writes it out in that order.
UrlQuery = tuple[tuple[str, tuple[str, ...]], ...]
# For a DSN: the address, the user and the password. For a password: its address.
# tls.ca: the certificates that are trusted instead of the public ones.
CredentialForm = Literal["dsn.address", "dsn.user", "dsn.password", "password.by_address", "tls.ca"]


@dataclass(frozen=True, slots=True)
class Tls:
    """A connection over TLS: the trusted authority (the public ones, without `ca`), and which name the certificate has
    to carry (the host's, without `server_name`)."""

    ca: SecretRef | None = None
    server_name: str = ""
    verify: bool = True


# --- what packs bring to a service -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert rule of one service, its expression final PromQL.

    `shape` stands for all that its pack makes of a service, names apart: alerts of one name and one shape are alike.
    """

    name: str
    service: str
    pack: str
    expr: str
    for_seconds: int
    keep_firing_seconds: int
    severity: Severity
    owner: str
    fault: Fault
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    evaluation_interval: int
    panel: str
    shape: str
    origin: Span
    detects: tuple[FailureMode, ...] = ()
    inhibited_by: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One recording rule."""

    name: str
    service: str
    pack: str
    expr: str
    labels: Mapping[str, str]
    evaluation_interval: int
    origin: Span


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel. `expr` may hold Grafana's $variables; `legend` is Grafana's legend format."""

    expr: str
    legend: str = ""
    datasource: Datasource = "prometheus"
    instant: bool = False


@dataclass(frozen=True, slots=True)
class Threshold:
    """A line drawn in a panel, at exactly the value that an alert uses."""

    value: float
    colour: Literal["green", "yellow", "orange", "red"]
    alert: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `empty_reason` is None when the panel must show data, else the sentence saying why it may not."""

    slug: str
    title: str
    description: str
    type: PanelType
    unit: str
    queries: tuple[Query, ...]
    thresholds: tuple[Threshold, ...] = ()
    empty_reason: str | None = None
    width: int = 8
    height: int = 8
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None
    stacked: bool = False
    mappings: Mapping[str, str] | None = None
    alerts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A titled row of panels; a collapsed one asks nothing until it is opened."""

    title: str
    panels: tuple[Panel, ...]
    collapsed: bool = False


@dataclass(frozen=True, slots=True)
class Runbook:
    """The runbook of one alert of one service, as finished Markdown."""

    service: str
    alert: str
    markdown: str


@dataclass(frozen=True, slots=True)
class Credential:
    """One file that an exporter reads of a secret: the variable that names it, and which part of the secret it holds,
    in which form. `address` is what the exporter queries, `user` its login, if the secret does not have it. `plain`:
    the service says that its way needs no TLS."""

    variable: str
    form: CredentialForm
    secret: SecretRef
    address: str
    user: str = ""
    tls: Tls | None = None
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Exporter:
    """A container that turns a service's own protocol into /metrics: what compose must run for a pack."""

    name: str
    image: str
    port: int
    environment: Mapping[str, str]
    command: tuple[str, ...]
    memory: int
    credentials: tuple[Credential, ...] = ()
    listen: str = "--web.listen-address"


@dataclass(frozen=True, slots=True)
class CustomAlert:
    """An alert that a service's owner wrote in services.yaml, complete and checked.

    `measured` is the part of `expr` whose value is shown, `limit` the one number that it is compared with, if it
    is one. `case` is how it is proven, as tests.yaml has it.
    """

    name: str
    expr: str
    measured: str
    limit: Limit | None
    for_seconds: int
    keep_firing_seconds: int
    severity: Severity
    fault: Fault
    detects: tuple[FailureMode, ...]
    summary: str
    description: str
    unit: str
    runbook: str
    case: Mapping[str, object]
    origin: Span


@dataclass(frozen=True, slots=True)
class PackInstance:
    """A pack applied to one service: its parameters final, its rules and panels rendered."""

    pack: str
    params: Mapping[str, ParamValue]
    alerts: tuple[Alert, ...]
    records: tuple[Record, ...]
    rows: tuple[Row, ...]
    runbooks: tuple[Runbook, ...]
    exporter: Exporter | None = None


# --- what is watched ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScrapeJob:
    """One Prometheus scrape job. `targets` are (address, instance label) pairs.

    Of what begins like `own_metrics`, that is stored which a rule or a panel reads. All else is stored too if
    `keeps_others`, or if there are no `own_metrics`.
    """

    name: str
    service: str
    targets: tuple[tuple[str, str], ...]
    scheme: Literal["http", "https"]
    path: str
    interval: int
    timeout: int
    environment: str
    token: SecretRef | None = None
    basic_user: str = ""
    basic_password: SecretRef | None = None
    probe_module: str = ""
    relabel: tuple[Mapping[str, object], ...] = ()
    sample_limit: int = 0
    labels: Mapping[str, str] | None = None
    tls: Tls | None = None
    query: UrlQuery = ()
    own_metrics: tuple[str, ...] = ()
    keeps_others: bool = False


@dataclass(frozen=True, slots=True)
class Probe:
    """One blackbox probe of a service: what is asked, and the module that asks it.

    `target` is what the blackbox exporter is given (a URL, host:port, or a DNS server). `expect` are the statuses that
    count as an answer; without any, all from 200 to 299.
    """

    service: str
    module: str
    kind: Literal["http", "tcp", "tls", "dns"]
    target: str
    dns_name: str = ""
    dns_type: str = ""
    expect: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Monitor:
    """One Uptime Kuma monitor. `key` is stable for good: it is how the reconciler knows its own."""

    key: str
    name: str
    type: Literal["http", "port", "dns", "group"]
    url: str = ""
    hostname: str = ""
    port: int = 0
    parent: str = ""
    interval: int = 60
    retries: int = 1
    notify: tuple[str, ...] = ()
    dns_type: str = "A"
    expect: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Logs:
    """Where a service's log lines come from. `file` is set for mode `file`."""

    mode: Literal["docker", "file", "push", "none"]
    file: str = ""


@dataclass(frozen=True, slots=True)
class Errors:
    """Where a service's error reports go: the address (DSN) is in a secret.

    In Bugsink it has a project, known by its number; `address` is the DSN with {key} where its key belongs. A DSN of
    the user's own has neither.
    """

    dsn: SecretRef
    project: int = 0
    address: str = ""


@dataclass(frozen=True, slots=True)
class Dsn:
    """What an exporter logs in to a database with. `made` is the DSN that is made when there is none, with {key} where
    its password belongs."""

    secret: SecretRef
    made: str


@dataclass(frozen=True, slots=True)
class Objective:
    """An objective of a service: a share of at least `target` of its events is good.

    `bad` and `total` count events over `<<window>>`. `limit` is the time within which an event is good, 0 without one.
    `plans` are targets for groups of customers, by name. `series` is what a proof feeds it, as tests.yaml has it.
    """

    name: str
    target: float
    events: str
    bad: str
    total: str
    limit: float
    plans: tuple[tuple[str, float], ...]
    series: tuple[Mapping[str, str], ...]

    @property
    def budget(self) -> float:
        """The share of events that may be bad."""
        return round(1 - self.target, 12)


@dataclass(frozen=True, slots=True)
class EndpointBudget:
    """How long one endpoint may take, at the 95th percentile, in seconds."""

    method: str
    handler: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Service:
    """One watched thing: an app, a data store, a host, or the monitoring stack itself.

    `user` and `tls` are for the exporter that asks `address`; `insecure` is why plain text may leave local networks.
    """

    name: str
    kinds: tuple[str, ...]
    owner: str
    environment: str
    targets: tuple[str, ...]
    address: str
    url: str
    uses: tuple[str, ...]
    host: str
    detect_within: int
    logs: Logs
    token: SecretRef | None
    off: tuple[str, ...]
    origin: Span
    errors: Errors | None = None
    dsn: Dsn | None = None
    password: SecretRef | None = None
    user: str = ""
    tls: Tls | None = None
    insecure: str = ""
    secrets: tuple[SecretRef, ...] = ()
    jobs: tuple[ScrapeJob, ...] = ()
    probes: tuple[Probe, ...] = ()
    packs: tuple[PackInstance, ...] = ()
    own: tuple[CustomAlert, ...] = ()
    objectives: tuple[Objective, ...] = ()
    slo_window: int = 0
    budgets: tuple[EndpointBudget, ...] = ()
    critical: bool = False
    alerts: tuple[Alert, ...] = field(init=False, repr=False, compare=False)
    """All alerts of all packs, in pack order."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "alerts", tuple(alert for pack in self.packs for alert in pack.alerts))


# --- receivers --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    """A person who owns services. `channel` is None without a personal channel."""

    name: str
    channel: Channel | None


# --- the stack ----------------------------------------------------------------------------------------------


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
