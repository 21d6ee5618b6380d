"""`stack:` and `watchdog:`: the monitoring stack itself."""

from typing import Literal

from pydantic import Field

from generator.spec.alerts import Severities
from generator.values.typed import Domain, Duration, MetricPattern, Model, Names, Params, Secret, Size, Word


class RetentionSpec(Model):
    """How long data is kept."""

    metrics: Duration | None = Field(default=None, description="How long metrics are kept. Default 90d.")
    logs: Duration | None = Field(default=None, description="How long log lines are kept. Default 30d.")
    traces: Duration | None = Field(default=None, description="How long traces are kept. Default 7d.")


class MachineSpec(Model):
    """What the monitoring may use of the machine; limits and size-based retention follow from it."""

    memory: Size | None = Field(default=None, description="Memory for the whole stack. Default 2GiB.")
    disk: Size | None = Field(default=None, description="Disk for the whole stack. Default 40GiB.")


class StackSpec(Model):
    """The monitoring stack itself."""

    name: Word | None = Field(default=None, description="A short name shown in messages. Default lookout.")
    domain: Domain | None = Field(
        default=None,
        description="The public name of this stack. Left out: everything listens on 127.0.0.1 only, without TLS.",
    )
    environment: Word | None = Field(default=None, description="The `environment` label. Default production.")
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
    params: Params | None = Field(
        default=None, description="Thresholds of the stack's own alerts, by kind: {stack: {queue_full: 80%}}."
    )
    off: Names | None = Field(default=None, description="Alerts about the stack that you do not want.")
    severity: Severities | None = Field(
        default=None, description="The severity of single alerts about the stack: {LogLinesLost: critical}."
    )
    keep_metrics: list[MetricPattern] | None = Field(
        default=None,
        description="Names of metrics, as regular expressions, that are stored though no rule and no panel reads them.",
    )


class WatchdogSpec(Model):
    """A dead man's switch outside this machine."""

    ping: Secret = Field(description="The secret that holds an address to post to every minute.")
