"""`alerts:` of a service: alerts that its owner writes."""

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from generator.conventions import FailureMode, Fault, Severity
from generator.values.typed import Duration, Model, Or

ALERT_PATTERN: Final = r"[A-Z][A-Za-z0-9]{2,60}"


def _as_runbook(value: Any) -> Any:
    return {"mitigation": value} if isinstance(value, str) else value


NO_PROOF: Final = {"none": True}


def _as_proof(value: Any) -> Any:
    return NO_PROOF if value == "none" else value


class RunbookSpec(Model):
    """What to do, by section; a section that is left out says what is known without it."""

    meaning: str | None = Field(default=None, description="What is the case when it fires.")
    impact: str | None = Field(default=None, description="Who notices, and what.")
    diagnosis: str | None = Field(default=None, description="How to find the cause: commands and queries, read-only.")
    mitigation: str | None = Field(default=None, description="What helps.")
    escalation: str | None = Field(default=None, description="The person to call, and when.")


Runbook = Annotated[RunbookSpec, BeforeValidator(_as_runbook), Or({"type": "string"})]
AlertName = Annotated[str, Field(pattern=f"^{ALERT_PATTERN}$")]
Severities = dict[str, Severity]


class CustomAlertSpec(Model):
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
    proof: Annotated[dict[str, Any], BeforeValidator(_as_proof), Or({"const": "none"})] | None = Field(
        default=None,
        description="Series while all is well (healthy) and while it is not (broken), for its proof. none: it has no "
        "proof, which every check repeats.",
    )
