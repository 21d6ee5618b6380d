"""Which series an expression reads, and what each of them may do: the ground on which a proof is searched.

Owns how selectors become series. Which values they take is the business of generator.packs.derive_search.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import promql_parser as pp

from generator.packs.derive import Underivable
from generator.promql.matchers import ANY_VALUE, by_label, examples
from generator.promql.steady import FORMS, NAME, Form, Steady
from generator.promql.tree import children, constant, walk

PLACEHOLDERS: Final = {"job": "<<target.job>>", "instance": "<<target.instance>>", "environment": "<<environment>>"}
# Scraping and the alert itself say these.
SET_BY_RULES: Final = ("service", "environment")

Sort = Literal["plain", "counted", "histogram"]
Written = dict[str, object]


@dataclass(frozen=True, slots=True)
class Moving:
    """A series of an expression, or several that are one thing.

    plain: its value, in its form. counted: so many series, alike but for the label `varied`. histogram: the share of
    events above the middle one of `edges`, the only one that counts.
    """

    metric: str
    labels: Mapping[str, str]
    form: Form
    sort: Sort
    selector: Any
    varied: str = ""
    edges: tuple[float, ...] = ()

    def usual(self, value: float) -> float:
        """What it is while another one changes."""
        if self.sort != "plain" or self.form == "slope":
            return 1.0 if self.sort == "counted" else 0.0
        return -value if self.form == "from_now" else value

    def series(self, value: float | None) -> list[Steady]:
        """What it is at a value; nothing without one."""
        if value is None:
            return []
        if self.sort == "counted":
            first = self.labels.get(self.varied, "")
            names = [first, *(f"other-{number}" for number in range(1, int(value)))]
            return [Steady({**self.labels, self.varied: name}, self.form, 1.0) for name in names if name]
        if self.sort == "histogram":
            low, limit, high = self.edges
            counts = {f"{low:g}": 1 - value, f"{limit:g}": 1 - value, f"{high:g}": 1.0, "+Inf": 1.0}
            return [Steady({**self.labels, "le": le}, "rate", count) for le, count in counts.items()]
        return [Steady(self.labels, self.form, value)]

    def written(self, value: float | None) -> list[Written]:
        """The same in the notation of tests.yaml."""
        return [_written(each) for each in self.series(value)]

    def relabelled(self, labels: Mapping[str, str]) -> "Moving":
        """It with other labels."""
        without = {name: value if name in (NAME, *PLACEHOLDERS) else "" for name, value in self.labels.items()}
        return replace(self, labels={**without, **labels})


@dataclass(frozen=True, slots=True)
class Reading:
    """What an expression reads: lists of series, of which the first that leads anywhere is taken, and its windows."""

    ways: tuple[tuple[Moving, ...], ...]
    windows: tuple[int, ...]

    @property
    def window(self) -> int:
        """The longest window, 0 without one."""
        return max(self.windows, default=0)


def read_series(tree: Any) -> Reading:
    """The series of an expression. Raises Underivable."""
    found = list(_found(tree, _Place()))
    if not found:
        raise Underivable("it reads no series")
    grouped = {label for node in walk(tree) for label in _grouping(node)} - {*SET_BY_RULES, *PLACEHOLDERS, "le", NAME}
    own = [_labels(selector) for selector, _ in found]
    everything = {name: value for labels in own for name, value in labels.items() if name != NAME}
    ways = []
    for more in ({}, everything):
        moving: dict[tuple[object, ...], Moving] = {}
        for (selector, place), labels in zip(found, own, strict=True):
            extra = {**dict.fromkeys(grouped, ANY_VALUE), **more}
            each = _moving(selector, place, labels, extra)
            moving.setdefault((each.form, *sorted(each.labels.items())), each)
        ways.append(tuple(moving.values()))
    windows = tuple(int(each.range.total_seconds()) for each in walk(tree) if isinstance(each, pp.MatrixSelector))
    return Reading(tuple(ways if ways[0] != ways[1] else ways[:1]), windows)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a selector stands: what is made of its series."""

    form: Form = "level"
    varied: str = ""
    limit: float | None = None
    quantile: bool = False


