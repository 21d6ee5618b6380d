"""What a healthy service exports, as far as its alerts need it, and what is left of that when one need is not met.

Owns the series for proofs. The needs are generator.packs.needs'.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from generator.packs.context import Target
from generator.packs.needs import EDGE
from generator.site.model import Need
from generator.units import format_number

# What is missing where a target exports none of it.
NOTHING: Final = "metric that alerts read"


@dataclass(frozen=True, slots=True)
class Exported:
    """A series of a target, with the labels that are needed; `metric` and `end` say what it is."""

    job: str
    instance: str
    series: str
    metric: str
    end: str = ""


@dataclass(frozen=True, slots=True)
class Lack:
    """A need that is not met: which series are missing, and which are there in place of them."""

    job: str
    instance: str
    missing: str
    gone: tuple[Exported, ...]
    instead: tuple[Exported, ...]


def exported(needs: Sequence[Need], targets: Iterable[Target]) -> list[Exported]:
    """The series of each target."""
    return [each for target in targets for need in needs if need.is_metric for each in _series(need, needs, target, "")]


def lacks(needs: Sequence[Need], targets: Sequence[Target]) -> list[Lack]:
    """Each need, not met by any target."""
    everything = exported(needs, targets)
    found = []
    for need in needs:
        of_metric = [each for each in everything if each.metric == need.metric]
        gone, instead = of_metric, list[Exported]()
        if need.side:
            ends = sorted({float(each.end) for each in of_metric if each.end != "+Inf"})
            lost = format_number(ends[-1] if need.side == "above" else ends[0])
            gone = [each for each in of_metric if each.end == lost]
        elif need.label == EDGE:
            gone = [each for each in of_metric if each.end != "+Inf"]
        elif need.label:
            whole = next(each for each in needs if each.is_metric and each.metric == need.metric)
            instead = [each for target in targets for each in _series(whole, needs, target, need.label)]
        first = targets[0]
        left = len(everything) > len(gone) or instead
        missing = need.missing if left else NOTHING
        found.append(Lack(first.job, first.instance, missing, tuple(gone), tuple(instead)))
    return found


def _series(need: Need, needs: Sequence[Need], target: Target, without: str) -> list[Exported]:
    """A series of the metric, or one for each end of a bucket: below and above all limits, and the last."""
    mine = [each for each in needs if each.metric == need.metric]
    labels = {each.label: "x" for each in mine if each.label not in ("", EDGE, without)}
    if not any(each.label == EDGE for each in mine):
        return [Exported(target.job, target.instance, _text(need.metric, labels), need.metric)]
    limits = [each.limit for each in mine if each.side] or [1.0]
    ends = [format_number(min(limits) / 2), format_number(max(limits) * 2), "+Inf"]
    return [
        Exported(target.job, target.instance, _text(need.metric, {**labels, EDGE: end}), need.metric, end)
        for end in ends
    ]


def _text(metric: str, labels: dict[str, str]) -> str:
    inside = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{metric}{{{inside}}}"
