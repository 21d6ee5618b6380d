"""What an expression returns while every series is steady: a gauge stays, a counter grows evenly.

Owns this arithmetic, for the proofs of custom alerts. What is not steady, and what it does not know, is Unsteady; the
proof itself is for promtool to run.
"""

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import promql_parser as pp

from generator.promql.matchers import takes

Form = Literal["level", "rate", "slope", "from_now"]
NAME: Final = "__name__"
Labels = Mapping[str, str]


def _safe(function: Callable[..., float]) -> Callable[..., float]:
    """`function`, with no number where it has none."""

    def safe(*values: float) -> float:
        try:
            return float(function(*values))
        except (ArithmeticError, ValueError):
            return math.nan

    return safe


_ARITHMETIC: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: left / right if right else math.nan if not left else math.copysign(math.inf, left),
    "%": _safe(math.fmod),
    "^": _safe(math.pow),
}
_COMPARES: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_AGGREGATES: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "sum": sum,
    "avg": lambda values: sum(values) / len(values),
    "min": min,
    "max": max,
    "count": lambda values: float(len(values)),
    "group": lambda _: 1.0,
}
# Of one value.
_MAPS: Final[Mapping[str, Callable[[float], float]]] = {
    "abs": abs,
    "ceil": _safe(math.ceil),
    "floor": _safe(math.floor),
    "round": _safe(lambda value: math.floor(value + 0.5)),
    "sqrt": _safe(math.sqrt),
}
# Of a window: which form its series have, and the value by their own, the window's seconds and its samples.
_WINDOWS: Final[Mapping[str, tuple[Form, Callable[[float, float, int], float]]]] = {
    "rate": ("rate", lambda value, _, __: value),
    "irate": ("rate", lambda value, _, __: value),
    "increase": ("rate", lambda value, window, __: value * window),
    "delta": ("slope", lambda value, window, __: value * window),
    "deriv": ("slope", lambda value, _, __: value),
    "changes": ("slope", lambda value, _, samples: float(samples - 1 if value else 0)),
    "resets": ("slope", lambda value, _, samples: float(samples - 1 if value < 0 else 0)),
    "avg_over_time": ("level", lambda value, _, __: value),
    "min_over_time": ("level", lambda value, _, __: value),
    "max_over_time": ("level", lambda value, _, __: value),
    "last_over_time": ("level", lambda value, _, __: value),
    "sum_over_time": ("level", lambda value, _, samples: value * samples),
    "count_over_time": ("level", lambda _, __, samples: float(samples)),
    "present_over_time": ("level", lambda _, __, ___: 1.0),
}
FORMS: Final[Mapping[str, Form]] = {name: form for name, (form, _) in _WINDOWS.items()}


class Unsteady(ValueError):
    """An expression whose value is not known here, in words."""


@dataclass(frozen=True, slots=True)
class Steady:
    """A series: what it does all the time. `from_now`: a point in time that stays so many seconds ahead of now."""

    labels: Labels
    form: Form
    value: float


@dataclass(frozen=True, slots=True)
class Sample:
    """A value with its labels, the metric's name among them where it is kept."""

    labels: Labels
    value: float


Value = float | list[Sample]


def evaluate(tree: Any, series: Sequence[Steady], step: int) -> list[Sample]:
    """What the expression returns, with samples `step` seconds apart. Raises Unsteady."""
    found = _Steady(series, step).value(tree)
    if isinstance(found, float):
        raise Unsteady("it is a number and not a series")
    return found


