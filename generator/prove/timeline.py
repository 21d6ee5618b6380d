"""One timeline of synthetic series, put together stretch by stretch, in promtool's notation.

Owns the arithmetic: counters never jump between stretches, a series that ends leaves a stale marker. It knows nothing
of alerts.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from generator.packs.cases import GaugeLevel, Rate, Shape, Share, State

# Counters have counted for so many seconds: near zero, Prometheus extrapolates less, and a ratio of two would be off.
_COUNTED: Final = 1_000_000.0
_LONGEST_RUN: Final = 9_000  # promtool refuses more than 10000 values in one run


@dataclass(slots=True)
class Timeline:
    """Series over time. A stretch is a whole number of both intervals, so it begins with a sample and an evaluation.

    `rates` says how fast each counter grows at most.
    """

    interval: int
    evaluation: int
    rates: Mapping[str, float] = field(default_factory=dict)
    now: int = 0
    _values: dict[str, list[str]] = field(default_factory=dict)
    _counters: dict[str, float] = field(default_factory=dict)
    _alive: set[str] = field(default_factory=set)
    _shares: dict[str, float] = field(default_factory=dict)

    def run(self, seconds: float, state: State) -> int:
        """Let the series of `state` do what it says for at least so long, all others be gone. Returns the start."""
        start, unit = self.now, math.lcm(self.interval, self.evaluation)
        length = max(math.ceil(seconds / unit), 1) * unit
        samples = length // self.interval
        for series in state.keys() - self._values.keys():
            self._values[series] = _missing(start // self.interval)
        for series in self._values:
            self._values[series] += self._stretch(series, state.get(series), samples)
        self._alive = set(state)
        self.now += length
        return start

    def align(self, seconds: float) -> int:
        """`seconds` rounded up to a whole number of evaluations."""
        return math.ceil(seconds / self.evaluation) * self.evaluation

    def series(self) -> list[dict[str, str]]:
        """promtool's `input_series`, by name."""
        return [{"series": series, "values": " ".join(values)} for series, values in sorted(self._values.items())]

    def _stretch(self, series: str, shape: Shape | None, samples: int) -> list[str]:
        if shape is None:
            return ["stale", *_missing(samples - 1)] if series in self._alive else _missing(samples)
        if isinstance(shape, Share):
            before = _run(self._shares[series], 0.0, 1) if series in self._alive else _missing(1)
            self._shares[series] = shape.value
            return [*before, *_run(shape.value, 0.0, samples - 1)]
        if isinstance(shape, Rate):
            first, step = (
                self._counters.get(series, _COUNTED * max(self.rates.get(series, 0.0), 1.0)),
                shape.per_second * self.interval,
            )
            self._counters[series] = first + step * samples
        elif isinstance(shape, GaugeLevel):
            first, step = shape.value, shape.slope * self.interval
        else:
            first, step = self.now + shape.seconds, float(self.interval)
        return _run(first, step, samples)


def _missing(samples: int) -> list[str]:
    return [f"_x{samples}"] if samples > 0 else []


def _run(first: float, step: float, samples: int) -> list[str]:
    """promtool writes `a+bxn` for n + 1 values."""
    words = []
    while samples > 0:
        count = min(samples, _LONGEST_RUN)
        if count == 1:
            words.append(_number(first))
        elif step == 0:
            words.append(f"{_number(first)}x{count - 1}")
        else:
            sign = "+" if step > 0 else "-"
            words.append(f"{_number(first)}{sign}{_number(abs(step))}x{count - 1}")
        first += step * count
        samples -= count
    return words


def _number(value: float) -> str:
    text = f"{value:.9f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
