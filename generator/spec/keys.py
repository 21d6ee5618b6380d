"""services.yaml as the user typed it: shape only, no defaults, no cross-references.

The models are also where the reference page and the JSON Schema come from, so every field says what it is for.
Errors come back as Diagnostics with the place of the key or value that is wrong.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError

from generator import units
from generator.conventions import FailureMode, Fault, Severity
from generator.diagnostics import Problems
from generator.site.model import SecretRef
from generator.source.read import Source
from generator.spec.shape import shape_problem

NAME_PATTERN: Final = r"[a-z][a-z0-9_-]{0,31}"
ALERT_PATTERN: Final = r"[A-Z][A-Za-z0-9]{2,60}"


def _text_parser(parse: Callable[[str], Any], example: str) -> BeforeValidator:
    def convert(value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            message = "{value} needs a unit; write for example {example}"
            raise PydanticCustomError("spec/wrong-type", message, {"value": value, "example": example})
        if not isinstance(value, str):
            raise PydanticCustomError("spec/wrong-type", "this should be text such as {example}", {"example": example})
        try:
            return parse(value)
        except ValueError as error:
            raise PydanticCustomError("spec/bad-value", "{reason}", {"reason": str(error)}) from error

    return BeforeValidator(convert)


def _parse_secret(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith("secret:"):
        raise PydanticCustomError(
            "spec/plain-secret",
            "a secret is never written here; write secret:NAME and put the value into the file secrets/NAME",
        )
    name = value.removeprefix("secret:")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
        raise PydanticCustomError(
            "spec/plain-secret",
            "after secret: comes the name of a file in secrets/, in lower-case letters, digits and _",
        )
    return SecretRef(name)


def _parse_scalar(value: Any) -> Any:
    if not isinstance(value, str | int | float):
        raise PydanticCustomError("spec/wrong-type", "a parameter is a single value, such as 5% or 500ms")
    return value


def _parse_duration(text: str) -> int:
    seconds = units.parse_duration(text)
    if seconds == 0:
        raise ValueError(f"'{text}' is no time at all; write at least 1s")
    return seconds


def _parse_latency(text: str) -> float:
    seconds = units.parse_seconds(text)
    if seconds == 0:
        raise ValueError(f"'{text}' is no time at all; write at least 1ms")
    return seconds


def _form(pattern: str, sentence: str) -> BeforeValidator:
    """Text of a form that is told in words; `sentence` follows the text that was written."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(pattern, value):
            # An address with a login is a secret, with a scheme or without one.
            shown = re.sub(r"\S+@", "…@", value)
            raise PydanticCustomError("spec/bad-value", "'{value}' {sentence}", {"value": shown, "sentence": sentence})
        return value

    return BeforeValidator(check)


def _as_list(value: Any) -> Any:
    if not isinstance(value, str | list):
        raise PydanticCustomError("spec/wrong-type", "this should be a name or a list of names")
    return [value] if isinstance(value, str) else value


def _as_logs(value: Any) -> Any:
    return {"mode": value} if isinstance(value, str) else value


def _as_objective(value: Any) -> Any:
    return value if isinstance(value, dict) else {"objective": value}


def _as_runbook(value: Any) -> Any:
    return {"mitigation": value} if isinstance(value, str) else value


def _as_telegram(value: Any) -> Any:
    if isinstance(value, str):
        raise PydanticCustomError("spec/wrong-type", "a Telegram chat's id is a number, such as 123456 or -100123456")
    return {"chat": value} if isinstance(value, int) and not isinstance(value, bool) else value


def _as_tls(value: Any) -> Any:
    if isinstance(value, bool):
        if value:
            return {}
        raise PydanticCustomError("spec/bad-value", "where there is no TLS, leave tls out")
    return value


def _parse_reason(value: Any) -> Any:
    if not isinstance(value, str) or not re.search(r"[^\W\d_]{2}", value):
        example = 'insecure: "over our WireGuard"'
        raise PydanticCustomError("spec/wrong-type", "say why plain text is safe on its way, such as {example}",
                                  {"example": example})  # fmt: skip
    return " ".join(value.split())


