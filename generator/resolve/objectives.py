"""`slo:` and `budgets:` of a service: its objectives, checked for whether an alert on them could ever fire.

Owns the defaults, and the refusal of targets that no alert can watch. What an objective counts is the business of
generator.packs.indicators, and the arithmetic that of generator.packs.burn.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from generator import units
from generator.packs import Pack, burn, param_of
from generator.packs.indicators import AVAILABILITY, counters_of, indicators_of, known_edges, objective_of
from generator.packs.schema import IndicatorSpec
from generator.resolve.context import Context, default
from generator.site.model import EndpointBudget, Excluded, Objective, Service, Stack
from generator.source.read import Path
from generator.spec.objectives import ObjectiveSpec, SloSpec
from generator.spec.services import ServiceSpec
from generator.values.typed import NAME_PATTERN

PACK: Final = "slo"
# The pack whose histogram has the edges that its service's limits ask for.
_OWN_EDGES: Final = "instrumentation"
_KNOWN: Final = (AVAILABILITY, "processing", "reachability")
# A key of `budgets`: a method and a route.
ENDPOINT: Final = r"([A-Z]+) (/[^\s\"\\]*)"
# An entry of `exclude`: the same, with or without a method.
_LEFT_OUT: Final = r"(?:([A-Z]+) )?(/[^\s\"\\]*)"
# Above so many events an hour it is worth saying that fewer can never page.
_MUCH: Final = 60
# How many times the failed probes that an alert needs a budget must allow.
_COARSE: Final = 5


def resolve_objectives(
    context: Context, stack: Stack, service: Service, spec: ServiceSpec, packs: Sequence[Pack], path: Path
) -> Service:
    """The service with its objectives and its endpoints' budgets; reports what can not be kept watch over."""
    budgets = tuple(_endpoints(context, spec.budgets or {}, packs, (*path, "budgets")))
    service = replace(service, budgets=budgets)
    if spec.slo is None:
        return service
    excluded = tuple(_excluded(context, spec.slo.exclude or [], packs, (*path, "slo", "exclude")))
    service = replace(service, excluded=excluded)
    return _Objectives(context, stack, service, spec.slo, packs, (*path, "slo")).resolve()


def check_traffic(context: Context, service: Service, path: Path) -> None:
    """Warn of an objective that can never page, since too few events are known or likely to come."""
    least = param_of(service, "slo", "min_bad")
    slow = next(pair for pair in burn.pairs(service.slo_window or burn.MONTH) if pair.name == "page_slow")
    needed = least * 3600 / slow.long
    for each in service.objectives:
        if _too_rare(context, service, each, least, path):
            continue
        known = _known_traffic(service, each, param_of(service, "http", "expected_rate"))
        if (known is None and needed <= _MUCH) or (known is not None and known >= needed):
            continue
        shown = units.format_number(round(needed, 2))
        expected = f", and {units.format_number(round(known, 2))} are expected" if known is not None else ""
        context.problem(
            "spec/slo-traffic",
            f"{each.name}: with fewer than {shown} {each.events} an hour it can never page{expected}",
            (*path, "slo"),
            level="warning",
            at_key=True,
            hint=_probe_hint(service),
            notes=[
                f"slo.min_bad asks for {units.format_number(least)} bad ones within {units.format_duration(slow.long)}"
            ],
        )


def _too_rare(context: Context, service: Service, objective: Objective, least: float, path: Path) -> bool:
    """Report an objective of probes whose whole budget is less than _COARSE times what an alert needs.

    With less, probes are too coarse: one failed probe more or less decides whether the budget lasts.
    """
    probes = [job for job in service.jobs if job.probe_module]
    if objective.events != "probes" or not probes:
        return False
    interval = min(job.interval for job in probes)
    allowed = objective.budget * service.slo_window / interval
    if allowed >= _COARSE * least:
        return False
    window, shown = units.format_duration(service.slo_window), units.format_number(round(allowed, 2))
    message = (
        f"{objective.name}: with a probe every {interval}s, {units.format_ratio(objective.target)} allows {shown} "
        f"failed ones in {window}, and alerts need {units.format_number(_COARSE * least)}"
    )
    most = 1 - _COARSE * least * interval / service.slo_window
    hint = f"the highest target is {units.format_ratio(int(most * 1e5) / 1e5)}"
    context.problem("spec/slo-impossible", message, (*path, "slo", objective.name), hint=hint)
    return True


def _known_traffic(service: Service, objective: Objective, expected_rate: float) -> float | None:
    """Events an hour, where they are known."""
    if objective.events == "probes":
        probes = [job for job in service.jobs if job.probe_module]
        return sum(3600 / job.interval * len(job.targets) for job in probes)
    return expected_rate * 3600 if objective.events == "requests" and expected_rate else None