class _Steady:
    """One evaluation."""

    def __init__(self, series: Sequence[Steady], step: int) -> None:
        self.series, self.step = series, step

    def value(self, node: Any) -> Value:
        match node:
            case pp.NumberLiteral():
                return float(node.val)
            case pp.ParenExpr():
                return self.value(node.expr)
            case pp.UnaryExpr():
                return _mapped(self.value(node.expr), operator.neg)
            case pp.VectorSelector():
                return self._selected(node, ("level", "from_now"))
            case pp.AggregateExpr():
                return self._aggregated(node)
            case pp.Call():
                return self._called(node)
            case pp.BinaryExpr():
                return self._joined(node)
        raise Unsteady("it looks back over what is computed")

    def vector(self, node: Any) -> list[Sample]:
        found = self.value(node)
        if isinstance(found, float):
            raise Unsteady("a number stands where series do")
        return found

    def _selected(self, selector: Any, forms: Iterable[Form]) -> list[Sample]:
        if selector.at is not None:
            raise Unsteady("it looks at one moment")
        found = [each for each in self.series if takes_all(selector, each.labels)]
        if any(each.form not in tuple(forms) for each in found):
            raise Unsteady("it takes one series in two ways")
        return [Sample(each.labels, each.value) for each in found]

    def _aggregated(self, node: Any) -> list[Sample]:
        operation = _AGGREGATES.get(str(node.op))
        if operation is None:
            raise Unsteady(f"{node.op} chooses or counts series by their values")
        groups: dict[tuple[tuple[str, str], ...], list[float]] = {}
        for each in self.vector(node.expr):
            groups.setdefault(_kept(each.labels, node.modifier), []).append(each.value)
        return [Sample(dict(labels), float(operation(values))) for labels, values in groups.items()]

    def _called(self, node: Any) -> Value:
        name, arguments = str(node.func.name), list(node.args)
        if name == "time":
            return 0.0
        if name == "vector":
            value = self.value(arguments[0])
            return [Sample({}, value)] if isinstance(value, float) else value
        if name in ("absent", "absent_over_time"):
            return self._absent(arguments[0], name)
        if name == "histogram_quantile":
            quantile = self.value(arguments[0])
            assert isinstance(quantile, float)
            return _quantiles(quantile, self.vector(arguments[1]))
        if name in _MAPS and len(arguments) == 1:
            return _mapped(self.vector(arguments[0]), _MAPS[name])
        if name in _WINDOWS and isinstance(arguments[0], pp.MatrixSelector):
            return self._windowed(name, arguments[0])
        raise Unsteady(f"{name} is not known here")

    def _absent(self, argument: Any, name: str) -> list[Sample]:
        if name == "absent_over_time":
            argument = argument.vector_selector if isinstance(argument, pp.MatrixSelector) else argument
        if not isinstance(argument, pp.VectorSelector):
            raise Unsteady("what is absent is computed")
        equal = {each.name: str(each.value) for each in argument.matchers.matchers if each.op == pp.MatchOp.Equal}
        found = any(takes_all(argument, each.labels) for each in self.series)
        return [] if found else [Sample({name: value for name, value in equal.items() if name != NAME}, 1.0)]

    def _windowed(self, name: str, matrix: Any) -> list[Sample]:
        form, function = _WINDOWS[name]
        window = int(matrix.range.total_seconds())
        found = self._selected(matrix.vector_selector, (form,))
        return [Sample(_nameless(each.labels), function(each.value, window, window // self.step)) for each in found]

    def _joined(self, node: Any) -> Value:
        op, left, right = str(node.op), self.value(node.lhs), self.value(node.rhs)
        compares = _COMPARES.get(op)
        if compares and node.modifier and node.modifier.return_bool:
            raise Unsteady("it compares with bool")
        if isinstance(left, float) and isinstance(right, float):
            if op not in _ARITHMETIC:
                raise Unsteady("it compares two numbers")
            return float(_ARITHMETIC[op](left, right))
        if isinstance(right, float):
            assert not isinstance(left, float)
            if compares:
                return [each for each in left if compares(each.value, right)]
            return _mapped(left, lambda value: _ARITHMETIC[op](value, right))
        if isinstance(left, float):
            if compares:
                return [each for each in right if compares(left, each.value)]
            return _mapped(right, lambda value: _ARITHMETIC[op](left, value))
        return _set(op, left, right, node.modifier) if op in ("and", "or", "unless") else _matched(node, left, right)


def takes_all(selector: Any, labels: Labels) -> bool:
    """Whether a selector takes a series with these labels."""
    named = not selector.name or labels.get(NAME) == selector.name
    return named and all(takes(matcher, labels.get(matcher.name, "")) for matcher in selector.matchers.matchers)


def _nameless(labels: Labels) -> Labels:
    return {name: value for name, value in labels.items() if name != NAME}


def _mapped(value: Value, function: Callable[[float], float]) -> Value:
    if isinstance(value, float):
        return float(function(value))
    return [Sample(_nameless(each.labels), float(function(each.value))) for each in value]


def _kept(labels: Labels, modifier: Any) -> tuple[tuple[str, str], ...]:
    """The labels of a group. Those that a series does not have are empty, and no labels."""
    if modifier is None:
        return ()
    listed = set(modifier.labels)
    by = modifier.type == pp.AggModifierType.By
    return tuple(sorted((k, v) for k, v in labels.items() if ((k in listed) if by else k not in {*listed, NAME})))


def _key(labels: Labels, modifier: Any) -> tuple[tuple[str, str], ...]:
    matching = modifier.matching if modifier else None
    listed = set(matching.labels) if matching else set()
    on = matching is not None and matching.type == pp.LabelModifierType.Include
    return tuple(sorted((k, v) for k, v in labels.items() if ((k in listed) if on else k not in {*listed, NAME})))


def _set(op: str, left: list[Sample], right: list[Sample], modifier: Any) -> list[Sample]:
    there = {_key(each.labels, modifier) for each in right}
    if op == "or":
        here = {_key(each.labels, modifier) for each in left}
        return [*left, *(each for each in right if _key(each.labels, modifier) not in here)]
    return [each for each in left if (_key(each.labels, modifier) in there) == (op == "and")]


def _matched(node: Any, left: list[Sample], right: list[Sample]) -> list[Sample]:
    """Arithmetic and comparisons of two vectors."""
    modifier = node.modifier
    if modifier and modifier.card not in (pp.VectorMatchCardinality.OneToOne, pp.VectorMatchCardinality.ManyToOne):
        raise Unsteady("it has several series on its right for one on its left")
    many = bool(modifier) and modifier.card == pp.VectorMatchCardinality.ManyToOne
    one: dict[tuple[tuple[str, str], ...], Sample] = {}
    for each in right:
        if one.setdefault(_key(each.labels, modifier), each) is not each:
            raise Unsteady("several series on its right are alike")
    found: dict[tuple[tuple[str, str], ...], Sample] = {}
    for each in left:
        key = _key(each.labels, modifier)
        other = one.get(key)
        if other is None:
            continue
        if key in found and not many:
            raise Unsteady("several series on its left are alike")
        value = _combined(str(node.op), each.value, other.value)
        # Without `many`, the key has all labels that are left: those of `on`, or all but those of `ignoring`.
        labels = {**_nameless(each.labels), **_added(modifier, other.labels)} if many else dict(key)
        if value is not None:
            found[tuple(sorted(labels.items()))] = Sample(labels, value)
    return list(found.values())


def _combined(op: str, left: float, right: float) -> float | None:
    if op in _COMPARES:
        return left if _COMPARES[op](left, right) else None
    if op not in _ARITHMETIC:
        raise Unsteady(f"{op} is not known here")
    return float(_ARITHMETIC[op](left, right))


def _added(modifier: Any, labels: Labels) -> Labels:
    return {name: labels[name] for name in modifier.group_labels or () if name in labels}


def _quantiles(quantile: float, buckets: Iterable[Sample]) -> list[Sample]:
    groups: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    for each in buckets:
        rest = tuple(sorted((k, v) for k, v in each.labels.items() if k not in ("le", NAME)))
        groups.setdefault(rest, []).append((float(each.labels["le"]), each.value))
    return [Sample(dict(rest), _quantile(quantile, sorted(found))) for rest, found in groups.items()]


def _quantile(quantile: float, buckets: list[tuple[float, float]]) -> float:
    """As Prometheus has it: even within a bucket, and nothing beyond the last finite one."""
    total = buckets[-1][1]
    if not total or len(buckets) < 2:
        return math.nan
    rank = quantile * total
    at = next(index for index, (_, count) in enumerate(buckets) if count >= rank)
    if at == len(buckets) - 1:
        return buckets[-2][0]
    lower, below = buckets[at - 1] if at else (0.0, 0.0)
    upper, count = buckets[at]
    return lower + (upper - lower) * (rank - below) / (count - below)