def _schema(kind: str, **extra: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": kind, **extra})


class _Or:
    """In the JSON Schema: the model itself, or one of these shorthands of it."""

    def __init__(self, *shorthands: dict[str, Any]) -> None:
        self.shorthands = shorthands

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [*self.shorthands, handler(core)]}


Duration = Annotated[int, _text_parser(_parse_duration, "30s or 90d"), _schema("string", pattern=r"^(\d+[wdhms])+$")]
Size = Annotated[
    int,
    _text_parser(units.parse_bytes, "512MiB or 4GiB"),
    _schema("string", pattern=r"^\d+(\.\d+)?\s*([kKMGT]i?)?B$"),
]
Ratio = Annotated[float, _text_parser(units.parse_ratio, "99.9%"), _schema("string", pattern=r"^\d+(\.\d+)?\s*%$")]
Latency = Annotated[
    float, _text_parser(_parse_latency, "300ms or 2s"), _schema("string", pattern=r"^(\d+ms|(\d+[wdhms])+)$")
]
Secret = Annotated[
    SecretRef, BeforeValidator(_parse_secret), _schema("string", pattern="^secret:[a-z][a-z0-9_]{0,63}$")
]
Reason = Annotated[str, BeforeValidator(_parse_reason), _schema("string", minLength=2)]
_DOMAIN: Final = r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+"
Domain = Annotated[
    str,
    _form(_DOMAIN, "is not a domain; write the bare name, such as mon.acme.dev"),
    _schema("string", pattern=f"^{_DOMAIN}$"),
]
_WEB_ADDRESS: Final = r"https?://[^\s/]+\S*"
WebAddress = Annotated[
    str,
    _form(_WEB_ADDRESS, "is not a web address; write it whole, such as https://acme.dev/health"),
    _schema("string", pattern=f"^{_WEB_ADDRESS}$"),
]
AbsolutePath = Annotated[
    str, _form(r"/\S*", "is not a path; a path starts with /"), _schema("string", pattern=r"^/\S*$")
]
_URL_PATH: Final = r"/[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]*"
UrlPath = Annotated[
    str,
    _form(_URL_PATH, "is not a path; it starts with /, and other than letters and digits stand as %7B"),
    _schema("string", pattern=f"^{_URL_PATH}$"),
]
Name = Annotated[str, Field(pattern=f"^{NAME_PATTERN}$")]
Names = Annotated[list[str], BeforeValidator(_as_list), _Or({"type": "string"})]
Status = Annotated[int, Field(ge=100, le=599)]

Scalar = Annotated[str | int | float | bool, BeforeValidator(_parse_scalar)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)


class RetentionSpec(_Model):
    """How long data is kept."""

    metrics: Duration | None = Field(default=None, description="How long metrics are kept. Default 90d.")
    logs: Duration | None = Field(default=None, description="How long log lines are kept. Default 30d.")
    traces: Duration | None = Field(default=None, description="How long traces are kept. Default 7d.")


class MachineSpec(_Model):
    """What the monitoring may use of the machine; limits and size-based retention follow from it."""

    memory: Size | None = Field(default=None, description="Memory for the whole stack. Default 2GiB.")
    disk: Size | None = Field(default=None, description="Disk for the whole stack. Default 40GiB.")


class StackSpec(_Model):
    """The monitoring stack itself."""

    name: Name | None = Field(default=None, description="A short name shown in messages. Default lookout.")
    domain: Domain | None = Field(
        default=None,
        description="The public name of this stack. Left out: everything listens on 127.0.0.1 only, without TLS.",
    )
    environment: Name | None = Field(default=None, description="The `environment` label. Default production.")
    errors: Literal["bugsink"] | None = Field(
        default=None,
        description="bugsink: run an error tracker, with a project for each app. Default: none runs.",
    )
    traces: Literal["tempo"] | None = Field(
        default=None,
        description="tempo: take the spans that apps send, and run a store for them. Default: nothing is traced.",
    )
    containers: bool | None = Field(
        default=None,
        description="false: nothing asks Docker about containers, and nothing mounts its socket. Default true.",
    )
    retention: RetentionSpec | None = Field(default=None, description="How long data is kept.")
    machine: MachineSpec | None = Field(default=None, description="What the stack may use of the machine.")
    owner: str | None = Field(default=None, description="Who looks after the stack: a name from `people`.")
    params: dict[str, Scalar] | None = Field(default=None, description="Thresholds of the stack's own alerts.")
    off: Names | None = Field(default=None, description="Alerts about the stack that you do not want.")


