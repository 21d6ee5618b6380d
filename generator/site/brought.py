"""What packs bring to a service: alerts, records, panels, runbooks and exporters, final and rendered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from generator.conventions import FailureMode, Fault, Severity
from generator.diagnostics import Span
from generator.promql.text import Limit
from generator.site.tls import Tls
from generator.values.secret import SecretRef

Datasource = Literal["prometheus", "loki"]
PanelType = Literal["stat", "timeseries", "table", "heatmap", "logs", "gauge", "text"]
ParamValue = float | int | str | bool
# For a DSN: the address, the user and the password. For a password: its address.
# tls.ca: the certificates that are trusted instead of the public ones.
CredentialForm = Literal["dsn.address", "dsn.user", "dsn.password", "password.by_address", "tls.ca"]


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