def _probe_hint(service: Service) -> str:
    counted = any(each.events == "probes" for each in service.objectives)
    return "`reachability: 99%` counts probes, which come at any hour" if service.url and not counted else ""


@dataclass(frozen=True, slots=True)
class _Objectives:
    """One `slo:` on its way to objectives."""

    context: Context
    stack: Stack
    service: Service
    spec: SloSpec
    packs: Sequence[Pack]
    path: Path

    def resolve(self) -> Service:
        window = self._window()
        found = [*self._named(), *self._latencies()]
        objectives = tuple(each for each in found if self._possible(each, window))
        return replace(self.service, objectives=objectives, slo_window=window)

    def _window(self) -> int:
        window = default(self.spec.window, burn.MONTH)
        path = (*self.path, "window") if self.spec.window else self.path
        at_key = self.spec.window is None
        if not burn.SHORTEST <= window <= burn.LONGEST:
            low, high = units.format_duration(burn.SHORTEST), units.format_duration(burn.LONGEST)
            message = f"{units.format_duration(window)} is no window for a budget; it can be {low} to {high}"
            self.context.problem("spec/slo-window", message, path, at_key=at_key)
        elif window + burn.DAY > self.stack.retention_metrics:
            kept = units.format_duration(self.stack.retention_metrics)
            needed = units.format_duration(window + burn.DAY)
            message = f"metrics are kept for {kept}, and a budget over {units.format_duration(window)} needs {needed}"
            hint = "raise stack.retention.metrics, or write a shorter `window`"
            self.context.problem("spec/slo-window", message, path, at_key=at_key, hint=hint)
            return burn.MONTH
        return window

    def _named(self) -> Iterator[Objective]:
        """The objectives that are a percentage: of an indicator by its name, or of a pair of counters."""
        extra: Mapping[str, ObjectiveSpec] = self.spec.__pydantic_extra__ or {}
        given = {name: getattr(self.spec, name) for name in _KNOWN if getattr(self.spec, name)}
        for name, spec in {**given, **dict(sorted(extra.items()))}.items():
            path = (*self.path, name)
            if not re.fullmatch(NAME_PATTERN, name):
                rule = "use up to 32 lower-case letters, digits, - and _, a letter first"
                self.context.problem("spec/bad-name", f"'{name}' cannot be a name; {rule}", path, at_key=True)
                continue
            counters = {role: text for role in ("good", "bad", "total") if (text := getattr(spec, role)) is not None}
            found = self._counted(name, spec, counters, path) if counters else self._indicated(name, spec, path)
            if found and not self._is_dead(found, path):
                yield self._with_plans(found) if name == AVAILABILITY else found
        if self.spec.plans and AVAILABILITY not in given:
            message = "plans are targets of availability; write `availability:` beside them"
            self.context.problem("spec/bad-value", message, (*self.path, "plans"), at_key=True)

    def _counted(self, name: str, spec: ObjectiveSpec, counters: Mapping[str, str], path: Path) -> Objective | None:
        if len(counters) != 2:
            message = f"'{name}' needs two of good, bad and total, and has {len(counters)}"
            self.context.problem("spec/bad-value", message, path, at_key=True)
            return None
        try:
            return counters_of(name, counters, self.service.name, spec.objective)
        except ValueError as error:
            self.context.problem("spec/slo-indicator", f"{name}: {error}", path, at_key=True)
            return None

    def _indicators(self) -> dict[str, tuple[Pack, IndicatorSpec]]:
        return indicators_of(self.packs, probed=bool(self.service.probes))

    def _indicated(self, name: str, spec: ObjectiveSpec, path: Path) -> Objective | None:
        indicators = {key: value for key, value in self._indicators().items() if not value[1].limit}
        if name not in indicators:
            kinds = ", ".join(self.service.kinds)
            message = f"nothing of kind {kinds} says what '{name}' counts"
            self.context.unknown("spec/slo-indicator", message, name, indicators, path)
            return None
        return objective_of(name, indicators[name], self.service, self.stack, spec.objective)

    def _latencies(self) -> Iterator[Objective]:
        given = self.spec.latency or {}
        path = (*self.path, "latency")
        indicator = self._indicators().get("latency")
        if given and indicator is None:
            message = f"nothing of kind {', '.join(self.service.kinds)} says how long requests take"
            self.context.problem("spec/slo-indicator", message, path, at_key=True)
            return
        for percentile, limit in sorted(given.items()):
            assert indicator is not None
            self._check_edge(indicator, limit, (*path, percentile))
            target = round(float(percentile[1:]) / 100, 12)
            name = f"latency-{percentile}"
            yield objective_of(name, indicator, self.service, self.stack, target, limit)

    def _check_edge(self, indicator: tuple[Pack, IndicatorSpec], limit: float, path: Path) -> None:
        """A histogram is exact only at a bucket's limit. The library's has one there; for others the fixture shows
        it."""
        edges = known_edges(indicator[1], indicator[0])
        if _OWN_EDGES in self.service.kinds or not edges or limit in edges:
            return
        nearest = min(edges, key=lambda edge: abs(edge - limit))
        shown, near = (units.format_value("duration", value) for value in (limit, nearest))
        self.context.problem(
            "spec/slo-edge",
            f"the histogram needs a bucket that ends at {shown}; the usual ones do not, the nearest ends at {near}",
            path,
            level="warning",
            notes=[f"add {units.format_number(limit)} to the app's buckets; until then ObjectiveUnmeasured fires"],
        )

    def _with_plans(self, objective: Objective) -> Objective:
        plans = []
        for name, target in sorted((self.spec.plans or {}).items()):
            path = (*self.path, "plans", name)
            if target > objective.target:
                shown, aim = units.format_ratio(target), units.format_ratio(objective.target)
                message = f"plan '{name}' has a target of {shown}, stricter than availability ({aim})"
                self.context.problem("spec/bad-value", message, path)
            plans.append((name, target))
        return replace(objective, plans=tuple(plans))

    def _is_dead(self, objective: Objective, path: Path) -> bool:
        """Report a target that leaves nothing to spend, or so much that an alert could never fire."""
        target = units.format_ratio(objective.target)
        if objective.budget <= 0:
            message = f"{target} leaves no error budget: every single failure breaks it"
            self.context.problem("spec/slo-impossible", message, path, hint="99.99% allows 4 minutes in 30 days")
            return True
        dead = [pair for pair in burn.pairs(burn.MONTH) if not pair.can_fire(objective.budget)]
        if dead:
            worst = dead[0]
            asked = units.format_ratio(round(worst.factor * objective.budget, 6))
            least = units.format_ratio(_rounded_up(burn.least_target(worst.factor)))
            message = (
                f"a target of {target} has an alert that can never fire: a burn of "
                f"{units.format_number(worst.factor)} times its budget would be {asked} of all {objective.events}"
            )
            names = ", ".join(pair.name.replace("_", " ") for pair in dead)
            notes = [f"pairs of windows that could not fire: {names}"]
            self.context.problem("spec/slo-impossible", message, path, hint=f"the least target is {least}", notes=notes)
        return bool(dead)

    def _possible(self, objective: Objective, window: int) -> bool:
        """Whether any alert can watch it; of a percentile some may be out of reach, as of a median."""
        if any(pair.can_fire(objective.budget) for pair in burn.pairs(window)):
            return True
        self._is_dead(objective, (*self.path, "latency"))
        return False


