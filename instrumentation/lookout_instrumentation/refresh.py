"""Calls a function again and again, so that its figures are never old.

Owns the thread or task that it runs in, and the metric of the age of the figures. What the function asks, and of
which database, is the app's.
"""

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from typing import Any, Final

import structlog

from lookout_instrumentation.metrics import Metrics

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("lookout.business")


class Refresh:
    """One function that is called again and again."""

    def __init__(self, function: Callable[[], Any], every: float, metrics: Metrics, together: "list[Refresh]") -> None:
        self._function = function
        self._loop = asyncio.get_running_loop() if inspect.iscoroutinefunction(function) else None
        self._every = every
        self._done = metrics.get("business_refresh_timestamp_seconds")
        self._failures = metrics.get("business_refresh_failures_total")
        self._together = together
        self._stopped = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_failing = False
        # Figures that were never computed are as old as the first request for them.
        self.succeeded_at = time.time()

    def start(self) -> None:
        """Begin; see `Business.refresh`."""
        self._together.append(self)
        self._report_age()
        if self._loop is not None:
            # In a context of its own: it belongs to no request that may be at hand.
            self._task = self._loop.create_task(self._run_async(), name="lookout-refresh", context=Context())
        else:
            threading.Thread(target=self._run, name="lookout-refresh", daemon=True).start()

    def stop(self) -> None:
        """End; what runs in a thread ends with the call that it is at."""
        self._stopped.set()
        if self._loop is not None and self._task is not None:
            with suppress(RuntimeError):  # the loop is closed, and the task with it
                self._loop.call_soon_threadsafe(self._task.cancel)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._function()
            except Exception as error:
                self._failed(error)
            else:
                self._succeeded()
            self._stopped.wait(self._every)

    async def _run_async(self) -> None:
        function: Callable[[], Awaitable[Any]] = self._function
        while True:
            try:
                await function()
            except Exception as error:
                self._failed(error)
            else:
                self._succeeded()
            await asyncio.sleep(self._every)

    def _succeeded(self) -> None:
        self.succeeded_at = time.time()
        self._report_age()
        if self._is_failing:
            self._is_failing = False
            log.info("figures are computed again")

    def _failed(self, error: Exception) -> None:
        self._failures.inc()
        if not self._is_failing:
            self._is_failing = True
            log.error("figures cannot be computed", exc_info=error)

    def _report_age(self) -> None:
        """The time is that of the figures that are the oldest."""
        self._done.set(min(refresh.succeeded_at for refresh in self._together))
