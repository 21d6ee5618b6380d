"""The shape of a pack's files, as pydantic models.

Owns what may be written in pack.yaml, rules.yaml and panels.yaml, and nothing of what it means:
placeholders are still placeholders here. A key that is not listed is an error.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from generator import units
from generator.conventions import FailureMode, Fault, Severity
from generator.site.model import CredentialForm, PanelType

ParamType = Literal["ratio", "duration", "number", "bytes", "text"]

ALERT_NAME: Final = r"^[A-Z][A-Za-z0-9]{2,60}$"
SLUG: Final = r"^[a-z][a-z0-9-]{1,40}$"
WORD: Final = r"^[a-z][a-z0-9_]{0,40}$"


_PARSERS: Final[dict[str, Callable[[str], float]]] = {
    "ratio": units.parse_ratio,
    "duration": units.parse_seconds,
    "bytes": units.parse_bytes,
}


def parse_value(kind: ParamType, raw: str | int | float) -> float | int | str:
    """A value as packs write it -> ratio, seconds, bytes, number or text. Raises ValueError with a sentence."""
    if kind == "text":
        return str(raw)
    if kind == "number":
        return units.parse_number(raw) if isinstance(raw, str) else raw
    if not isinstance(raw, str):
        raise ValueError(units.missing_unit(kind, raw))
    return _PARSERS[kind](raw)


def _as_text(value: Any) -> Any:
    """Numbers are welcome where an expression may stand: `level: 0` works like `level: "<<limit>>"`."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Text = Annotated[str, Field(min_length=1)]
Expression = Annotated[str, BeforeValidator(_as_text), Field(min_length=1)]


