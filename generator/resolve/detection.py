"""The detection sum: how long from a total outage to the message, and which scrape interval keeps the promise."""

from typing import Final

from generator.model import Timing

# Longest first: a slower scrape costs less, so the slowest that keeps the promise is taken. 10s is the pace of
# the default promise of 60s, with room to spare for the messenger.
INTERVALS: Final = (60, 30, 10, 5)
DELIVERY: Final = 10
DEFAULT_DETECT_WITHIN: Final = 60


def timeout_for(interval: int) -> int:
    """Seconds a scrape may take: half the interval, at most five."""
    return min(5, max(interval // 2, 1))


def terms(interval: int, timing: Timing) -> tuple[tuple[str, int], ...]:
    """The worst case in seconds, term by term, in the order in which they pass.

    It is that of a probe beside a scraped app, which waits for two more probes so that the app's own outage is told
    first; everything else is a scrape faster.
    """
    return (
        ("until the next scrape", interval),
        ("a target that hangs", timeout_for(interval)),
        ("confirmed by two more scrapes", 2 * interval),
        ("until the next evaluation", timing.evaluation_interval),
        ("group_wait", timing.group_wait),
        ("delivery", DELIVERY),
    )


def worst_case(interval: int, timing: Timing) -> int:
    """The sum of the terms, in seconds."""
    return sum(seconds for _, seconds in terms(interval, timing))


def scrape_interval(detect_within: int, timing: Timing) -> int | None:
    """The slowest interval that keeps the promise, or None when none does."""
    return next((each for each in INTERVALS if worst_case(each, timing) <= detect_within), None)


def explain(interval: int, timing: Timing) -> str:
    """The sum in words: `10s until the next scrape + … = 45s`."""
    parts = " + ".join(f"{seconds}s {name}" for name, seconds in terms(interval, timing))
    return f"{parts} = {worst_case(interval, timing)}s"
