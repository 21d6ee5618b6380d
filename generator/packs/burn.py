"""Error budgets and how fast they burn: the four pairs of windows, and the formulas that predict when each fires.

Owns the arithmetic; docs/slo.md says it in words. A burn rate of 1 spends the budget in exactly its window. All times
are whole seconds, and every window is a multiple of the slice in which events are counted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import Final

DAY: Final = 86400
# Events are counted in slices of five minutes, and long windows add slices up.
SLICE: Final = 300
# The window that the pairs below are written for; another one scales them.
MONTH: Final = 30 * DAY
SHORTEST: Final = 7 * DAY
LONGEST: Final = 30 * DAY
# Seconds between samples in the proofs of all pairs but the fastest; by how much a proof has more bad events than an
# alert asks for; and how often at most it feeds a pace, where finer steps allow that: promtool holds 10,000 samples.
PROOF_SAMPLES: Final = 150
ENOUGH: Final = 1.25
_MOST_TIMES: Final = 400
# A short window is a twelfth of its long one.
_SHORT: Final = 12


@dataclass(frozen=True, slots=True)
class Pair:
    """A burn rate that fires when both its windows show it: the long one for significance, the short one for a quick
    end."""

    name: str
    factor: float
    short: int
    long: int

    def can_fire(self, budget: float) -> bool:
        """Whether so fast a burn exists: no more than all events can be bad."""
        return self.factor * budget < 1


def pairs(window: int) -> tuple[Pair, ...]:
    """The four pairs for an objective over `window` seconds, the fastest first."""
    return tuple(_pair(name, factor, hours * 3600 * window / MONTH) for name, factor, hours in _PAIRS)


def exhaustion(window: int, factor: float) -> int:
    """Seconds in which a burn of `factor` spends the whole budget."""
    return int(window / factor)


def least_target(factor: float) -> float:
    """The target at which a burn of `factor` is all events: above it the pair can fire, at it or below never."""
    return 1 - 1 / factor


def proof_burn(pair: Pair, budgets: Iterable[float]) -> float:
    """A burn at which this pair fires and no faster one does, and that every one of `budgets` allows."""
    tightest = max(budgets)
    return min(1.8 * pair.factor, (pair.factor + 1 / tightest) / 2)


def proof_step(pair: Pair) -> int:
    """Seconds between the evaluations of a pair's proof."""
    return max(pair.short // 2 // SLICE, 1) * SLICE


def own_pace_step(pair: Pair, budget: float, least: float) -> int:
    """The same where events come at their own pace: a proof feeds that pace so many times over that its slices hold
    `least` bad events at the limit, and finer steps need fewer times."""
    seconds = _MOST_TIMES * pair.factor * pair.long * budget * SLICE / (PROOF_SAMPLES * ENOUGH * max(least, 1))
    return max(int(seconds) // SLICE, 1) * SLICE


_PAIRS: Final = (("page_fast", 14.4, 1), ("page_slow", 6.0, 6), ("ticket_fast", 3.0, 24), ("ticket_slow", 1.0, 72))


def _pair(name: str, factor: float, long: float) -> Pair:
    return Pair(name, factor, max(_slices(long / _SHORT), SLICE), _slices(long))


def _slices(seconds: float) -> int:
    return ceil(seconds / SLICE) * SLICE
