"""How an alert that a user wrote is proven: the series of its fault, worked out from a plain expression.

Owns the one plain form: one number to compare with, on the other side a selector, a rate or increase of one, or what
avg, max, min and last_over_time make of one, all of it aggregated or not. Whatever is of another form is for its author
to describe. The result is a case as tests.yaml has them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import promql_parser as pp

from generator.conventions import Fault
from generator.promql.matchers import takes
from generator.promql.text import Limit, limit_of
from generator.promql.tree import parse

_AGGREGATES: Final = frozenset({"sum", "avg", "max", "min"})
_COUNTED: Final = frozenset({"rate", "increase"})
_SMOOTHED: Final = frozenset({"avg_over_time", "max_over_time", "min_over_time", "last_over_time"})
# Seconds between samples, coarsest first.
_STEPS: Final = (3600, 1800, 900, 600, 300, 120, 60, 30, 20, 15, 10, 5, 2, 1)
_LEAST_STEPS: Final = 5
_EDGE: Final = 0.001
_LEAST: Final = 1e-5
# Scraping and the alert itself say these.
_SET: Final = ("service", "environment")
_PLACE: Final = {"job": "<<target.job>>", "instance": "<<target.instance>>"}
_ANY: Final = "any"
_OTHER: Final = "other"

CaseData = dict[str, Any]


class Underivable(ValueError):
    """Why no case can be worked out, in words."""


@dataclass(frozen=True, slots=True)
class _Measure:
    """What an expression measures: a series, what is made of it over which window, and the labels that are left.

    `others` are labels of series that it does not measure, each for another reason.
    """

    metric: str
    matched: Mapping[str, str]
    kind: str
    window: int
    labels: Mapping[str, str]
    others: tuple[Mapping[str, str], ...]

    @property
    def series(self) -> str:
        """The series in the notation of tests.yaml."""
        return self.named(self.matched)

    def named(self, matched: Mapping[str, str]) -> str:
        """A series of the metric with these labels, and those that are left."""
        left = {name: value for name, value in self.labels.items() if name not in (*_PLACE, *self.matched)}
        names = {**left, **matched}
        inside = ",".join(f'{name}="{value}"' for name, value in sorted(names.items()) if value)
        return f"{self.metric}{{{inside}}}" if inside else self.metric


def derive_case(expr: str, hold: int, fault: Fault) -> CaseData:
    """The case of an alert with this expression. Raises Underivable."""
    limit = limit_of(expr)
    if limit is None:
        raise Underivable("it is not one value compared with one number")
    if 0 < abs(limit.value) < _LEAST:
        raise Underivable(f"a proof's numbers go down to {_LEAST:g}")
    measure = _measure(parse(limit.measured))
    if measure.kind not in _COUNTED:
        return _level_case(measure, limit, hold)
    if fault == "outage":
        raise Underivable("an outage notifies within seconds, and a window holds minutes")
    return _counter_case(measure, limit, hold)


def _measure(node: Any) -> _Measure:
    by: list[str] | None = None
    node = _bare(node)
    if isinstance(node, pp.AggregateExpr):
        by = _kept(node)
        node = _bare(node.expr)
    kind, window = "level", 0
    if isinstance(node, pp.Call) and node.func.name in _COUNTED | _SMOOTHED:
        kind, node = node.func.name, node.args[0]
        if not isinstance(node, pp.MatrixSelector):
            raise Underivable(f"{kind} is taken of something that is computed")
        window, node = int(node.range.total_seconds()), node.vector_selector
    if not isinstance(node, pp.VectorSelector):
        raise Underivable("what is compared is computed of more than one series")
    if node.offset is not None or node.at is not None:
        raise Underivable("it looks at another time")
    if not node.name:
        raise Underivable("it names no metric")
    matched = _matched(node)
    everything = {**_PLACE, **matched}
    kept = everything if by is None else by
    labels = {name: everything.get(name, _ANY) for name in kept if name not in _SET}
    return _Measure(str(node.name), matched, kind, window, labels, tuple(others(node, matched)))


def _bare(node: Any) -> Any:
    while isinstance(node, pp.ParenExpr):
        node = node.expr
    return node


def _kept(node: Any) -> list[str]:
    """The labels that an aggregation keeps."""
    if str(node.op) not in _AGGREGATES:
        raise Underivable(f"{node.op} counts or sorts series")
    if node.modifier is None:
        return []
    if node.modifier.type != pp.AggModifierType.By:
        raise Underivable("it aggregates `without` labels, so it is not known which are left")
    return list(node.modifier.labels)


def _matched(selector: Any) -> dict[str, str]:
    """Labels of a series that the selector takes."""
    labels = {}
    for matcher in selector.matchers.matchers:
        if matcher.name == "__name__":
            continue
        if matcher.name in _PLACE or (matcher.name in _SET and matcher.op != pp.MatchOp.Equal):
            raise Underivable(f"it chooses by {matcher.name}")
        value = _value_for(matcher)
        if value:
            labels[matcher.name] = value
    return labels


def others(selector: Any, matched: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The labels of series that one matcher alone keeps out."""
    for matcher in selector.matchers.matchers:
        if matcher.name in (*_SET, "__name__"):
            continue
        wanted = str(matcher.value)
        candidates = [_OTHER, wanted, *wanted.split("|"), _ANY, ""]
        if (value := next((each for each in candidates if not takes(matcher, each)), None)) is not None:
            yield {**matched, matcher.name: value}


