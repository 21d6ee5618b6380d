"""A circuit breaker: after some failures in a row an API is left alone for a while, then tried once.

Owns the decision only. Closed: calls pass. Open: none does. Half open: one may try, and decides.
"""

import time
from collections.abc import Callable
from typing import Final, Literal

State = Literal["closed", "half_open", "open"]

FAILURES: Final = 5
REST_SECONDS: Final = 15.0


class CircuitOpenError(Exception):
    """The API is being left alone."""


class Circuit:
    """The breaker of one API."""

    def __init__(
        self,
        on_change: Callable[[State], object],
        *,
        failures: int = FAILURES,
        rest_seconds: float = REST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_change = on_change
        self._limit = failures
        self._rest = rest_seconds
        self._clock = clock
        self._failures = 0
        self._opened_at = 0.0
        self.state: State = "closed"
        on_change("closed")

    def enter(self) -> None:
        """Ask for leave to call. Raises CircuitOpenError when there is none."""
        if self.state == "closed":
            return
        if self.state == "half_open" or self._clock() - self._opened_at < self._rest:
            raise CircuitOpenError
        self._turn("half_open")

    def leave(self, ok: bool) -> None:
        """Record the result of the call."""
        if ok:
            self._failures = 0
            if self.state != "closed":
                self._turn("closed")
            return
        self._failures += 1
        if self.state == "half_open" or self._failures >= self._limit:
            self._opened_at = self._clock()
            self._turn("open")

    def _turn(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self._on_change(state)
