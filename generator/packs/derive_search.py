"""How an alert of no plain form is proven: values of its series are tried until one of them alone makes it fire.

Owns the search: which series an expression reads, what each may do, and the two states between which only one of them
changes. What an expression returns for steady series is for generator.promql.steady to say.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import promql_parser as pp

from generator.conventions import Fault
from generator.packs.derive import CaseData, Underivable, number_text, others, steps_for
from generator.packs.derive_series import SET_BY_RULES, Moving, read_series
from generator.promql.steady import FORMS, NAME, Sample, Steady, Unsteady, evaluate
from generator.promql.tree import constant, parse, walk

# What the series that do not change are, the numbers of the expression apart.
_USUAL: Final = (100.0, 1.0, 0.0)
_STEP: Final = 60
_COUNTS: Final = frozenset({"changes", "resets"})
_FEW: Final = 3
# What grows in their window is shared out evenly.
_GROWTH: Final = frozenset({"rate", "increase"})
_HARDLY: Final = 0.01
_BETWEEN: Final = 1.1
_DIGITS: Final = (1.0, 2.0, 5.0)
_EXPONENTS: Final = range(-3, 12)
_COUNTED: Final = 30
_HALVINGS: Final = 60
_NEAR: Final = 0.001
_LEAST: Final = 1e-6

Values = tuple[float | None, ...]


def search_case(expr: str, hold: int, fault: Fault) -> CaseData:
    """The case of an alert with this expression. Raises Underivable."""
    tree = parse(expr)
    reading = read_series(tree)
    if reading.window and fault == "outage":
        raise Underivable("an outage notifies within seconds, and a window holds minutes")
    reason = "no values of its series were found with which it fires"
    for step, moving in itertools.product(_steps(tree, reading.windows, hold), reading.ways):
        search = _Search(tree, moving, step)
        try:
            found = search.find()
        except Unsteady as error:
            reason = str(error)
            continue
        if found is not None:
            return search.case(found, reading.window, hold)
    raise Underivable(reason)


def _steps(tree: Any, windows: Sequence[int], hold: int) -> Sequence[int]:
    """Seconds between samples that are tried. What counts changes is to see hardly more of them than its limit."""
    if not windows:
        return (_STEP,)
    counts = any(isinstance(node, pp.Call) and str(node.func.name) in _COUNTS for node in walk(tree))
    return steps_for(windows, hold, _FEW) if counts else steps_for(windows, hold)[:1]


@dataclass(frozen=True, slots=True)
class _Found:
    """The series that changes, what all others are, and what it is while all is well and when not; and on both sides of
    the edge."""

    index: int
    base: Values
    healthy: float | None
    broken: float | None
    edge: tuple[float, float] | None


class _Search:
    """The search among one list of series."""

    def __init__(self, tree: Any, moving: Sequence[Moving], step: int) -> None:
        self.tree, self.moving, self.step = tree, moving, step
        found = {abs(value) for node in walk(tree) if (value := constant(node)) is not None and math.isfinite(value)}
        self.numbers = sorted(found)

    def find(self) -> _Found | None:
        """The first series, in the order of the expression, that alone can make it fire and be silent."""
        for index, each in enumerate(self.moving):
            for usual in (*_USUAL, *(2 * number for number in self.numbers), *(number / 2 for number in self.numbers)):
                base = tuple(other.usual(usual) for other in self.moving)
                if found := self._turn(index, base, list(self._tried(each))):
                    return found
        return None

    def _tried(self, each: Moving) -> Iterator[float | None]:
        """Values of a series, from none at all upwards, those below zero last."""
        yield None
        if each.sort == "counted":
            yield from map(float, range(1, _COUNTED))
            return
        if each.sort == "histogram":
            yield from (0.0, 1.0)
            return
        sizes = {digit * 10.0**exponent for exponent in _EXPONENTS for digit in _DIGITS}
        sizes |= {number * factor for number in self.numbers for factor in (0.5, 1.0, 1.5)}
        upwards = [0.0, *sorted(sizes)]
        if each.form == "from_now":
            yield from (-size for size in upwards)
            yield from upwards
            return
        yield from upwards
        if each.form != "rate":
            yield 0.0
            yield from (-size for size in upwards[1:])

    def _turn(self, index: int, base: Values, tried: list[float | None]) -> _Found | None:
        """Two neighbours of which one fires. That a series is not there at all comes last."""
        fires = [self.fires(self._with(base, index, value)) for value in tried]
        places = [*range(1, len(tried) - 1), 0]
        at = next((at for at in places if fires[at] != fires[at + 1]), None)
        if at is None:
            return None
        quiet, firing = (tried[at], tried[at + 1]) if fires[at + 1] else (tried[at + 1], tried[at])
        if quiet is None or firing is None or self.moving[index].sort == "counted":
            return _Found(index, base, quiet, firing, None)
        return self._settled(index, base, quiet, firing)

    def _settled(self, index: int, base: Values, quiet: float, firing: float) -> _Found:
        def fires(value: float) -> bool:
            return self.fires(self._with(base, index, value))

        low = self._last(fires, quiet, firing)
        away = math.copysign(abs(low) / 2 if abs(low) > _LEAST else 1.0, firing - quiet)
        # What grows in a window is to pass the limit between two samples.
        away *= _BETWEEN if self.moving[index].form == "rate" else 1
        broken = next((each for each in map(_written, (low + away, low + 2 * away)) if fires(each)), firing)
        calm = (0.0,) if self.moving[index].form == "slope" else map(_written, (low - away, low - away / 2))
        healthy = next((each for each in calm if self._is_quiet(index, base, each)), quiet)
        edge = _written(low - math.copysign(abs(low) * _NEAR, firing - quiet))
        over = _written(low + math.copysign(abs(low) * _NEAR, firing - quiet))
        plain = abs(low) < _LEAST or fires(edge) or not fires(over)
        return _Found(index, base, healthy, broken, None if plain else (edge, over))

    @staticmethod
    def _last(fires: Callable[[float], bool], quiet: float, firing: float) -> float:
        """The last value, on the way from the quiet one to the firing one, that does not fire."""
        for _ in range(_HALVINGS):
            middle = (quiet + firing) / 2
            quiet, firing = (quiet, middle) if fires(middle) else (middle, firing)
        return quiet

    def _is_quiet(self, index: int, base: Values, value: float) -> bool:
        below = value < 0 and self.moving[index].form == "rate"
        return not below and not self.fires(self._with(base, index, value))

    @staticmethod
    def _with(base: Values, index: int, value: float | None) -> Values:
        return (*base[:index], value, *base[index + 1 :])

    def fires(self, values: Values) -> bool:
        return self._fired(values) is not None

    def _fired(self, values: Values) -> Sample | None:
        return self._one([each for one, value in zip(self.moving, values, strict=True) for each in one.series(value)])

    def _one(self, series: list[Steady]) -> Sample | None:
        """The one alert that fires."""
        found = evaluate(self.tree, series, self.step)
        if len(found) > 1:
            raise Unsteady("it fires for several series at once")
        return found[0] if found and math.isfinite(found[0].value) else None

    # --- the case -------------------------------------------------------------------------------------------

    def case(self, found: _Found, window: int, hold: int) -> CaseData:
        """The case, as tests.yaml has it."""
        moved = self.moving[found.index]
        base = self._with(found.base, found.index, found.healthy)
        broken = self._with(found.base, found.index, found.broken)
        onset = self._onset(found, window)
        fired = self._fired(broken if onset is None else self._after(found, window, onset + _up(hold, self.step)))
        assert fired is not None
        labels = {k: v for k, v in fired.labels.items() if k not in (NAME, *SET_BY_RULES)}
        case: CaseData = {
            "fault": f"{moved.metric} is on the wrong side of the limit.",
            "background": [each for one, value in zip(self.moving, base, strict=True) for each in one.written(value)],
            "change": self._change(moved, found.healthy, found.broken),
            "labels": labels,
            "value": repr(fired.value),
            "gone": "keeps firing" if self._fires_without(broken, moved.metric) else "resolves",
            "silent_when": [*self._elsewhere(moved, base, found.broken)],
        }
        for silences, still in () if window else self._conditions(found.index, broken):
            case["silent_when"].append(silences)
            case.setdefault("fires_when", []).append(still)
        if found.edge is None:
            case["no_edge"] = "There is none, or it is what the healthy state is."
        else:
            below, above = found.edge
            case["boundary"] = moved.written(below)
            case.setdefault("fires_when", []).append({"state": "It is just so.", "change": moved.written(above)})
        if window:
            grows = moved.form in ("rate", "slope")
            begins = {"slack": f"{window}s", **({"onset": f"{self.step}s"} if grows else {})}
            case |= begins if onset is None else {"onset": f"{onset}s"}
            case |= {"step": f"{self.step}s", "clears": f"{window + self.step}s", "calm": f"{2 * window}s"}
        return case

    def _onset(self, found: _Found, window: int) -> int | None:
        """After how many seconds the window holds enough of the fault; None where that is not known to a sample."""
        nodes = list(walk(self.tree))
        calls = {str(node.func.name) for node in nodes if isinstance(node, pp.Call)} & FORMS.keys()
        windows = {node.range for node in nodes if isinstance(node, pp.MatrixSelector)}
        if len(windows) != 1 or not calls <= _GROWTH or found.healthy is None or found.broken is None:
            return None
        for seconds in range(self.step, window, self.step):
            about = (seconds - _HARDLY, seconds, seconds + _HARDLY)
            before, now, soon = (self.fires(self._after(found, window, each)) for each in about)
            if now != before or now != soon:
                return None
            if now:
                return seconds
        return None

    def _after(self, found: _Found, window: int, seconds: float) -> Values:
        """What the window shows so long after the fault began: the growth between its samples."""
        assert found.healthy is not None
        assert found.broken is not None
        share = min(max(seconds / (window - self.step), 0.0), 1.0)
        return self._with(found.base, found.index, found.healthy + (found.broken - found.healthy) * share)

    @staticmethod
    def _change(moved: Moving, healthy: float | None, broken: float | None) -> list[dict[str, object]]:
        after, before = moved.written(broken), moved.written(healthy)
        kept = {str(each["series"]) for each in after}
        return [*after, *({"series": each["series"], "gone": True} for each in before if each["series"] not in kept)]

    def _fires_without(self, values: Values, metric: str) -> bool:
        pairs = zip(self.moving, values, strict=True)
        left = [each for one, value in pairs for each in one.series(value) if each.labels[NAME] != metric]
        return self._one(left) is not None

    def _elsewhere(self, moved: Moving, base: Values, broken: float | None) -> Iterator[dict[str, object]]:
        """The same of series that one matcher alone keeps out."""
        if broken is None or moved.sort != "plain":
            return
        healthy = [each for one, value in zip(self.moving, base, strict=True) for each in one.series(value)]
        there = [each.labels for each in healthy]
        for changed in others(moved.selector, moved.labels):
            other = moved.relabelled(changed)
            try:
                silent = other.labels not in there and self._one([*healthy, *other.series(broken)]) is None
            except Unsteady:
                continue
            if silent:
                yield {"state": "It is so elsewhere.", "change": other.written(broken)}

    def _conditions(self, moved: int, broken: Values) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
        """The fault, with another series of a value that just makes it none, and of one that just does not."""
        for index, other in enumerate(self.moving):
            fault = broken[index]
            if index == moved or other.sort != "plain" or fault is None:
                continue

            def silent(value: float, index: int = index) -> bool:
                return not self.fires(self._with(broken, index, value))

            tried = (value for value in self._tried(other) if value is not None)
            none = next((value for value in tried if silent(value)), None)
            if none is None:
                continue
            edge = self._last(silent, fault, none)
            beyond = math.copysign(max(abs(edge) * _NEAR, _LEAST), none - fault)
            after, before = _written(edge + beyond), _written(edge - beyond)
            after, before = after if silent(after) else none, fault if silent(before) else before
            but, so = f"It is so, but {other.metric} makes it none.", f"It is so, and {other.metric} allows it."
            yield (
                {"state": but, "with_fault": True, "change": other.written(after)},
                {"state": so, "with_fault": True, "change": other.written(before)},
            )


def _up(seconds: int, step: int) -> int:
    return -(-seconds // step) * step


def _written(value: float) -> float:
    """As a proof has it."""
    return float(number_text(value))
