"""Company for the series of a case, so that a rule cannot hold for want of others: other services, and a second series
wherever one is made of many.

Owns what is added to the states of a case that tests.yaml describes; it changes nothing that a right rule sees. Two
other services have the same series: one is as healthy as can be, one has the fault all the time. What a rule sums up
comes in two parts; what it takes the greatest or the least of has a lesser or a greater beside it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

import promql_parser as pp

from generator.packs.cases import ALWAYS, RELOADED, STARTED, Case, FromNow, GaugeLevel, Other, Rate, Shape, Share, State
from generator.packs.series import labels_of, metric_of, named
from generator.promql.matchers import takes
from generator.promql.tree import PromQLError, children, parse, walk

# What the services beside ours are called, as no one would call a service of theirs.
FAILING: Final = "another-failing"
HEALTHY: Final = "another-healthy"
# The label in which a second series differs from the first: the instance, where the rule keeps it another one.
SECONDS: Final = ("instance", "replica")
# How much of a sum the first part has.
_SHARE: Final = 0.6
# Functions of a range that keep a sum, and those that keep an order.
_LINEAR: Final = frozenset({"rate", "increase", "delta", "sum_over_time", "avg_over_time", "last_over_time"})
_MONOTONE: Final = _LINEAR | {"max_over_time", "min_over_time", "quantile_over_time", "clamp_min", "clamp_max"}
# How a series gets a second one: parts of a sum, one below it, one above it, or one that is the same.
_PARTS, _BELOW, _ABOVE, _SAME = "parts", "below", "above", "same"


def with_company(case: Case, exprs: Iterable[str]) -> Case:
    """`case` with company; `exprs` are those of the alert and of all that it reads."""
    trees = list(_trees(exprs))
    roles = {metric: (role, label) for label in reversed(SECONDS) for metric, role in _roles(trees, label).items()}
    case = _changed(case, _seconds(roles))
    selectors = [node for tree in trees for node in walk(tree) if isinstance(node, pp.VectorSelector)]
    failing = _beside(case.fault, selectors, FAILING)
    healthy = {
        series: shape
        for series, shape in _beside(case.baseline, selectors, HEALTHY).items()
        if failing.get(series.replace(HEALTHY, FAILING)) != shape
    }
    beside = {**healthy, **failing, **_begun(case.baseline)}
    return _changed(case, lambda state: {**state, **beside})


def _trees(exprs: Iterable[str]) -> Iterator[Any]:
    for expr in exprs:
        with suppress(PromQLError):  # promtool says so
            yield parse(expr)


def _beside(state: State, selectors: Iterable[Any], service: str) -> dict[str, Shape]:
    """The series of another service: of those metrics alone of which the rule asks for a service."""
    selectors = list(selectors)
    return {
        named(metric_of(series), {**labels_of(series), "service": service}): shape
        for series, shape in state.items()
        if series not in ALWAYS
        and "service" in labels_of(series)
        and all(_asks_service(each) for each in selectors if _names(each, series))
    }


def _begun(state: State) -> dict[str, Shape]:
    """Another service that has begun just now, where the rule asks for how long Prometheus has run."""
    return {
        named(metric_of(series), {**labels_of(series), "service": FAILING}): FromNow(-1)
        for series in (STARTED, RELOADED)
        if series in state
    }


def _asks_service(selector: Any) -> bool:
    return any(each.name == "service" and each.op == pp.MatchOp.Equal for each in selector.matchers.matchers)


def _names(selector: Any, series: str) -> bool:
    """Whether a selector is of the series' metric."""
    if selector.name:
        return bool(selector.name == metric_of(series))
    return all(takes(each, metric_of(series)) for each in selector.matchers.matchers if each.name == "__name__")


def _roles(trees: Iterable[Any], label: str) -> Mapping[str, str]:
    """How each metric gets a second series that differs in `label`: as all of its selectors agree, else not at all."""
    reader = _Reader(label, {})
    for tree in trees:
        reader.visit(tree, "")
    return {metric: next(iter(roles)) for metric, roles in reader.found.items() if len(roles) == 1 and roles != {""}}


@dataclass(frozen=True, slots=True)
class _Reader:
    """What a second series may be for each selector, given what is made of it above."""

    label: str
    found: dict[str, set[str]]

    def visit(self, node: Any, role: str) -> None:
        """Note the roles of all selectors below `node`."""
        match node:
            case pp.VectorSelector():
                asked = {each.name for each in node.matchers.matchers}
                self.found.setdefault(str(node.name), set()).add("" if self.label in asked else role)
            case pp.ParenExpr() | pp.MatrixSelector():
                self._below(node, role)
            case pp.AggregateExpr():
                role = {"sum": _PARTS, "max": _BELOW, "min": _ABOVE}.get(str(node.op), "")
                self.visit(node.expr, "" if self._keeps(node) else role)
            case pp.Call():
                kept = _LINEAR if role == _PARTS else _MONOTONE
                self._below(node, role if node.func.name in kept else "")
            case pp.BinaryExpr():
                left, right = _sides(node, role)
                self.visit(node.lhs, left)
                self.visit(node.rhs, right)
            case _:
                self._below(node, "")

    def _below(self, node: Any, role: str) -> None:
        for child in children(node):
            self.visit(child, role)

    def _keeps(self, node: Any) -> bool:
        """Whether an aggregation keeps the label."""
        if node.modifier is None:
            return False
        by = node.modifier.type == pp.AggModifierType.By
        return bool((self.label in node.modifier.labels) == by)