class SlackSpec(_Model):
    """A Slack incoming webhook."""

    channel: str = Field(default="", description="The channel's name, for people to read, such as #ops.")
    webhook: Secret | None = Field(
        default=None,
        description="The secret that holds the webhook's address. Default secret:slack_webhook.",
    )


class TelegramSpec(_Model):
    """A Telegram chat, reached through a bot of yours."""

    chat: int = Field(description="The chat's id; a group's is negative.")
    token: Secret | None = Field(
        default=None,
        description="The secret that holds the bot's token. Default secret:telegram_token.",
    )
    api: WebAddress | None = Field(default=None, description="Another Bot API server. Default Telegram's own.")
    insecure: Reason | None = Field(default=None, description="Why the token may travel to `api` unencrypted.")


Telegram = Annotated[TelegramSpec, BeforeValidator(_as_telegram), _Or({"type": "integer"})]


class ChannelSpec(_Model):
    """Where messages go: exactly one of `slack` and `telegram`."""

    slack: SlackSpec | None = Field(default=None, description="A Slack incoming webhook.")
    telegram: Telegram | None = Field(default=None, description="A Telegram chat; its id alone will do.")


class PersonSpec(_Model):
    """Somebody who owns services, and how to reach them personally."""

    slack: SlackSpec | None = Field(default=None, description="Their own Slack webhook.")
    telegram: Telegram | None = Field(default=None, description="Their own Telegram chat; its id alone will do.")


class NotifySpec(_Model):
    """Which severity goes where: names of channels, and `owner` for whoever owns the service."""

    critical: Names | None = Field(default=None, description="Pages. Default: every channel.")
    warning: Names | None = Field(default=None, description="What can wait until you sit down. Default: every channel.")
    info: Names | None = Field(default=None, description="For the record. Default: nowhere.")


class WatchdogSpec(_Model):
    """A dead man's switch outside this machine."""

    ping: Secret = Field(description="The secret that holds an address to post to every minute.")


class TlsSpec(_Model):
    """How a data store's certificate is checked."""

    ca: Secret | None = Field(
        default=None, description="The secret that holds the certificates to trust, in PEM. Default: the public ones."
    )
    insecure: bool | None = Field(
        default=None, description="true: any certificate will do, so that who is in the way can read all."
    )


class MetricsTlsSpec(TlsSpec):
    """How the certificate of an https target is checked."""

    server_name: Domain | None = Field(default=None, description="The name in its certificate. Default: the host.")


Tls = Annotated[TlsSpec, BeforeValidator(_as_tls), _Or({"const": True})]
MetricsTls = Annotated[MetricsTlsSpec, BeforeValidator(_as_tls), _Or({"const": True})]


class BasicAuthSpec(_Model):
    """A user and a password that an endpoint asks for."""

    username: str = Field(min_length=1, pattern=r"^[^:]+$", description="The user's name.")
    password: Secret = Field(description="The secret that holds the password.")


class MetricsSpec(_Model):
    """How a service's /metrics is reached."""

    token: Secret | None = Field(default=None, description="Bearer token that the endpoint asks for.")
    basic_auth: BasicAuthSpec | None = Field(default=None, description="User and password, where it asks for these.")
    tls: MetricsTls | None = Field(
        default=None, description="How the certificate of an https target is checked. Default: by its host's name."
    )
    path: UrlPath | None = Field(default=None, description="Default /metrics.")
    sample_limit: int | None = Field(default=None, gt=0, description="Samples a scrape may bring. Default 20000.")


class LogsSpec(_Model):
    """Where log lines come from."""

    mode: Literal["docker", "push", "none"] | None = Field(default=None, description="docker, push or none.")
    file: AbsolutePath | None = Field(default=None, description="A log file on this machine.")


Logs = Annotated[LogsSpec, BeforeValidator(_as_logs), _Or({"enum": ["docker", "push", "none"]})]


class ErrorsSpec(_Model):
    """Where error reports go."""

    mode: Literal["none"] | None = Field(default=None, description="none: nowhere.")
    dsn: Secret | None = Field(default=None, description="The secret that holds the DSN of another error tracker.")