def _value_for(matcher: Any) -> str:
    wanted = str(matcher.value)
    if matcher.op == pp.MatchOp.Equal:
        return wanted
    if matcher.op == pp.MatchOp.NotEqual:
        return "" if wanted else _ANY
    try:
        return next(each for each in (*wanted.split("|"), _ANY, "") if takes(matcher, each))
    except (re.error, StopIteration) as error:
        raise Underivable(f"no value is known that matches {matcher.name} {wanted!r}") from error


# --- gauges -------------------------------------------------------------------------------------------------


def _level_case(measure: _Measure, limit: Limit, hold: int) -> CaseData:
    distance = abs(limit.value) / 2 or 1.0
    beyond = {">": 1, ">=": 1, "<": -1, "<=": -1, "==": 0, "!=": 1}[limit.op]
    healthy = limit.value - (distance * beyond if limit.op != "!=" else 0) + (1 if limit.op == "==" else 0)
    broken = limit.value + distance * beyond
    case = _case(measure, "level", healthy, broken, labels=dict(measure.labels), value=number_text(broken))
    if limit.op in ("==", "!="):
        case["no_edge"] = "It is this number or another one."
    else:
        case["boundary"] = [{"series": measure.series, "level": number_text(limit.value)}]
        case["at_edge"] = "firing" if limit.op in (">=", "<=") else "silent"
    if measure.window:
        step = steps_for([measure.window], hold)[0]
        case |= {"gap": f"{measure.window + step}s", "step": f"{step}s"}
    return case


# --- counters -----------------------------------------------------------------------------------------------


def _counter_case(measure: _Measure, limit: Limit, hold: int) -> CaseData:
    """A window holds whole steps, and the samples in it are a step apart: the growth of the last `steps - 1` of them
    is what Prometheus extrapolates to the whole. The fault's rate is chosen so that the limit is passed half way
    between two evaluations."""
    if limit.op in ("==", "!="):
        raise Underivable("a rate is never exactly one number")
    step = steps_for([measure.window], hold)[0]
    spaces = measure.window // step - 1
    passed = max(spaces * 3 // 5, 1) + 0.5 - 1
    scale = measure.window if measure.kind == "increase" else 1
    base = limit.value / scale
    if limit.op in (">", ">="):
        if base < 0:
            raise Underivable("a rate is always above a number below zero")
        healthy, broken = 0.0, base * spaces / passed if base else 1 / step
    else:
        if base <= 0:
            raise Underivable("a rate is never below zero")
        healthy, broken = base / (1 - passed / spaces), 0.0
    onset = passed * step if base else step
    firing = min(_up(onset, step) + _up(hold, step), spaces * step) / (spaces * step)
    value = scale * (healthy + (broken - healthy) * firing)
    case = _case(measure, "rate", healthy, broken, labels=dict(measure.labels), value=number_text(value))
    case |= {"onset": f"{onset:g}", "step": f"{step}s"}
    case |= {"clears": f"{measure.window}s", "calm": f"{2 * measure.window}s"}
    if base:
        edge = base * (1 - _EDGE if limit.op.startswith(">") else 1 + _EDGE)
        case["boundary"] = [{"series": measure.series, "rate": number_text(edge)}]
    else:
        case["no_edge"] = "None at all is the edge, and the healthy state."
    return case


def _case(measure: _Measure, shape: str, healthy: float, broken: float, **more: object) -> CaseData:
    return {
        "fault": f"{measure.metric} is on the wrong side of the limit.",
        "background": [{"series": measure.series, shape: number_text(healthy)}],
        "change": [{"series": measure.series, shape: number_text(broken)}],
        "gone": "resolves",
        "silent_when": [
            {"state": "It is so elsewhere.", "change": [{"series": measure.named(other), shape: number_text(broken)}]}
            for other in measure.others
        ],
        **more,
    }


def steps_for(windows: Sequence[int], hold: int, least: int = _LEAST_STEPS) -> list[int]:
    """Seconds between samples that the windows and the `for` allow, with at least so many in a window, most first."""
    fitting = (step for step in _STEPS if all(each % step == 0 and each // step >= least for each in windows))
    steps = [step for step in fitting if step <= max(hold, 60)]
    if not steps:
        raise Underivable(f"a window of {min(windows)}s holds too few samples")
    return steps


def _up(seconds: float, step: int) -> int:
    return int(-(-seconds // step)) * step


def number_text(value: float) -> str:
    """With as many digits as series in a proof have."""
    return f"{round(value, 9):.9f}".rstrip("0").rstrip(".")
