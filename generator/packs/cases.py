"""tests.yaml applied to one service: for each alert, which series do what before, during and after its fault.

Owns the meaning of tests.yaml. The renderer of proofs decides when things happen and what is asserted.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from generator import units
from generator.conventions import STACK_SERVICE
from generator.diagnostics import Problems, Span
from generator.packs import burn
from generator.packs.case_schema import CaseSpec, SeriesSpec, StateSpec
from generator.packs.context import ObjectiveView, Target, pack_context, signals_of
from generator.packs.exported import Exported, Lack, exported, lacks
from generator.packs.load import Pack, line_of, tests_of
from generator.packs.own import pack_of, unproven
from generator.packs.schema import parse_value
from generator.packs.template import holds, pack_problem, render_text
from generator.site.model import Alert, EndpointBudget, PackInstance, Service, Stack

_LABEL: Final = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
_WORD: Final = re.compile(r"[a-zA-Z_:][\w:]*")


# What is no outage is judged over minutes, and is proven to the minute.
STEP: Final = 60


@dataclass(frozen=True, slots=True)
class Rate:
    """A counter that grows by so much a second."""

    per_second: float


@dataclass(frozen=True, slots=True)
class GaugeLevel:
    """A gauge that starts each stretch at `value` and changes by `slope` a second."""

    value: float
    slope: float = 0.0


@dataclass(frozen=True, slots=True)
class Share:
    """A gauge whose beginning and change are seen a sample later, as growth is of the counters beside it."""

    value: float


@dataclass(frozen=True, slots=True)
class FromNow:
    """A point in time that stays so many seconds ahead of now."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint and how long it may take, as tests.yaml sees it, and the target that serves it."""

    job: str
    instance: str
    method: str
    handler: str
    seconds: float


Shape = Rate | GaugeLevel | Share | FromNow
# What a series is of.
Place = Target | Endpoint | Exported | Lack
State = Mapping[str, Shape]

# Prometheus has been running and configured since the epoch, unless a pack's tests say otherwise.
_PROMETHEUS: Final = f'job="prometheus",service="{STACK_SERVICE}"'
STARTED: Final = f"process_start_time_seconds{{{_PROMETHEUS}}}"
RELOADED: Final = f"prometheus_config_last_reload_success_timestamp_seconds{{{_PROMETHEUS}}}"
ALWAYS: Final[Mapping[str, Shape]] = {
    STARTED: GaugeLevel(0),
    RELOADED: GaugeLevel(0),
    # What it was before under another address: the younger one counts.
    f'process_start_time_seconds{{instance="before",{_PROMETHEUS}}}': GaugeLevel(-500),
    f'prometheus_config_last_reload_success_timestamp_seconds{{instance="before",{_PROMETHEUS}}}': GaugeLevel(-500),
    # Another part of the stack that never runs for long: what asks how long Prometheus has must not ask that one.
    f'process_start_time_seconds{{job="loki",service="{STACK_SERVICE}"}}': FromNow(-1),
}


@dataclass(frozen=True, slots=True)
class Other:
    """Another state, and what it comes from: `before` for `before_for` seconds, after `gap` unless the case says.
    `labels`: some of those that the alert has in it."""

    state: State
    before: State
    before_for: int
    gap: int | None = None
    first: bool = False
    then_gone: bool = False
    said: str = ""
    fired: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    onset: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """How one alert of one service is proven; all times in seconds, all states complete."""

    alert: str
    interval: int
    evaluation: int
    gap: int
    calm: int
    history: int
    onset: int
    slack: int
    clears: int
    labels: Mapping[str, str]
    value: float | None
    baseline: State
    fault: State
    silence: State
    boundary: State | None
    silent: tuple[Other, ...]
    firing: tuple[Other, ...]
    vanished: State
    edge_fires: bool
    gone_fires: bool
    always: bool
    also: tuple[tuple[Mapping[str, str], float | None], ...]
    until: int | None
    outlasts: int | None
    lasts: int
    outlives: int
    silent_gap: int
    silent_for: int
    fires_for: int
    stays: bool

    @property
    def states(self) -> tuple[State, ...]:
        """Every state of the service that occurs."""
        edge = () if self.boundary is None else (self.boundary,)
        return (
            self.baseline,
            self.fault,
            *edge,
            *(state for other in (*self.silent, *self.firing) for state in (other.state, other.before)),
        )


def cases_of(instance: PackInstance, service: Service, stack: Stack) -> list[Case]:
    """The case of every alert of `instance`, in its order, those apart that are to have none. Raises Problems for an
    alert without one."""
    pack = pack_of(service, instance)
    return _Cases(pack, instance, service, stack).build()


