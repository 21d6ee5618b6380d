"""`services:` and `hosts:`: what is watched."""

from typing import Literal

from pydantic import Field

from generator.spec.alerts import AlertName, CustomAlertSpec, Severities
from generator.spec.endpoints import ErrorsTo, Logs, MetricsSpec, Tls
from generator.spec.objectives import SloSpec
from generator.values.typed import Duration, Latency, Model, Names, Params, Reason, Secret, Status, WebAddress


class ServiceSpec(Model):
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
        default=None, min_length=1, description="kind redis: the user of its exporter. Default: the default user."
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
    slo: SloSpec | None = Field(default=None, description="Objectives (SLOs) with error budgets.")
    budgets: dict[str, Latency] | None = Field(
        default=None, description='How long single endpoints may take, at the 95th percentile: {"POST /analyze": 2s}.'
    )
    params: Params | None = Field(
        default=None,
        description="Thresholds that differ from the packs' defaults, by kind: {http: {latency_p95: 300ms}}.",
    )
    off: Names | None = Field(
        default=None,
        description="Alerts that this service does not want, and ways of failing that need none: `backup`.",
    )
    severity: Severities | None = Field(
        default=None,
        description="The severity of single alerts, where it is not the pack's: {RedisSlow: critical}.",
    )
    alerts: dict[AlertName, CustomAlertSpec] | None = Field(default=None, description="Alerts of your own, by name.")


class HostSpec(Model):
    """One machine, watched through node exporter."""

    owner: str | None = Field(default=None, description="Who is responsible: a name from `people`.")
    address: str | None = Field(
        default=None, description="host:port of its node exporter. Default: this machine's own."
    )
    params: Params | None = Field(
        default=None, description="Thresholds that differ from the defaults, by kind: {host: {disk_low: 20%}}."
    )
    off: Names | None = Field(default=None, description="Alerts that this host does not want.")
    severity: Severities | None = Field(
        default=None, description="The severity of single alerts, where it is not the pack's: {HostCpuHigh: info}."
    )