ErrorsTo = Annotated[ErrorsSpec, BeforeValidator(_as_logs), _Or({"enum": ["none"]})]


class RunbookSpec(_Model):
    """What to do, by section; a section that is left out says what is known without it."""

    meaning: str | None = Field(default=None, description="What is the case when it fires.")
    impact: str | None = Field(default=None, description="Who notices, and what.")
    diagnosis: str | None = Field(default=None, description="How to find the cause: commands and queries, read-only.")
    mitigation: str | None = Field(default=None, description="What helps.")
    escalation: str | None = Field(default=None, description="Whom to call, and when.")


Runbook = Annotated[RunbookSpec, BeforeValidator(_as_runbook), _Or({"type": "string"})]
AlertName = Annotated[str, Field(pattern=f"^{ALERT_PATTERN}$")]


class OwnAlertSpec(_Model):
    """An alert of your own; docs/alerts-of-your-own.md has examples."""

    expr: str = Field(
        description="PromQL that is true while something is wrong. Selectors without a `service` get this one's."
    )
    hold: Duration | None = Field(
        default=None, alias="for", description="How long it has to be true. Default 5m; one scrape for an outage."
    )
    keep_firing_for: Duration | None = Field(
        default=None, description="How long it fires on after it was true. Default: not at all."
    )
    severity: Severity = Field(description="critical, warning or info.")
    fault: Fault | None = Field(
        default=None,
        description="outage (all of it is gone), symptom (users feel it) or cause (they will). Default cause.",
    )
    detects: list[FailureMode] | None = Field(default=None, description="The ways of failing that it covers.")
    summary: str = Field(
        min_length=1, description="The message's first line, with {{ $value | humanize }} and {{ $labels.NAME }} in it."
    )
    description: str | None = Field(default=None, description="What it means, in a sentence or two.")
    unit: str | None = Field(default=None, description="The value's unit: s, bytes, percentunit, reqps or a word.")
    runbook: Runbook | None = Field(default=None, description="What to do: a text, or one for each section.")
    proof: dict[str, Any] | None = Field(
        default=None, description="Series while all is well (healthy) and while it is not (broken), for its proof."
    )


class ObjectiveSpec(_Model):
    """One promise about events: a percentage of them is good. Two of good, bad and total say which they are, where no
    kind of the service does."""

    objective: Ratio = Field(description="The share of good events that is promised.")
    good: str | None = Field(default=None, description="A counter of good events: imports_total{result='ok'}.")
    bad: str | None = Field(default=None, description="A counter of bad events.")
    total: str | None = Field(default=None, description="A counter of all events.")


Objective = Annotated[
    ObjectiveSpec,
    BeforeValidator(_as_objective),
    _Or({"type": "string", "pattern": r"^\d+(\.\d+)?\s*%$"}),
]
Percentile = Annotated[str, Field(pattern=r"^p\d{2}(\.\d+)?$")]


