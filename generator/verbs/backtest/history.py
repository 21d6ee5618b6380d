"""When an expression was true, from a Prometheus' history: asked in pieces, at the pace of the rule.

Owns how much is asked at once. What follows from it for an alert is generator.verbs.backtest.episodes' business.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from generator.clients.http import TooLarge
from generator.clients.prometheus import ask

# Prometheus gives no more than 11000 points of a series at once.
_POINTS: Final = 10_000
_LEAST_POINTS: Final = 50
_TIMEOUT: Final = 120.0
# How finely the beginning of the history is looked for.
_LOOKS: Final = 1_000

LabelSet = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of history: whole seconds since the epoch."""

    start: int
    end: int

    @property
    def seconds(self) -> int:
        """How long it is."""
        return self.end - self.start

    def aligned(self, step: int) -> "Period":
        """The part of it that holds whole steps, as rules are evaluated."""
        return Period(-(-self.start // step) * step, self.end // step * step)


def times_true(url: str, expr: str, window: Period, step: int) -> Mapping[LabelSet, list[int]]:
    """For each set of labels that `expr` returned, when it did. Raises Problems."""
    found: dict[LabelSet, list[int]] = {}
    whole = window.aligned(step)
    start = whole.start
    while start <= whole.end:
        end = min(start + (_POINTS - 1) * step, whole.end)
        for labels, times in _piece(url, expr, Period(start, end), step):
            found.setdefault(labels, []).extend(times)
        start = end + step
    return found


def first_sample(url: str, window: Period) -> int | None:
    """When the history begins, or the window if it is older; None when there is none. Raises Problems."""
    step = max(window.seconds // _LOOKS, 15)
    times = times_true(url, "count(up)", window, step).get((), [])
    if not times:
        return None
    return window.start if times[0] <= window.start + 2 * step else times[0]


def _piece(url: str, expr: str, piece: Period, step: int) -> Iterator[tuple[LabelSet, list[int]]]:
    """One piece, or its halves where it is too much for Prometheus."""
    parameters = {"query": expr, "start": str(piece.start), "end": str(piece.end), "step": str(step)}
    try:
        data = ask(url, "query_range", parameters, _TIMEOUT)
    except TooLarge:
        points = piece.seconds // step + 1
        if points <= _LEAST_POINTS:
            raise
        middle = piece.start + points // 2 * step
        yield from _piece(url, expr, Period(piece.start, middle - step), step)
        yield from _piece(url, expr, Period(middle, piece.end), step)
        return
    for series in data["result"]:
        labels = tuple(sorted((name, value) for name, value in series["metric"].items() if name != "__name__"))
        yield labels, [round(float(at)) for at, _ in series["values"]]
