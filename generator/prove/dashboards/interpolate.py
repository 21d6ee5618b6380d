"""Filling Grafana's variables into a query, as Grafana does.

Owns the arithmetic of `$__interval` and `$__rate_interval` and the formats of variables. What is left over with a
dollar sign is an error, because Prometheus and Loki would be asked for it literally.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from generator.units import parse_duration

Value = str | Sequence[str]
PIXELS: Final = 1000
DEFAULT_SCRAPE: Final = 15

# Grafana's round intervals: up to this many milliseconds -> that many.
_ROUND: Final = (
    (10, 1),
    (15, 10),
    (35, 20),
    (75, 50),
    (150, 100),
    (350, 200),
    (750, 500),
    (1_500, 1_000),
    (3_500, 2_000),
    (7_500, 5_000),
    (12_500, 10_000),
    (17_500, 15_000),
    (25_000, 20_000),
    (45_000, 30_000),
    (90_000, 60_000),
    (210_000, 120_000),
    (450_000, 300_000),
    (750_000, 600_000),
    (1_050_000, 900_000),
    (1_500_000, 1_200_000),
    (2_700_000, 1_800_000),
    (5_400_000, 3_600_000),
    (9_000_000, 7_200_000),
    (16_200_000, 10_800_000),
    (32_400_000, 21_600_000),
    (86_400_000, 43_200_000),
    (604_800_000, 86_400_000),
    (1_814_400_000, 604_800_000),
)
_VARIABLE: Final = re.compile(r"\$\{(\w+)(?:[.\w]*)(?::([\w:]+))?\}|\[\[(\w+)(?::(\w+))?\]\]|\$(\w+)")
_LEFT_OVER: Final = re.compile(r"\$[A-Za-z_{]\w*|\[\[")


class LeftOver(ValueError):
    """A variable that is not declared."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How far a graph reaches and how finely it is drawn, in milliseconds."""

    range_ms: int
    interval_ms: int
    rate_ms: int

    @property
    def step(self) -> float:
        """The step of a range query, in seconds."""
        return self.interval_ms / 1000

    def builtins(self) -> dict[str, str]:
        """Grafana's own variables."""
        seconds = self.range_ms // 1000
        return {
            "__interval": _duration(self.interval_ms),
            "__interval_ms": str(self.interval_ms),
            "__rate_interval": _duration(self.rate_ms),
            "__rate_interval_ms": str(self.rate_ms),
            "__range": f"{seconds}s",
            "__range_s": str(seconds),
            "__range_ms": str(self.range_ms),
            "__auto": _duration(self.interval_ms),
        }


def scale(range_seconds: int, min_step: str = "", scrape: str = "", pixels: int = PIXELS) -> Scale:
    """The scale of a graph over `range_seconds`, `pixels` wide.

    `min_step` is the query's own, `scrape` the data source's timeInterval. The rate interval is the larger of the
    interval plus one scrape and four scrapes, so that a rate always sees two samples.
    """
    scrape_ms = 1000 * (parse_duration(min_step or scrape) if min_step or scrape else DEFAULT_SCRAPE)
    interval = max(_rounded(range_seconds * 1000 / pixels), scrape_ms)
    return Scale(range_seconds * 1000, interval, max(interval + scrape_ms, 4 * scrape_ms))


def interpolate(text: str, values: Mapping[str, Value], at: Scale) -> str:
    """`text` with every variable filled in. Raises LeftOver."""
    builtins = at.builtins()

    def fill(match: re.Match[str]) -> str:
        name = match[1] or match[3] or match[5]
        if name in builtins:
            return builtins[name]
        if name in values:
            return _format(values[name], match[2] or match[4] or "")
        return match[0]

    filled = _VARIABLE.sub(fill, text)
    # $1 and ${1} are label_replace's own, and a lone $ ends a regular expression.
    left = _LEFT_OVER.search(re.sub(r"\$\{\d+\}", "", filled))
    if left:
        raise LeftOver(f"{left[0]} is no variable of this dashboard, nor one of Grafana's that this check knows")
    return filled


def escape_regex(value: str) -> str:
    """A value as Grafana puts it into a regular expression inside a quoted string."""
    return re.sub(r"[\\^$*+?.()|\[\]{}]", lambda match: "\\\\" + match[0], value)


def _format(value: Value, how: str) -> str:
    if isinstance(value, str):
        return escape_regex(value) if how == "regex" else value
    if how == "csv":
        return ",".join(value)
    if how in ("pipe", "raw"):
        return "|".join(value) if how == "pipe" else "{" + ",".join(value) + "}"
    escaped = [escape_regex(each) for each in value]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _rounded(milliseconds: float) -> int:
    return next((nice for limit, nice in _ROUND if milliseconds <= limit), 2_592_000_000)


def _duration(milliseconds: int) -> str:
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"