def _sides(node: Any, role: str) -> tuple[str, str]:
    """The roles of both sides of an operator: what is divided or reduced keeps its order, what it is divided by or
    reduced by is the same."""
    op = str(node.op)
    if role in (_BELOW, _ABOVE) and op in ("/", "-"):
        return role, _SAME
    if op in (">", ">=", "==", "<", "<=", "!="):
        return (role if role == _SAME else ""), ""
    return "", ""


def _seconds(roles: Mapping[str, tuple[str, str]]) -> Callable[[State], State]:
    def changed(state: State) -> State:
        result: dict[str, Shape] = {}
        for series, shape in state.items():
            role, label = roles.get(metric_of(series), ("", ""))
            pair = _pair(role, series, shape, state) if role and not _is_alone(series, label) else None
            first, second = pair or (shape, None)
            result.setdefault(series, first)
            if second is not None:
                labels = labels_of(series)
                value = f"{labels[label]}-second" if label in labels else "second"
                result[named(metric_of(series), {**labels, label: value})] = second
        return result

    return changed


def _is_alone(series: str, label: str) -> bool:
    """Prometheus' own series, those that every service has by itself, and what is a second one already."""
    return series in ALWAYS or metric_of(series) == "up" or (label == SECONDS[1] and label in labels_of(series))


def _pair(role: str, series: str, shape: Shape, state: State) -> tuple[Shape, Shape] | None:
    """What a series and its second one do; none where it cannot have one."""
    if isinstance(shape, FromNow):
        moved = {_BELOW: -1000.0, _ABOVE: 1000.0, _SAME: 0.0}.get(role)
        return None if moved is None else (shape, FromNow(shape.seconds + moved))
    if role == _SAME:
        return shape, shape
    if role == _PARTS:
        part = _first_part(series, shape, state)
        return part, _less(shape, part)
    if isinstance(shape, Rate):
        return shape, Rate(shape.per_second * (0.5 if role == _BELOW else 2) + (role == _ABOVE))
    if shape.value < 0:
        return None
    factor, more = (0.5, 0.0) if role == _BELOW else (2.0, 1.0)
    if isinstance(shape, Share):
        return shape, Share(shape.value * factor + more)
    return shape, GaugeLevel(shape.value * factor + more, shape.slope * factor)


def _first_part(series: str, shape: Shape, state: State) -> Shape:
    """The greater part of a sum; of a histogram the fastest ones, so that the parts differ."""
    match shape:
        case Rate(per_second):
            if "le" not in (labels := labels_of(series)):
                return Rate(per_second * _SHARE)
            others = {name: value for name, value in labels.items() if name != "le"}
            alike = (
                each.per_second
                for name, each in state.items()
                if isinstance(each, Rate)
                and metric_of(name) == metric_of(series)
                and {key: value for key, value in labels_of(name).items() if key != "le"} == others
            )
            return Rate(min(per_second, _SHARE * max(alike)))
        case GaugeLevel(value, slope):
            return GaugeLevel(value * _SHARE, slope * _SHARE)
        case Share(value):
            return Share(value * _SHARE)
    return shape


def _less(shape: Shape, part: Shape) -> Shape:
    if isinstance(shape, Rate) and isinstance(part, Rate):
        return Rate(shape.per_second - part.per_second)
    if isinstance(shape, GaugeLevel) and isinstance(part, GaugeLevel):
        return GaugeLevel(shape.value - part.value, shape.slope - part.slope)
    if isinstance(shape, Share) and isinstance(part, Share):
        return Share(shape.value - part.value)
    raise TypeError(f"{shape} has no parts")


def _changed(case: Case, change: Callable[[State], State]) -> Case:
    """The case with all its states changed."""

    def other(each: Other) -> Other:
        return replace(each, state=change(each.state), before=change(each.before))

    return replace(
        case,
        baseline=change(case.baseline),
        fault=change(case.fault),
        silence=change(case.silence),
        vanished=change(case.vanished),
        boundary=None if case.boundary is None else change(case.boundary),
        silent=tuple(map(other, case.silent)),
        firing=tuple(map(other, case.firing)),
    )
