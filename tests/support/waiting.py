"""Waiting for something to be so: asked again and again, soon after the last time at first, and more rarely later."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

Answer = TypeVar("Answer")

# The first wait as a share of the longest one: a server that is starting is seen soon, a costly question is not asked
# ten times in its first second.
_FIRST: Final = 1 / 50
# A server that is starting, or an assertion about what is not there yet.
NOT_YET: Final = (OSError, AssertionError)


def until(ask: Callable[[], Answer], what: str = "it", seconds: float = 30, every: float = 0.25) -> Answer:
    """The first true answer. Raises AssertionError that says what was waited for and what came last; any error but
    those of NOT_YET ends the wait at once."""
    deadline, pause, last = time.monotonic() + seconds, every * _FIRST, "nothing"
    while True:
        try:
            answer = ask()
            if answer:
                return answer
            last = repr(answer)
        except NOT_YET as error:
            last = repr(error)
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:g} s; last came {last}")
        time.sleep(pause)
        pause = min(2 * pause, every)
