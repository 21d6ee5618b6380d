"""The shape of tests.yaml, as pydantic models: what a healthy service looks like, and each alert's fault.

Owns what may be written there; generator.packs.cases knows what it means.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from generator.packs.schema import WORD, Expression, PackModel, Text

# What a series is of: `exported` and `exported_here` is what the service's alerts need, of all its targets and of this
# one; `gone` and `instead` belong to what is lacking in a state `of_each: lack`.
Each = Literal["target", "probe", "endpoint", "witness", "exported", "exported_here", "gone", "instead"]


class SeriesSpec(PackModel):
    """One series and what it does: exactly one of rate, level, share, from_now and gone.

    rate: a counter that grows by so much a second. level: a gauge (`slope`: its change a second). share: a gauge whose
    change is seen a sample later. from_now: a point in time, so many seconds ahead of now. gone: no longer exported.
    burn, in place of a series: every objective that can spend its budget so many times as fast as it may does so, with
    `traffic` events a second; with gone, it is not known which events were fast enough.
    """

    series: str = ""
    rate: Expression | None = None
    level: Expression | None = None
    slope: Expression | None = None
    share: Expression | None = None
    from_now: Expression | None = None
    gone: bool = False
    each: Each | None = None
    burn: Expression | None = None
    traffic: Expression | None = None

    @model_validator(mode="after")
    def _one_shape(self) -> "SeriesSpec":
        shapes = [each is not None for each in (self.rate, self.level, self.share, self.from_now)] + [self.gone]
        if self.burn is not None:
            if self.series or self.traffic is None or any(shapes[:4]):
                raise ValueError("burn goes with traffic, and with no series of its own")
            return self
        if sum(shapes) != 1:
            raise ValueError("a series has exactly one of rate, level, share, from_now and gone")
        if not self.series or self.traffic is not None:
            raise ValueError("a series has a name, and traffic goes with burn")
        if self.slope is not None and self.level is None:
            raise ValueError("slope goes with level")
        return self


class StateSpec(PackModel):
    """Another state of the service, in one sentence, and what is different in it from the healthy one.

    with_fault: from the faulty one. fired: the fault comes first, and the alert fires. before: what is different for as
    long as `before_for` until then, in which the alert is silent too. gap: a gap of that length before all of it, when
    not as of the case. of_each: once for each target, probe or witness, which is then `<<target>>`; `when` says of
    which. first: the service begins with it, and where it must fire it does as soon as `before` is over. then_gone: its
    series go while it fires in it. labels: some of those that the alert has when it fires in it. onset: where it must
    fire, the expression turns true no earlier than that.
    """

    state: Text
    change: list[SeriesSpec] = Field([])
    with_fault: bool = False
    fired: bool = False
    before: list[SeriesSpec] = Field([])
    before_for: Expression = "0s"
    gap: Expression | None = None
    onset: Expression | None = None
    first: bool = False
    then_gone: bool = False
    of_each: Literal["target", "probe", "witness", "lack"] | None = None
    labels: dict[str, str] = Field({})
    when: str = ""


class CaseSpec(PackModel):
    """How one alert is proven. Every time is counted from the moment the fault begins, or ends.

    fault: the sentence. background: what this case's healthy state has beyond the baseline. change: the series that are
    different while the fault lasts. labels, value: what the alert then shows.
    gap: counters and what will change are silent for so long before the fault, as after a restart, so that range
    windows hold nothing old. calm: how long all is well before that; history: the same, before the first fault alone.
    onset: when the expression becomes true; by default at once, or after one evaluation when counters change.
    slack: by how much later it may become true.
    clears: how long it may stay true after the fault; by default as long as the gap.
    boundary: the same at the very edge; at_edge: on which side that is; no_edge: why there is no edge.
    silent_when, fires_when: other states in which the alert must never fire (too few events, another service's fault,
    what another alert reports already), or must too (the other half of an `or`); as long as the fault itself would
    take. gone: what happens when the changed series (or the metrics in `vanish`) cease to exist while it fires.
    until: how long the expression stays true after the fault, at the parameters with which the pack is tested: to the
    step, so that another range or another hold is noticed. outlasts: for how long it fires on after its series are
    gone, to the step. lasts: for how long it surely fires on after the fault. outlives: how long it may after its
    series are gone; by default as long as after the fault. stays: why it does not resolve within any proof; without
    `change`, why it fires from the beginning.
    each: the alerts that fire at once, one for each objective that burns, for each plan or each endpoint with a budget;
    `<<each.…>>` in `labels` and `value`.
    silent_gap, silent_for, fires_for: a gap before each of the other states, and how long it lasts, when not as of the
    fault.
    step: seconds between samples and evaluations, for what looks at hours and days. samples: seconds between samples,
    when there are more.
    """

    fault: Text
    background: list[SeriesSpec] = Field([])
    change: list[SeriesSpec] = Field([])
    labels: dict[str, str] = Field({})
    value: Expression | None = None
    onset: Expression | None = None
    slack: Expression = "0s"
    clears: Expression | None = None
    boundary: list[SeriesSpec] = Field([])
    at_edge: Literal["silent", "firing"] = "silent"
    no_edge: str = ""
    silent_when: list[StateSpec] = Field([])
    fires_when: list[StateSpec] = Field([])
    gone: Literal["resolves", "keeps firing"] | None = None
    vanish: list[str] = Field([])
    gap: Expression = "0s"
    calm: Expression = "0s"
    history: Expression = "0s"
    until: Expression | None = None
    outlasts: Expression | None = None
    lasts: Expression = "0s"
    outlives: Expression | None = None
    stays: str = ""
    each: Literal["objective", "plan", "endpoint", "target"] | None = None
    samples: Expression | None = None
    silent_gap: Expression | None = None
    silent_for: Expression | None = None
    fires_for: Expression | None = None
    step: Expression | None = None


class EquivalentSpec(PackModel):
    """A mistake that no proof can notice, since the alert means the same with it. Both names are patterns (`*`)."""

    alert: Text
    mutant: Text
    why: Text


class TestsFile(PackModel):
    """tests.yaml. `let` names numbers for use below. `params` are set when the pack itself is tested, so that alerts
    that are off by default are proven too. `equivalent`: what `make mutants` may leave alive."""

    baseline: list[SeriesSpec] = Field(min_length=1)
    alerts: dict[str, CaseSpec]
    let: dict[Annotated[str, Field(pattern=WORD)], Expression] = Field({})
    params: dict[str, str | int | float] = Field({})
    equivalent: list[EquivalentSpec] = Field([])