def _rounded_up(ratio: float) -> float:
    """To a tenth of a percent."""
    return -(-ratio * 1000 // 1) / 1000


def _excluded(context: Context, given: Sequence[str], packs: Sequence[Pack], path: Path) -> Iterator[Excluded]:
    if given and not _serves_http(packs):
        message = "nothing of this service measures its endpoints; exclude is for the kinds that serve HTTP"
        context.problem("spec/bad-value", message, path, at_key=True)
        return
    for index, text in enumerate(given):
        match = re.fullmatch(_LEFT_OUT, text)
        if match is None:
            message = f"'{text}' is not an endpoint; write a route such as /voice, or with its method \"POST /voice\""
            context.problem("spec/bad-value", message, (*path, index))
            continue
        yield Excluded(match[1] or "", match[2])


def _serves_http(packs: Sequence[Pack]) -> bool:
    return any("budgets" in rule.expr for pack in packs for rule in pack.rules.alerts)


def _endpoints(
    context: Context, given: Mapping[str, float], packs: Sequence[Pack], path: Path
) -> Iterator[EndpointBudget]:
    if given and not _serves_http(packs):
        message = "nothing of this service measures its endpoints; budgets are for the kinds that serve HTTP"
        context.problem("spec/bad-value", message, path, at_key=True)
        return
    for key, seconds in sorted(given.items()):
        match = re.fullmatch(ENDPOINT, key)
        if match is None:
            message = f"'{key}' is not an endpoint; write its method and its route, such as \"POST /analyze\""
            context.problem("spec/bad-value", message, (*path, key), at_key=True)
            continue
        yield EndpointBudget(match[1], match[2], seconds)
