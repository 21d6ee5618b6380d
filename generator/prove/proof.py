"""One alert's proof as a value: its timeline, and what is asserted at which time.

Owns the order of a proof (quiet, the fault, the recovery, the edge, the rest) and how it is written down for promtool.
Which alerts get one, and where it lies, is the business of generator.prove.proofs.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from generator.conventions import GENERATED
from generator.packs.cases import RELOADED, STARTED, Case, GaugeLevel, Other, State
from generator.packs.context import JUST_STARTED, SETTLE, SETTLED
from generator.promql.expansion import expand
from generator.prove.timeline import Timeline
from generator.site.model import Alert
from generator.units import format_duration

# Long enough that nothing counts as "just started" any more.
_LEAD_IN = 180


@dataclass(frozen=True, slots=True)
class Phase:
    """What a proof tries at some moment: `name` of the phase, and `state`, the sentence of another state."""

    name: str
    state: str = ""


Phases = dict[tuple[str, int], Phase]


@dataclass(frozen=True, slots=True)
class _AlertTest:
    """What an alert shows at a time: nothing, or these labels and annotations."""

    at: str
    expected: list[dict[str, Any]]

    def emit(self, alert: str) -> dict[str, Any]:
        return {"eval_time": self.at, "alertname": alert, "exp_alerts": self.expected}


@dataclass(frozen=True, slots=True)
class _ExprTest:
    """What a query over ALERTS gives at a time; `before` and `after` stand around the alert's name in it."""

    before: str
    after: str
    at: str
    samples: list[dict[str, Any]]

    def emit(self, alert: str) -> dict[str, Any]:
        expr = f'{self.before}ALERTS{{alertname="{alert}",{self.after}'
        return {"expr": expr, "eval_time": self.at, "exp_samples": self.samples}


