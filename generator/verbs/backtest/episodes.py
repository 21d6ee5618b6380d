"""The life of an alert, worked out again as Prometheus would: pending, firing, kept firing, over.

Pure arithmetic over the times at which an expression was true. Owns the rules of Prometheus' own alert states and the
figures that are made of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from statistics import median
from typing import Final, Literal

from generator.verbs.backtest.history import LabelSet, Period

State = Literal["inactive", "pending", "firing"]

# An episode that begins so soon after the last one of the same thing flaps.
FLAP_SECONDS: Final = 1800
_NIGHT_FROM: Final = 22
_NIGHT_TO: Final = 7


@dataclass(frozen=True, slots=True)
class AlertRule:
    """What of an alert decides when it fires: evaluation interval, `for` and `keep_firing_for`, in seconds."""

    step: int
    hold: int
    keep: int


@dataclass(frozen=True, slots=True)
class Episode:
    """It fired from `start` to `end`; `end` is None while it goes on."""

    labels: LabelSet
    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class History:
    """What one alert did in a window: its episodes by time, and how often it was pending without ever firing."""

    episodes: tuple[Episode, ...]
    nearly: int


@dataclass(frozen=True, slots=True)
class Figures:
    """A history in numbers: seconds, and a share from 0 to 1."""

    episodes: int
    firing: int
    median: int
    longest: int
    flaps: int
    night: float
    nearly: int


@dataclass(slots=True)
class Machine:
    """The state of one alert of one set of labels, evaluation by evaluation."""

    rule: AlertRule
    state: State = "inactive"
    _active_at: int = 0
    _missing_since: int | None = None

    def evaluate(self, at: int, is_true: bool) -> State:
        """The state after an evaluation at `at`, in the order in which Prometheus decides it."""
        if is_true:
            self._missing_since = None
            if self.state == "inactive":
                self.state, self._active_at = "pending", at
        elif self.state == "firing" and self.rule.keep:
            self._missing_since = at if self._missing_since is None else self._missing_since
            if at - self._missing_since >= self.rule.keep:
                self.state = "inactive"
        else:
            self.state = "inactive"
        if self.state == "pending" and at - self._active_at >= self.rule.hold:
            self.state = "firing"
        return self.state


def states(true: Sequence[int], window: Period, rule: AlertRule) -> Iterator[tuple[int, State]]:
    """The state after each evaluation in which there is one; those in which nothing is the case are left out."""
    machine, end = Machine(rule), window.aligned(rule.step).end
    for place, at in enumerate(true):
        following = true[place + 1] if place + 1 < len(true) else end + rule.step
        yield at, machine.evaluate(at, True)
        for later in range(at + rule.step, following, rule.step):
            state = machine.evaluate(later, False)
            yield later, state
            if state == "inactive":
                break


def replay(times: Mapping[LabelSet, Sequence[int]], window: Period, rule: AlertRule) -> History:
    """The history of an alert whose expression was true at `times`."""
    episodes: list[Episode] = []
    nearly = 0
    for labels, true in times.items():
        since, was = 0, "inactive"
        for at, state in states(true, window, rule):
            if state == "firing" and was != "firing":
                since = at
            if was == "firing" and state != "firing":
                episodes.append(Episode(labels, since, at))
            nearly += was == "pending" and state == "inactive"
            was = state
        if was == "firing":
            episodes.append(Episode(labels, since, None))
    return History(tuple(sorted(episodes, key=lambda each: (each.start, each.labels))), nearly)


def figures(history: History, window: Period, zone: tzinfo | None = None) -> Figures:
    """The history in numbers. `zone` says when it is night; None is the machine's own."""
    lengths = [(window.end if each.end is None else each.end) - each.start for each in history.episodes]
    nights = sum(_is_night(each.start, zone) for each in history.episodes)
    return Figures(
        episodes=len(lengths),
        firing=sum(lengths),
        median=int(median(lengths)) if lengths else 0,
        longest=max(lengths, default=0),
        flaps=_flaps(history.episodes),
        night=nights / len(lengths) if lengths else 0.0,
        nearly=history.nearly,
    )


def _flaps(episodes: Sequence[Episode]) -> int:
    over: dict[LabelSet, int] = {}
    flaps = 0
    for each in episodes:
        flaps += each.labels in over and each.start - over[each.labels] < FLAP_SECONDS
        if each.end is not None:
            over[each.labels] = each.end
    return flaps


def _is_night(at: int, zone: tzinfo | None) -> bool:
    hour = datetime.fromtimestamp(at, zone).astimezone(zone).hour
    return hour >= _NIGHT_FROM or hour < _NIGHT_TO