class SloSpec(_Model):
    """What the service promised. Besides the keys below, any name with two of good, bad and total; docs/slo.md."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, arbitrary_types_allowed=True)
    __pydantic_extra__: dict[str, Objective]

    window: Duration | None = Field(default=None, description="What budgets are counted over: 7d to 30d. Default 30d.")
    availability: Objective | None = Field(
        default=None, description="The share of requests that do not fail; of probes, where nothing counts requests."
    )
    latency: dict[Percentile, Latency] | None = Field(
        default=None, description="{p95: 300ms}: 95% of the requests take no longer than that."
    )
    processing: Objective | None = Field(default=None, description="The share of tasks or messages that succeed.")
    reachability: Objective | None = Field(default=None, description="The share of probes of `url` that succeed.")
    plans: dict[Name, Ratio] | None = Field(
        default=None, description="What customers were promised of the availability, by plan: {free: 95%, pro: 99%}."
    )


class ServiceSpec(_Model):
    """One watched thing."""

    kind: Names = Field(description="The packs that apply: one name, or a list.")
    owner: str | None = Field(default=None, description="Who is responsible: a name from `people`.")
    targets: Names | None = Field(
        default=None,
        description="Where it is scraped (host:port or an https URL); for kind probe, what is probed "
        "(https://…, tcp://host:port, tls://host:port, dns://resolver/name).",
    )
    address: str | None = Field(default=None, description="host:port of a data store that an exporter asks.")
    dsn: Secret | None = Field(
        default=None,
        description="kind postgres: the secret with the DSN that its exporter logs in with. One for the role `lookout` "
        "is made unless you write your own; `lookout connect` prints the SQL that makes the role.",
    )
    password: Secret | None = Field(
        default=None,
        description="kind redis: the secret with its password. Yours to give, unless `secrets` has it made.",
    )
    user: str | None = Field(
        default=None, min_length=1, description="kind redis: as whom its exporter logs in. Default: the default user."
    )
    tls: Tls | None = Field(
        default=None, description="true: its exporter asks the data store over TLS; or {ca: secret:NAME}."
    )
    insecure: Reason | None = Field(
        default=None,
        description="Why its token or password may travel unencrypted beyond local addresses; every check repeats it.",
    )
    metrics: MetricsSpec | None = Field(default=None, description="How /metrics is reached.")
    url: WebAddress | None = Field(
        default=None,
        description="The public address: probed, and watched by Uptime Kuma.",
    )
    expect: list[Status] | None = Field(
        default=None, min_length=1, description="The HTTP statuses that its probes take for an answer. Default 2xx."
    )
    uses: Names | None = Field(default=None, description="Services that this one depends on.")
    host: str | None = Field(default=None, description="The host that it runs on: a name from `hosts`.")
    detect_within: Duration | None = Field(
        default=None,
        description="The longest time from a total outage to the message. Default 60s.",
    )
    tier: Literal["critical"] | None = Field(
        default=None,
        description="critical: a way in which it can fail and that no alert covers is an error, not a warning.",
    )
    errors: ErrorsTo | None = Field(
        default=None,
        description="none, or {dsn: secret:NAME} for another error tracker. Default: an app reports to stack.errors.",
    )
    secrets: list[Secret] | None = Field(
        default=None,
        description="Passwords and keys of its own: `make secrets` makes them, its container has them in /run/secrets.",
    )
    logs: Logs | None = Field(default=None, description="docker (the default), push, none, or {file: PATH}.")
    slo: SloSpec | None = Field(default=None, description="What the service promised: objectives with error budgets.")
    budgets: dict[str, Latency] | None = Field(
        default=None, description='How long single endpoints may take, at the 95th percentile: {"POST /analyze": 2s}.'
    )
    params: dict[str, Scalar] | None = Field(
        default=None, description="Thresholds that differ from the packs' defaults."
    )
    off: Names | None = Field(
        default=None,
        description="Alerts that this service does not want, and ways of failing that need none: `backup`.",
    )
    alerts: dict[AlertName, OwnAlertSpec] | None = Field(default=None, description="Alerts of your own, by name.")


class HostSpec(_Model):
    """One machine, watched through node exporter."""

    owner: str | None = Field(default=None, description="Who is responsible: a name from `people`.")
    address: str | None = Field(
        default=None, description="host:port of its node exporter. Default: this machine's own."
    )
    params: dict[str, Scalar] | None = Field(
        default=None, description="Thresholds that differ from the pack's defaults."
    )
    off: Names | None = Field(default=None, description="Alerts that this host does not want.")


class Spec(_Model):
    """The whole of services.yaml."""

    stack: StackSpec | None = Field(default=None, description="The monitoring stack itself.")
    people: dict[Name, PersonSpec | None] | None = Field(default=None, description="Who owns services.")
    channels: dict[Name, ChannelSpec] | None = Field(default=None, description="Where messages can go.")
    notify: NotifySpec | None = Field(default=None, description="Which severity goes where.")
    watchdog: WatchdogSpec | None = Field(default=None, description="A dead man's switch outside this machine.")
    services: dict[Name, ServiceSpec] = Field(description="What is watched.")
    hosts: dict[Name, HostSpec | None] | None = Field(default=None, description="The machines. Default: this one.")


def load_spec(source: Source) -> Spec:
    """The Spec in `source`. Raises Problems with every mistake in its shape."""
    try:
        return Spec.model_validate(source.data)
    except ValidationError as error:
        raise Problems(shape_problem(Spec, source, details) for details in error.errors()) from error