def _found(node: Any, place: _Place) -> Iterator[tuple[Any, _Place]]:
    match node:
        case pp.VectorSelector():
            yield node, place
            return
        case pp.Call() if str(node.func.name) in FORMS and isinstance(node.args[0], pp.MatrixSelector):
            place = replace(place, form=FORMS[str(node.func.name)])
        case pp.Call() if str(node.func.name) == "histogram_quantile":
            place = replace(place, quantile=True)
        case pp.AggregateExpr() if str(node.op) == "count":
            place = replace(place, varied=place.varied or _varied(node))
        case pp.BinaryExpr():
            for side, other in ((node.lhs, node.rhs), (node.rhs, node.lhs)):
                yield from _found(side, _beside(place, str(node.op), other))
            return
    for child in children(node):
        yield from _found(child, place)


def _beside(place: _Place, op: str, other: Any) -> _Place:
    """Beside `other` in an operation: less the time, a series is a point in time."""
    if op == "-" and any(isinstance(node, pp.Call) and str(node.func.name) == "time" for node in walk(other)):
        place = replace(place, form="from_now")
    limit = constant(other) if op in (">", "<", ">=", "<=") else None
    return place if limit is None else replace(place, limit=limit)


def _varied(node: Any) -> str:
    """The label in which series differ that are counted: that of the groups which are."""
    inner = node.expr
    while isinstance(inner, pp.ParenExpr):
        inner = inner.expr
    if isinstance(inner, pp.AggregateExpr) and inner.modifier and inner.modifier.type == pp.AggModifierType.By:
        return next((str(label) for label in inner.modifier.labels if label not in SET_BY_RULES), "instance")
    return "instance"


def _moving(selector: Any, place: _Place, labels: Mapping[str, str], extra: Mapping[str, str]) -> Moving:
    asked = {matcher.name for matcher in selector.matchers.matchers}
    more = {name: value for name, value in extra.items() if name not in asked}
    whole = {**PLACEHOLDERS, **more, **labels}
    metric = labels[NAME]
    if place.quantile and place.form == "rate" and "le" not in asked:
        limit = place.limit if place.limit and place.limit > 0 else 1.0
        edges = (limit / 2, limit, limit * 2)
        return Moving(metric, whole, "rate", "histogram", selector, edges=edges)
    if place.varied and place.form == "level":
        varied = {**whole, place.varied: whole.get(place.varied) or ANY_VALUE}
        return Moving(metric, varied, "level", "counted", selector, varied=place.varied)
    return Moving(metric, whole, place.form, "plain", selector)


def _labels(selector: Any) -> dict[str, str]:
    """Labels of a series that the selector takes."""
    if selector.offset is not None or selector.at is not None:
        raise Underivable("it looks at another time")
    if not selector.name:
        raise Underivable("it names no metric")
    labels = {NAME: str(selector.name)}
    for name, matchers in by_label(selector.matchers.matchers).items():
        if name in ("job", "instance"):
            raise Underivable(f"it chooses by {name}")
        try:
            value = next(examples(matchers, ANY_VALUE), None)
        except (RecursionError, ValueError, re.error) as error:
            raise Underivable(f"no value is known that matches {name}") from error
        if value is None:
            raise Underivable(f"no value is known that matches {name}")
        if value:
            labels[name] = value
    return labels


def _grouping(node: Any) -> Sequence[str]:
    """Labels that an operation keeps or matches by."""
    if isinstance(node, pp.AggregateExpr) and node.modifier and node.modifier.type == pp.AggModifierType.By:
        return list(node.modifier.labels)
    matching = node.modifier.matching if isinstance(node, pp.BinaryExpr) and node.modifier else None
    return list(matching.labels) if matching and matching.type == pp.LabelModifierType.Include else []


def _written(series: Steady) -> Written:
    named = {k: v for k, v in series.labels.items() if v and k != NAME and PLACEHOLDERS.get(k) != v}
    inside = ",".join(f'{name}="{value}"' for name, value in sorted(named.items()))
    text = f"{series.labels[NAME]}{{{inside}}}" if inside else series.labels[NAME]
    number = f"{round(series.value, 9):.9f}".rstrip("0").rstrip(".")
    shape: Written = {"level": "1", "slope": number} if series.form == "slope" else {series.form: number}
    return {"series": text, **shape}