class PackModel(BaseModel):
    """A mapping in a pack's file: nothing unknown, nothing converted, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


# --- pack.yaml ----------------------------------------------------------------------------------------------


class ParamSpec(PackModel):
    """A threshold or another knob that services.yaml may set. `holds`: what a text consists of."""

    type: ParamType
    default: str | int | float
    why: Text
    unit: str = ""
    holds: Literal["", "words", "pattern", "matchers", "queues"] = ""
    min: str | int | float | None = None
    max: str | int | float | None = None

    @model_validator(mode="after")
    def _readable(self) -> "ParamSpec":
        for value in (self.default, self.min, self.max):
            if value is not None:
                parse_value(self.type, value)
        return self


class Signal(PackModel):
    """A named expression. `<<window>>` inside stands for the range; `window` is the one used in rules."""

    expr: Text
    unit: Text
    help: Text
    window: str = "5m"


class Requirement(PackModel):
    """Metrics that the pack cannot work without, and which program in which version exports them.

    labels: of a metric, those that its rules read. may_be_absent: why one of the metrics alone may not be there
    although all is well; then only all metrics of the service together are missing.
    """

    exporter: Text
    version: Expression
    metrics: list[Text] = Field(min_length=1)
    labels: dict[str, list[Annotated[str, Field(pattern=WORD)]]] = {}
    may_be_absent: Text | None = None

    @model_validator(mode="after")
    def _known(self) -> "Requirement":
        for metric in self.labels.keys() - set(self.metrics):
            raise ValueError(f"labels: '{metric}' is none of its metrics")
        return self


class OneOf(PackModel):
    """Programs that export the same: one of them has to be there, so what all of them export is needed."""

    one_of: list[Requirement] = Field(min_length=2)

    @model_validator(mode="after")
    def _same(self) -> "OneOf":
        if not set.intersection(*(set(each.metrics) for each in self.one_of)):
            raise ValueError("one_of: these programs have no metric in common; say so as requirements of their own")
        return self


class ExporterSpec(PackModel):
    """The container that speaks the service's protocol, when the service has no /metrics of its own.

    files: environment variables that name a file, and which part of the service's secret the file holds.
    listen: its flag for the address on which it listens.
    """

    image: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]+$")]
    port: Annotated[int, Field(gt=0, lt=65536)]
    memory: Text
    environment: dict[str, str] = {}
    files: dict[Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]+$")], CredentialForm] = {}
    command: list[str] = []
    listen: Annotated[str, Field(pattern=r"^--?[a-z][a-z0-9._-]*$")] = "--web.listen-address"


class IndicatorSpec(PackModel):
    """What an objective of this name counts: `total` events, `bad` ones among them, as counts over `<<window>>`.

    outages: time in which the service is down is bad, because its events cannot be counted.
    limit: the objective gives a time within which an event is good: `<<limit>>` in the expressions. histogram: whose
    bucket has to have an edge there. series: what a proof feeds it, with `<<bad>>` the share of bad events and
    `<<traffic>>` all of them a second, in the notation of tests.yaml.
    """

    events: Text
    total: Text
    bad: Text
    outages: bool = False
    limit: bool = False
    histogram: str = ""
    series: list[dict[str, str]] = Field(min_length=1)


class PackFile(PackModel):
    """pack.yaml. `fails_by`: the failure modes that a service of this kind has, and that an alert must cover. `events`:
    alerts that something else than a rule makes; each has its runbook. `own_metrics`: how the names begin of what the
    exporter prints; of these, Prometheus stores what a rule or a panel reads."""

    title: Text
    needs: list[Literal["targets", "address", "url", "dsn"]] = []
    fails_by: list[FailureMode] = []
    based_on: str = ""
    events: list[Annotated[str, Field(pattern=ALERT_NAME)]] = []
    params: dict[Annotated[str, Field(pattern=WORD)], ParamSpec] = {}
    signals: dict[Annotated[str, Field(pattern=WORD)], Signal] = {}
    indicators: dict[Annotated[str, Field(pattern=WORD)], IndicatorSpec] = {}
    requires: list[Requirement | OneOf] = []
    exporter: ExporterSpec | None = None
    relabel: list[dict[str, Any]] = []
    own_metrics: list[Annotated[str, Field(pattern=r"^[a-z]+_$")]] = []

    @property
    def programs(self) -> list[Requirement]:
        """Every program that is named under `requires`, alternatives included."""
        return [each for one in self.requires for each in (one.one_of if isinstance(one, OneOf) else [one])]


# --- rules.yaml ---------------------------------------------------------------------------------------------


class RecordSpec(PackModel):
    """A recording rule. `every`: how often it is evaluated, when not as often as the alerts. `when`: as of alerts."""

    name: Annotated[str, Field(pattern=r"^[a-z_]+(:[a-z0-9_]+)+$")]
    expr: Text
    labels: dict[str, str] = {}
    every: Expression = "0s"
    when: str = ""


class AlertSpec(PackModel):
    """An alert rule. `when` is an expression over params and the service: false means not rendered.

    detects: the failure modes that it covers. inhibited_by: the alert of this pack that says the same of the same
    thing, more severely.
    """

    name: Annotated[str, Field(pattern=ALERT_NAME)]
    severity: Severity
    fault: Fault
    expr: Text
    hold: Expression = Field("0s", alias="for")
    keep_firing_for: Expression = "0s"
    summary: Text
    description: Text
    panel: Annotated[str, Field(pattern=SLUG)]
    detects: list[FailureMode] = []
    inhibited_by: Annotated[str, Field(pattern=ALERT_NAME)] | None = None
    labels: dict[str, str] = {}
    when: str = ""


class RulesFile(PackModel):
    """rules.yaml."""

    records: list[RecordSpec] = []
    alerts: list[AlertSpec] = Field(min_length=1)


# --- panels.yaml --------------------------------------------------------------------------------------------


class QuerySpec(PackModel):
    """A query of a panel: a signal by name, or an expression."""

    signal: str = ""
    expr: str = ""
    legend: str = ""
    datasource: Literal["prometheus", "loki"] = "prometheus"
    instant: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> "QuerySpec":
        if bool(self.signal) == bool(self.expr):
            raise ValueError("a query has either a signal or an expr")
        return self


class ThresholdSpec(PackModel):
    """A line at the value of one of the pack's params."""

    param: str
    colour: Literal["green", "yellow", "orange", "red"]
    alert: str


class MayBeEmpty(PackModel):
    """Why a panel may have nothing to show."""

    may_be_empty: Text


class PanelSpec(PackModel):
    """One panel. `expect` says whether it must show data on a running system."""

    id: Annotated[str, Field(pattern=SLUG)]
    title: Text
    description: Text
    type: PanelType
    unit: Text
    queries: list[QuerySpec] = Field(min_length=1)
    expect: Literal["data"] | MayBeEmpty
    alerts: list[str] = []
    thresholds: list[ThresholdSpec] = []
    width: Annotated[int, Field(ge=2, le=24)] = 8
    height: Annotated[int, Field(ge=2, le=24)] = 8
    min: float | None = None
    max: float | None = None
    decimals: int | None = None
    stacked: bool = False
    mappings: dict[str, str] | None = None
    when: str = ""


class RowSpec(PackModel):
    """A titled row."""

    title: Text
    panels: list[PanelSpec] = Field(min_length=1)
    collapsed: bool = False


class PanelsFile(PackModel):
    """panels.yaml."""

    rows: list[RowSpec] = Field(min_length=1)