def _given(text: str, shown: str) -> str:
    """What was written and what it gives, as the beginning of a sentence that says what it is not."""
    return f"'{shown}' is" if text.strip() == shown else f"'{text.strip()}' gives '{shown}', which is"


class _Cases:
    """One reading of a tests.yaml; exists for as long as `build` runs."""

    def __init__(self, pack: Pack, instance: PackInstance, service: Service, stack: Stack) -> None:
        self.tests = tests_of(pack)
        self.where: Span = pack.span("tests.yaml")
        self.alerts = instance.alerts
        self.unproven = unproven(service)
        self.rules = {each.name: each.expr for each in instance.alerts}
        self.rules |= {each.name: each.expr for each in instance.records}
        self.read: Callable[[str], bool] = lambda _: True
        self.alert = ""
        # A case written in services.yaml stands in no file of a pack.
        self.folder = None if pack.tests else pack.folder.parent / pack.source
        self.timing = stack.timing
        self.usual = self._is_usual(pack, instance)
        self.context: dict[str, Any] = pack_context(pack, service, stack, instance.params)
        self.context["sig"] = signals_of(pack, self.context)
        self.endpoints = self._endpoints(service)
        self.needs = service.needs
        for name, text in self.tests.let.items():
            self.context[name] = self._number(text)
        self.pace = (STEP, STEP)

    def _is_usual(self, pack: Pack, instance: PackInstance) -> bool:
        """Whether the parameters are those with which the pack itself is tested."""
        given = self.tests.params
        usual = {
            name: parse_value(param.type, given[name]) if name in given else param.default
            for name, param in pack.params.items()
        }
        return usual == dict(instance.params)

    def _endpoints(self, service: Service) -> list[Endpoint]:
        """One endpoint that has the common budget, and those that have their own."""
        place = self.context["target"]
        common = EndpointBudget("GET", "/items", float(self.context.get("endpoint_budget", 0)))
        own = [each for each in service.budgets if (each.method, each.handler) != (common.method, common.handler)]
        chosen = [common, *own] if len(own) == len(service.budgets) else list(service.budgets)
        return [Endpoint(place.job, place.instance, each.method, each.handler, each.seconds) for each in chosen]

    def build(self) -> list[Case]:
        return [self._case(alert) for alert in self.alerts if alert.name not in self.unproven]

    def _case(self, alert: Alert) -> Case:
        spec = self.tests.alerts.get(alert.name)
        if spec is None:
            raise pack_problem(f"the alert {alert.name} has no case", self.where.file)
        self.alert = alert.name
        interval, evaluation = self._pace(alert, spec)
        self.pace = (interval, evaluation)
        self.read = _reading(alert.expr, self.rules)
        changed = self._state(spec.change)
        counters = any(isinstance(shape, Rate) for shape in changed.values())
        baseline = self._with({**self._always(), **self._state(self.tests.baseline)}, spec.background)
        quiet = {series for series, shape in baseline.items() if isinstance(shape, Rate)} | set(changed)
        gap = self._seconds(spec.gap)
        names = set(spec.vanish) or {_metric(series) for series in self._names(spec.change)}
        fault = self._with(baseline, spec.change)
        fired = self._fired(spec)
        return Case(
            alert=alert.name,
            interval=interval,
            evaluation=evaluation,
            gap=gap,
            calm=self._seconds(spec.calm),
            history=self._seconds(spec.history),
            onset=self._seconds(spec.onset) if spec.onset else evaluation * counters,
            slack=self._seconds(spec.slack),
            clears=self._seconds(spec.clears) if spec.clears else gap,
            labels=fired[0][0],
            value=fired[0][1],
            baseline=baseline,
            fault=fault,
            silence={series: shape for series, shape in baseline.items() if series not in quiet},
            boundary=self._with(baseline, spec.boundary) if spec.boundary else None,
            silent=tuple(other for each in spec.silent_when for other in self._others(each, baseline, fault)),
            firing=tuple(other for each in spec.fires_when for other in self._others(each, baseline, fault)),
            vanished={series: shape for series, shape in fault.items() if _metric(series) not in names},
            edge_fires=spec.at_edge == "firing",
            gone_fires=spec.gone == "keeps firing",
            always=bool(spec.stays) and not spec.change,
            also=tuple(fired[1:]),
            until=self._seconds(spec.until) if spec.until and self.usual else None,
            outlasts=self._seconds(spec.outlasts) if spec.outlasts else None,
            lasts=self._seconds(spec.lasts),
            outlives=self._seconds(spec.outlives or spec.clears or spec.gap),
            silent_gap=self._seconds(spec.silent_gap or spec.gap),
            silent_for=self._seconds(spec.silent_for or "0s"),
            fires_for=self._seconds(spec.fires_for or "0s"),
            stays=bool(spec.stays),
        )

    def _others(self, spec: StateSpec, baseline: State, fault: State) -> list[Other]:
        """Another state, once for each target if it is one of each."""
        usual = self.context["target"]
        lists = self._places()
        others = []
        for target in lists[spec.of_each] if spec.of_each else [usual]:
            self.context["target"] = target
            if not holds(spec.when, self.context, self.where):
                continue
            state = self._with(fault if spec.with_fault else baseline, spec.change)
            before = self._with(baseline, spec.before)
            gap = None if spec.gap is None else self._seconds(spec.gap)
            lead = self._seconds(spec.before_for)
            labels = {name: self._text(value) for name, value in spec.labels.items()}
            onset = self._seconds(spec.onset) if spec.onset and self.usual else 0
            other = Other(state, before, lead, gap, spec.first, spec.then_gone, spec.state, spec.fired, labels, onset)
            others.append(other)
        self.context["target"] = usual
        return others

    def _fired(self, spec: CaseSpec) -> list[tuple[dict[str, str], float | None]]:
        """Of each alert that fires, the labels (those apart that every one carries) and the value."""
        fired = []
        for each in self._broken(spec):
            labels = {name: self._text(value, each=each) for name, value in spec.labels.items()}
            fired.append((labels, None if spec.value is None else self._number(spec.value, each=each)))
        return fired

    def _broken(self, spec: CaseSpec) -> Sequence[object]:
        """What the fault breaks, an alert for each."""
        if spec.each == "endpoint":
            return self.endpoints
        if spec.each == "target":
            return list(self.context["targets"])
        burning = [each for change in spec.change for each in self._burning(change)]
        if spec.each == "plan":
            plans = [(each, plan) for each in burning for plan in each.plans]
            tightest = min((plan.budget for _, plan in plans), default=0.0)
            return [{"slo": each.name, "plan": plan.name} for each, plan in plans if plan.budget == tightest]
        return [{"slo": each.name} for each in burning] if spec.each else [None]

    def _always(self) -> dict[str, Shape]:
        """What Prometheus says of itself, as far as the pack's alerts look at it."""
        asked = " ".join(alert.expr for alert in self.alerts)
        return {series: shape for series, shape in ALWAYS.items() if _metric(series) in asked}

    def _pace(self, alert: Alert, spec: CaseSpec) -> tuple[int, int]:
        """Seconds between samples, and between evaluations: as in real life where seconds count, else coarser."""
        if alert.fault == "outage":
            return int(self.context["confirm"]), alert.evaluation_interval
        # Half of its hold is seen to be another one.
        usual = STEP // 2 if self.usual and 0 < alert.for_seconds < 2 * STEP else STEP
        step = self._seconds(spec.step) if spec.step else usual
        return self._seconds(spec.samples) if spec.samples else step, step

    def _text(self, text: str, **more: object) -> str:
        return render_text(text, {**self.context, **more}, self.where).strip()

    def _number(self, text: str, **more: object) -> float:
        shown = self._text(text, **more)
        try:
            return float(shown)
        except ValueError as error:
            hint = "; a duration is a number with `| seconds`" if re.fullmatch(r"(\d+[a-z]+)+", shown) else ""
            raise self._wrong(f"{_given(text, shown)} no number{hint}") from error

    def _seconds(self, text: str) -> int:
        shown = self._text(text)
        try:
            return int(float(shown)) if re.fullmatch(r"[\d.]+", shown) else units.parse_duration(shown)
        except ValueError as error:
            raise self._wrong(f"{_given(text, shown)} no duration") from error

    def _wrong(self, message: str) -> Problems | ValueError:
        """A mistake in the case that is being read; without a place where services.yaml has one."""
        if self.folder is None:
            return ValueError(message)
        if not self.alert:
            return pack_problem(message, self.where.file)
        line = line_of(self.folder, "tests.yaml", ("alerts", self.alert))
        return pack_problem(f"{self.alert}: {message}", self.where.file, line)

    def _with(self, state: State, specs: Iterable[SeriesSpec]) -> State:
        """`state` changed by `specs`; a series that is gone leaves it, and so does what the alert does not read."""
        specs = list(specs)
        gone = {series for spec in specs if spec.gone for series in self._gone(spec)}
        merged = {**state, **self._state(specs)}
        return {series: shape for series, shape in merged.items() if series not in gone and self.read(series)}

    def _state(self, specs: Iterable[SeriesSpec]) -> dict[str, Shape]:
        state: dict[str, Shape] = {}
        for spec in self._plain(specs):
            for each in self._each(spec):
                shape = self._shape(spec, each)
                if shape is not None:
                    state[self._series(spec, each)] = shape
        return state

    def _names(self, specs: Iterable[SeriesSpec]) -> list[str]:
        return [self._series(spec, each) for spec in self._plain(specs) for each in self._each(spec)]

    def _gone(self, spec: SeriesSpec) -> list[str]:
        """Of an objective it is the bucket at its limit that is no longer exported."""
        names = self._names([spec])
        return names if spec.burn is None else [name for name in names if 'le="' in name]

    def _plain(self, specs: Iterable[SeriesSpec]) -> Iterator[SeriesSpec]:
        """`specs` with the series of each objective in place of `burn`."""
        for spec in specs:
            if spec.burn is None:
                yield spec
                continue
            traffic, burning = self._number(str(spec.traffic)), self._burning(spec)
            for each in self.context["objectives"]:
                # What comes at its own pace has no low traffic.
                burns = each in burning and not (each.own_pace and traffic < float(self.context.get("traffic", 0)))
                share = self._number(spec.burn) * each.budget if burns else 0.0
                for series in each.series:
                    texts = {key: self._text(text, bad=share, traffic=traffic) for key, text in series.items()}
                    yield from self._copies(texts, each) if each.own_pace else [SeriesSpec.model_validate(texts)]

    def _copies(self, texts: Mapping[str, str], objective: ObjectiveView) -> Iterator[SeriesSpec]:
        """The series as often as it takes for enough events, since a proof samples less often than Prometheus does."""
        interval, evaluation = self.pace
        weight = min(pair.factor * pair.long for pair in self.context["burns"].values())
        bad_events = weight * objective.budget / interval * min(1.0, burn.SLICE / evaluation)
        for number in range(math.ceil(burn.ENOUGH * float(self.context["min_bad"]) / bad_events)):
            yield SeriesSpec.model_validate({**texts, "series": f'{texts["series"]}{{instance="{number}"}}'})

    def _burning(self, spec: SeriesSpec) -> list[ObjectiveView]:
        """The objectives that can burn so fast; where their bucket is gone, those that have one."""
        if spec.burn is None:
            return []
        speed = self._number(spec.burn)
        objectives: list[ObjectiveView] = list(self.context["objectives"])
        return [each for each in objectives if (each.limit if spec.gone else speed * each.budget <= 1)]

    def _each(self, spec: SeriesSpec) -> list[Place]:
        if spec.each == "endpoint":
            return list(self.endpoints)
        return list(self._places()[spec.each]) if spec.each else [self.context["target"]]

    def _places(self) -> Mapping[str, Sequence[Place]]:
        context, here = self.context, self.context["target"]
        printed = exported(self.needs, context["targets"])
        return {
            "target": context["targets"],
            "probe": context["probed"],
            "witness": context["witnesses"],
            "exported": printed,
            "exported_here": [each for each in printed if each.instance == here.instance],
            "lack": lacks(self.needs, context["targets"]),
            "gone": here.gone if isinstance(here, Lack) else (),
            "instead": here.instead if isinstance(here, Lack) else (),
        }

    def _shape(self, spec: SeriesSpec, each: Place) -> Shape | None:
        def number(text: str) -> float:
            return self._number(text, each=each)

        if spec.rate is not None:
            return Rate(number(spec.rate))
        if spec.level is not None:
            return GaugeLevel(number(spec.level), number(spec.slope) if spec.slope else 0.0)
        if spec.share is not None:
            return Share(number(spec.share))
        return FromNow(number(spec.from_now)) if spec.from_now is not None else None

    def _series(self, spec: SeriesSpec, each: Place) -> str:
        """The series with the labels that scraping adds, unless it says otherwise."""
        text = self._text(spec.series, each=each)
        written = dict(_LABEL.findall(text))
        job = written.get("job", each.job)
        at = next((target.instance for target in self._targets() if target.job == job), each.instance)
        labels = {
            "environment": self.context["environment"],
            "instance": each.instance if job == each.job else at,
            "job": job,
            "service": self.context["service"],
        }
        labels |= written
        inside = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
        return f"{_metric(text)}{{{inside}}}"

    def _targets(self) -> list[Target]:
        return [*self.context["targets"], *self.context["probed"]]


def _reading(expr: str, rules: Mapping[str, str]) -> Callable[[str], bool]:
    """Whether an expression, or a rule that it reads, names a series' metric. What matches names may read any."""
    words, open_ones = set[str](), [expr]
    while open_ones:
        found = set(_WORD.findall(open_ones.pop())) - words
        if "__name__" in found:
            return lambda _: True
        words |= found
        open_ones += [rules[word] for word in found & rules.keys()]
        if "ALERTS" in found and "alertname" not in found:
            open_ones += rules.values()
    return lambda series: _metric(series) in words


def _metric(series: str) -> str:
    return series.partition("{")[0]
