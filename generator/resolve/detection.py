"""The detection sum: how long from a total outage to the message, and which scrape interval is fast enough.

Two sums: that of the usual outage alert, from which a service's scrape interval follows, and the own one of every
outage alert that is rendered, which is checked against `detect_within` of its service.
"""

from typing import Final

from generator.diagnostics import Diagnostic
from generator.promql.tree import longest_wait
from generator.resolve.context import Context
from generator.site.model import Alert, Service, Stack, Timing
from generator.units import format_duration

# Longest first: a slower scrape costs less, so the slowest that is fast enough is taken. 10s is the interval
# of the default of 60s, with a margin for the messenger.
INTERVALS: Final = (60, 30, 10, 5)
DELIVERY: Final = 10
DEFAULT_DETECT_WITHIN: Final = 60
# The stack's own parts are restarted with every apply that changes them, and have half a minute to come back.
STACK_DETECT_WITHIN: Final = 90


def timeout_for(interval: int) -> int:
    """Seconds a scrape may take: half the interval, at most five."""
    return min(5, max(interval // 2, 1))


def terms(interval: int, timing: Timing) -> tuple[tuple[str, int], ...]:
    """The worst case in seconds, term by term, in the order in which they pass.

    It is that of a probe beside a scraped app, which waits for two more probes so that the app's own outage notifies
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
    """The slowest interval that is fast enough, or None when none is."""
    return next((each for each in INTERVALS if worst_case(each, timing) <= detect_within), None)


def explain(interval: int, timing: Timing) -> str:
    """The sum in words: `10s until the next scrape + … = 45s`."""
    return in_words(terms(interval, timing))


def in_words(summands: tuple[tuple[str, int], ...]) -> str:
    """Terms as a sum."""
    parts = " + ".join(f"{seconds}s {name}" for name, seconds in summands)
    return f"{parts} = {sum(seconds for _, seconds in summands)}s"


def alert_terms(alert: Alert, service: Service, timing: Timing) -> tuple[tuple[str, int], ...]:
    """The worst case of one outage alert, term by term: with the range that its own expression looks at."""
    interval = max((job.interval for job in service.jobs), default=timing.scrape_interval)
    waited = longest_wait(alert.expr)
    return (
        ("until the next scrape", interval),
        ("a target that hangs", timeout_for(interval)),
        *((("until its range is full", waited),) if waited else ()),
        ("until the next evaluation", alert.evaluation_interval),
        *((("for", alert.for_seconds),) if alert.for_seconds else ()),
        ("group_wait", timing.group_wait),
        ("delivery", DELIVERY),
    )


def check_detection(context: Context, stack: Stack, services: tuple[Service, ...]) -> None:
    """Reports spec/detection-impossible for each outage alert whose sum is longer than `detect_within` of its
    service."""
    for service in services:
        for alert in service.alerts:
            summands = alert_terms(alert, service, stack.timing) if alert.fault == "outage" else ()
            if sum(seconds for _, seconds in summands) > service.detect_within:
                limit = format_duration(service.detect_within)
                message = f"{alert.name} cannot notify about an outage of '{service.name}' within {limit}"
                notes = (in_words(summands), "give it a longer detect_within, or a shorter `for`")
                context.problems.append(Diagnostic("spec/detection-impossible", message, service.origin, notes=notes))
