"""Where in time to look, and in which order. Times are nanoseconds since 1970.

Loki reads every line of the window that it is asked about, so that the window decides how long a search takes: about a
second for two hours at 10,000 lines a minute. The id of a request says when it was: where it was found does not depend
on how long ago that is.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SECOND: Final = 10**9
HOUR: Final = 3600 * SECOND
# Clocks of two machines differ, and tasks of a request run after it.
BEFORE: Final = 60 * SECOND
AFTER: Final = 15 * 60 * SECOND
# The second look: a queue that stood still, a retry on the next day, a clock that is an hour off.
_LONG_BEFORE: Final = HOUR
_LONG_AFTER: Final = 24 * HOUR
# The longest stretch of one question: a few seconds of Loki's time at 10,000 lines a minute.
LONGEST: Final = 6 * HOUR


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` on, up to and without `end`."""

    start: int
    end: int


def time_of(request_id: str) -> int | None:
    """When a request id of version 7 was made; None for any other text."""
    try:
        parsed = uuid.UUID(request_id)
    except ValueError:
        return None
    return (parsed.int >> 80) * 10**6 if parsed.version == 7 else None


def looks(now: int, since: int | None, made: int | None) -> tuple[tuple[Window, ...], ...]:
    """Where to look first, and where next if nothing is there. `since` is a number of nanoseconds that a user asked
    for, which goes before the time in an id; `made` is that time."""
    newest = now + SECOND
    if since is not None:
        return ((Window(now - since, newest),),)
    if made is None or made - BEFORE >= newest:
        return ((Window(now - HOUR, newest),),)
    near = Window(made - BEFORE, min(made + AFTER, newest))
    earlier = Window(made - _LONG_BEFORE, near.start)
    later = Window(near.end, min(made + _LONG_AFTER, newest))
    return (near,), tuple(window for window in (later, earlier) if window.start < window.end)


def pieces(window: Window) -> Iterator[Window]:
    """The window in pieces, the newest first and short, so that what is found there comes soon."""
    end, length = window.end, HOUR
    while end > window.start:
        start = end - length
        # A short rest is no question of its own.
        start = start if start - window.start > BEFORE else window.start
        yield Window(start, end)
        end, length = start, min(2 * length, LONGEST)


def halves(window: Window) -> tuple[Window, Window]:
    """Both halves, the newer first."""
    middle = (window.start + window.end) // 2
    return Window(middle, window.end), Window(window.start, middle)
