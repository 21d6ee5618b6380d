"""What is watched: services with their scrape jobs, probes, monitors, logs and objectives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from generator.conventions import Severity
from generator.diagnostics import Span
from generator.site.brought import Alert, CustomAlert, PackInstance
from generator.site.tls import Tls
from generator.values.secret import SecretRef

# What the query of an address asks, by name, sorted by the names: Prometheus writes it out in that order.
UrlQuery = tuple[tuple[str, tuple[str, ...]], ...]


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
    `outages`: time in which the service is down is bad too.
    """

    name: str
    target: float
    events: str
    bad: str
    total: str
    limit: float
    plans: tuple[tuple[str, float], ...]
    series: tuple[Mapping[str, str], ...]
    outages: bool = False

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
class Excluded:
    """An endpoint whose requests do not count; without a method, all of the route. `*` in a route is anything."""

    method: str
    route: str


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a service has to export, its name in messages, and the alerts that cannot fire without it.

    A metric alone; a label of it; or a bucket that ends `above` or `below` (`side`) a limit.
    """

    missing: str
    metric: str
    label: str = ""
    side: str = ""
    limit: float = 0.0
    alerts: tuple[str, ...] = ()

    @property
    def is_metric(self) -> bool:
        """Whether it is the metric itself."""
        return not self.label


@dataclass(frozen=True, slots=True)
class Service:
    """One watched thing: an app, a data store, a host, or the monitoring stack itself.

    `user` and `tls` are for the exporter that asks `address`; `insecure` is why plain text may leave local networks.
    `witnesses` show that it works while its exporter fails: of a store, the services that use it and report whether it
    answers, under one of the names in `called`; of a host, the jobs that scrape something on it. `used_by` are the
    kinds of the services that use it, and its own.
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
    excluded: tuple[Excluded, ...] = ()
    critical: bool = False
    on_other_host: bool = False
    witnesses: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    """What its targets have to export."""
    severity: Mapping[str, Severity] = field(default_factory=dict)
    """Of single alerts, by name, where it is not the pack's."""
    alerts: tuple[Alert, ...] = field(init=False, repr=False, compare=False)
    """All alerts of all packs, in pack order."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "alerts", tuple(alert for pack in self.packs for alert in pack.alerts))