@dataclass(slots=True)
class Proof:
    """One alert's timeline and what is asserted on it: of which alert is said when it is written down."""

    alert: Alert
    case: Case
    timeline: Timeline
    alert_tests: list[_AlertTest] = field(default_factory=list)
    expr_tests: list[_ExprTest] = field(default_factory=list)
    phase: Phase = Phase("quiet")
    phases: Phases = field(default_factory=dict)

    def prove(self) -> None:
        """Quiet, the fault, the recovery, the edge, whatever else must or must not fire, and the series gone."""
        case = self.case
        self._begins()
        self.timeline.run(_LEAD_IN, case.baseline)
        if case.always:
            self._expect_firing(self.timeline.run(self._every, case.baseline))
            return
        self.timeline.run(case.history, case.baseline)
        self._calm()
        self._expect_silent(self.timeline.now - self._every)
        self._fault()
        if case.stays:
            self._stays()
            return
        self._recovery()
        if case.boundary is not None:
            self._edge(case.boundary)
        for other in case.silent:
            if other.first:
                continue
            if case.silent_gap <= case.calm:
                self._calm(other)
            self._stays_silent(other)
        for other in case.firing:
            if other.first:
                continue
            if case.gap <= case.calm:
                self._calm(other)
            self._fires_too(other)
            if other.then_gone:
                self._vanish()
        for text, series, state in self._first_minutes():
            self._calm()
            self._first_minute(text, series, state)
        if any(other.then_gone for other in case.firing):
            return
        if case.calm or case.edge_fires or case.silent or case.firing or JUST_STARTED in self.alert.expr:
            self._calm()
        self._gone()

    def _begins(self) -> None:
        """The states with which the service begins."""
        for other in self.case.silent:
            if other.first:
                self._stays_silent(other)
        for other in self.case.firing:
            if other.first:
                self._fires_too(other)

    def emit(self, names: Sequence[str] = ()) -> str:
        """The promtool file, as JSON-quoted YAML: one line an entry, quick to write and to compare. With `names`, every
        assertion is made of each of them in the place of the alert."""
        names = names or (self.alert.name,)
        lines = [
            f"# {GENERATED}",
            "# It proves the alert below, and every rule that differs from it in names alone.",
            f"rule_files: [../../../rules/{self.alert.service}/{self.alert.pack}.yml]",
            f"evaluation_interval: {format_duration(self._every)}",
            "tests:",
            f"  - name: {self.alert.name}",
            f"    interval: {format_duration(self.timeline.interval)}",
        ]
        lists: dict[str, list[Any]] = {
            "input_series": self.timeline.series(),
            "alert_rule_test": [test.emit(name) for test in self.alert_tests for name in names],
            "promql_expr_test": [test.emit(name) for test in self.expr_tests for name in names],
        }
        for key, entries in lists.items():
            if entries:
                lines.append(f"    {key}:")
                lines += [f"      - {json.dumps(entry, ensure_ascii=False)}" for entry in entries]
        return "\n".join(lines) + "\n"

    @property
    def _every(self) -> int:
        return self.timeline.evaluation

    def _fires_after(self) -> tuple[int, int]:
        """When it fires at the earliest and at the latest, from the beginning of the fault."""
        earliest = self.timeline.align(self.case.onset) + self.timeline.align(self.alert.for_seconds)
        return earliest, earliest + self.timeline.align(self.case.slack)

    def _calm(self, other: Other | None = None) -> None:
        """All is well for so long that nothing of what was before is left. The lead of another state or a gap of its
        own, when it is as long, sees to that itself: then only until the alert is silent."""
        settle = self.case.clears + self.alert.keep_firing_seconds + self._every
        leads = other is not None and max(other.before_for, other.gap or 0) >= self.case.calm
        self.timeline.run(settle if leads else max(settle, self.case.calm), self.case.baseline)

    def _gap(self) -> None:
        if self.case.gap:
            self.timeline.run(self.case.gap, self.case.silence)

    def _fault(self) -> None:
        self._gap()
        earliest, latest = self._fires_after()
        start = self.timeline.run(latest + self._every, self.case.fault)
        self.phase = Phase("pending")
        if earliest:
            self._expect_silent(start + earliest - self._every)
        if self.alert.for_seconds > self.case.slack:
            self._expect_state("pending", start + earliest - self._every)
        self.phase = Phase("firing")
        self._expect_firing(start + latest)

    def _recovery(self) -> None:
        keep = self.timeline.align(self.alert.keep_firing_seconds)
        after = self.timeline.align(self.case.clears) + keep
        start = self.timeline.run(after + self._every, self.case.baseline)
        self.phase = Phase("resolved")
        if keep:
            self._expect_state("firing", start + keep - self._every)
        if self.case.until is not None and self.case.until + keep:
            over = start + self.timeline.align(self.case.until) + keep
            self._expect_state("firing", over - self._every)
            self._expect_silent(over)
        if self.case.lasts:
            self._expect_state("firing", start + self.case.lasts // self._every * self._every)
        self._expect_silent(start + after)

    def _settled(self) -> int:
        """How long a state lasts until the alert has made up its mind: what was before fades from the windows too."""
        _, after = self._fires_after()
        return after if self.case.gap else max(after, self.timeline.align(self.case.clears))

    def _stays(self) -> None:
        """It fires on, and without its series too; until there is another state in which it has to be silent."""
        self.phase = Phase("firing")
        for state in (self.case.baseline, self.case.vanished):
            self.timeline.run(self.case.clears + self._every, state)
            self._expect_state("firing", self.timeline.now - self._every)
        for other in self.case.silent:
            self.phase = Phase("silent_when", other.said)
            self.timeline.run(self.case.silent_for + self._every, other.state)
            self._expect_silent(self.timeline.now - self._every)

    def _edge(self, state: State) -> None:
        self.phase = Phase("boundary")
        self._gap()
        after = self._settled()
        start = self.timeline.run(after + self._every, state)
        if self.case.edge_fires:
            self._expect_state("firing", start + after)
        else:
            self._expect_silent(start + after)

    def _stays_silent(self, other: Other) -> None:
        """Neither at the end nor at any time before: what fires for a moment has sent its message."""
        self.phase = Phase("silent_when", other.said)
        start = self._lead_up(other, self.case.silent_gap)
        self.timeline.run((self.case.silent_for or self._long_enough()) + self._every, other.state)
        self._expect_never(start, self.timeline.now - self._every)

    def _fires_too(self, other: Other) -> None:
        self.phase = Phase("fires_when", other.said)
        start = self._lead_up(other, self.case.gap)
        if other.fired:
            self.timeline.run(self._fires_after()[1] + self._every, self.case.fault)
            self._expect_state("firing", self.timeline.now - self._every)
        if other.before_for:
            self._expect_never(start, self.timeline.now - self._every)
        after = 0 if other.first else self.case.fires_for or self._long_enough()
        begin = self.timeline.run(after + self._every, other.state)
        if other.onset:
            earliest = self.timeline.align(other.onset) + self.timeline.align(self.alert.for_seconds)
            self._expect_never(begin - self._every, begin + earliest - self._every)
        self._expect_state("firing", self.timeline.now - self._every, other.labels)

    def _lead_up(self, other: Other, usual: int) -> int:
        """What comes before another state: its own lead, or a gap like that before the fault. Returns the start."""
        gap = other.gap if other.gap is not None else 0 if other.before_for or other.first else usual
        if gap:
            self.timeline.run(gap, self.case.silence)
        if other.before_for:
            return self.timeline.run(other.before_for, other.before)
        return self.timeline.now

    def _long_enough(self) -> int:
        """As long as the fault would take, and until the windows hold nothing of what was before."""
        _, after = self._fires_after()
        return after + self.timeline.align(self.case.clears)

    def _gone(self) -> None:
        self.phase = Phase("gone")
        self._gap()
        _, after = self._fires_after()
        start = self.timeline.run(after + self._every, self.case.fault)
        self._expect_state("firing", start + after)
        self._vanish()

    def _vanish(self) -> None:
        """The series go while it fires."""
        self.phase = Phase("gone")
        _, after = self._fires_after()
        rest = self.case.outlives + self.alert.keep_firing_seconds + self._every
        if self.case.outlasts is not None:
            over = self.timeline.align(self.case.outlasts) + self.alert.keep_firing_seconds
            start = self.timeline.run(over + 2 * self._every, self.case.vanished)
            self._expect_state("firing", start + over - self._every)
            self._expect_silent(start + over + self._every)
            return
        self.timeline.run(rest + after if self.case.gone_fires else rest, self.case.vanished)
        if self.case.gone_fires:
            self._expect_state("firing", self.timeline.now - self._every)
        else:
            self._expect_silent(self.timeline.now - self._every)

    def _first_minutes(self) -> Iterator[tuple[str, str, State]]:
        """What prevents an alert in its first minute: Prometheus itself has just started, or has a new target
        without any sample yet."""
        if JUST_STARTED in self.alert.expr:
            yield JUST_STARTED, STARTED, self.case.fault
        if SETTLED in self.alert.expr and self.case.gone_fires:
            yield SETTLED, RELOADED, self.case.vanished
        elif SETTLED in self.alert.expr and self.case.firing:
            yield SETTLED, RELOADED, self.case.firing[0].state

    def _first_minute(self, text: str, series: str, state: State) -> None:
        """Quiet for a minute and not for longer."""
        self.phase = Phase("just started")
        begins = {**state, series: GaugeLevel(self.timeline.now)}
        over = SETTLE + 1 if text == SETTLED else SETTLE
        fires = max(self.timeline.align(over), self.timeline.align(self.case.onset))
        fires += self.timeline.align(self.alert.for_seconds)
        start = self.timeline.run(fires + self._every, begins)
        self._expect_never(start, start + fires - self._every)
        self._expect_state("firing", start + fires)

    def _expect_never(self, begin: int, end: int) -> None:
        after = f'alertstate="firing"}}[{format_duration(end - begin)}]))'
        self.expr_tests.append(_ExprTest("count(max_over_time(", after, self._at("expr", end), []))

    def _expect_silent(self, at: int) -> None:
        self.alert_tests.append(_AlertTest(self._at("alert", at), []))

    def _expect_firing(self, at: int) -> None:
        shown = ((self.case.labels, self.case.value), *self.case.also)
        expected = [self._expected(labels, value) for labels, value in shown]
        self.alert_tests.append(_AlertTest(self._at("alert", at), expected))

    def _expected(self, shown: Mapping[str, str], value: float | None) -> dict[str, Any]:
        labels = {**shown, **{name: expand(text, shown, value) for name, text in self.alert.labels.items()}}
        annotations = {name: expand(text, {**shown, **labels}, value) for name, text in self.alert.annotations.items()}
        return {"exp_labels": labels, "exp_annotations": annotations}

    def _expect_state(self, state: str, at: int, labels: Mapping[str, str] = MappingProxyType({})) -> None:
        samples = [{"labels": "{}", "value": 1}]
        more = "".join(f",{name}={json.dumps(value)}" for name, value in sorted(labels.items()))
        self.expr_tests.append(_ExprTest("max(", f'alertstate="{state}"{more}}})', self._at("expr", at), samples))

    def _at(self, sort: str, seconds: int) -> str:
        """The time of an assertion, and which phase it belongs to."""
        self.phases[sort, seconds] = self.phase
        return format_duration(seconds)
