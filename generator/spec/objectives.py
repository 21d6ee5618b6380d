"""`slo:` of a service: objectives of its events."""

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from generator.values.typed import OBJECTIVE_SCHEMA, Duration, Latency, Model, Name, Or, Ratio


def _as_objective(value: Any) -> Any:
    return value if isinstance(value, dict) else {"objective": value}


class ObjectiveSpec(Model):
    """One objective about events: a percentage of them is good. Two of good, bad and total say which they are, where no
    kind of the service does."""

    objective: Ratio = Field(description="The target share of good events.")
    good: str | None = Field(default=None, description="A counter of good events: imports_total{result='ok'}.")
    bad: str | None = Field(default=None, description="A counter of bad events.")
    total: str | None = Field(default=None, description="A counter of all events.")


Objective = Annotated[
    ObjectiveSpec,
    BeforeValidator(_as_objective),
    Or(OBJECTIVE_SCHEMA),
]
Percentile = Annotated[str, Field(pattern=r"^p\d{2}(\.\d+)?$")]


class SloSpec(Model):
    """The objectives of the service. Besides the keys below, any name with two of good, bad and total; docs/slo.md."""

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
    exclude: list[str] | None = Field(
        default=None,
        description='Endpoints whose requests count in no objective and no ratio: ["POST /voice", "/uploads/*"].',
    )
    plans: dict[Name, Ratio] | None = Field(
        default=None, description="Availability targets by plan: {free: 95%, pro: 99%}."
    )
