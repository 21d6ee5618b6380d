"""Checks which dependencies answer, and reports it to /ready and to Prometheus.

Results are kept for a moment, so that probes cannot load a dependency. Each check has its own time limit, and one that
hangs is not started a second time while it does. `error` is an exception's name only: messages can hold addresses.
"""

import asyncio
import inspect
import platform
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import structlog

from lookout_instrumentation.metrics import Metrics

Check = Callable[[], Any]
# The check behind /health/db.
DATABASE: Final = "db"

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("lookout.health")


@dataclass(frozen=True)
class CheckResult:
    """What one check found."""

    up: bool
    latency_seconds: float
    error: str | None = None

    def shown(self) -> dict[str, Any]:
        """As it stands in /ready's answer."""
        shown: dict[str, Any] = {
            "status": "up" if self.up else "down",
            "latency_ms": round(self.latency_seconds * 1000, 2),
        }
        return shown if self.error is None else shown | {"error": self.error}


class Health:
    """Runs the checks of one app; a check may be a coroutine function or a plain one."""

    def __init__(self, checks: Mapping[str, Check], metrics: Metrics) -> None:
        settings = metrics.settings
        self._settings = settings
        self._checks = dict(checks)
        self._up = metrics.get("app_dependency_up")
        self._latency = metrics.get("app_dependency_latency_seconds")
        self._timeout = settings.health_timeout_seconds
        self._lock = asyncio.Lock()
        self._sync_lock = threading.Lock()
        self._running: dict[str, Future[object]] = {}
        self._checked_at = float("-inf")
        self._results: dict[str, CheckResult] = {}
        self._started = time.monotonic()

    def add(self, name: str, check: Check) -> None:
        """Watch one more dependency."""
        self._checks[name] = check
        self._checked_at = float("-inf")

    # --- what the endpoints answer ---------------------------------------------------------------------------

    def identity(self) -> dict[str, Any]:
        """Who answers, and when."""
        return {
            "service": self._settings.service,
            "version": self._settings.release,
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }

    def alive(self) -> tuple[int, dict[str, Any]]:
        """/health and /healthz: the process lives. No dependency is asked: none is cured by a restart of this one."""
        return 200, self.identity() | {"status": "ok"}

    def status(self) -> tuple[int, dict[str, Any]]:
        """/status: the same, with what the process runs on and since when."""
        return 200, self.identity() | {
            "status": "ok",
            "environment": self._settings.environment,
            "uptime_seconds": round(time.monotonic() - self._started, 1),
            "python": platform.python_version(),
        }

    def ready(self, results: Mapping[str, CheckResult]) -> tuple[int, dict[str, Any]]:
        """/ready: 200 when every dependency answers, else 503, and each with its status and latency."""
        ready = all(result.up for result in results.values())
        checks = {name: result.shown() for name, result in results.items()}
        body = self.identity() | {"status": "ready" if ready else "not ready", "checks": checks}
        return (200 if ready else 503), body

    def database(self, results: Mapping[str, CheckResult]) -> tuple[int, dict[str, Any]]:
        """/health/db: the database alone; 404 in an app that watches none."""
        result = results.get(DATABASE)
        if result is None:
            return 404, {"detail": f"no check is called {DATABASE}"}
        return (200 if result.up else 503), self.identity() | result.shown()

    # --- the checks -----------------------------------------------------------------------------------------

    async def results(self) -> Mapping[str, CheckResult]:
        """What is known, checking again only when that has grown old."""
        async with self._lock:  # a burst of probes waits for one round of checks
            if self._is_old():
                await self.refresh()
            return self._results

    async def refresh(self) -> None:
        """Check all now, at once."""
        checks = dict(self._checks)
        found = await asyncio.gather(*(self._run(name, check) for name, check in checks.items()))
        self._note(dict(zip(checks, found, strict=True)))

    async def keep_fresh(self) -> None:
        """Check again and again until cancelled, so that the metrics are correct without requests."""
        while True:
            async with self._lock:
                await self.refresh()
            await asyncio.sleep(self._settings.health_refresh_seconds)

    def results_now(self) -> Mapping[str, CheckResult]:
        """The same for apps without an event loop."""
        with self._sync_lock:
            if self._is_old():
                began = time.perf_counter()
                checks = dict(self._checks)
                started = {name: self._start(name, partial(_to_the_end, check)) for name, check in checks.items()}
                self._note({name: self._wait(began, future) for name, future in started.items()})
            return self._results

    def _is_old(self) -> bool:
        return time.monotonic() - self._checked_at > self._settings.health_max_age_seconds

    async def _run(self, name: str, check: Check) -> CheckResult:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout):
                if inspect.iscoroutinefunction(check):
                    await check()
                else:
                    answer = await asyncio.wrap_future(self._start(name, check))
                    if inspect.isawaitable(answer):
                        await answer
        except Exception as error:  # whatever goes wrong in a check is its answer
            return CheckResult(False, time.perf_counter() - began, type(error).__name__)
        return CheckResult(True, time.perf_counter() - began)

    def _start(self, name: str, check: Check) -> "Future[object]":
        running = self._running.get(name)
        if running is None or running.done():
            running = self._running[name] = Future()
            # A daemon: a check that hangs must not hold up the end of the process as well.
            threading.Thread(target=_settle, args=(running, check), name=f"check {name}", daemon=True).start()
        return running

    def _wait(self, began: float, future: "Future[object]") -> CheckResult:
        try:
            future.result(max(0.0, began + self._timeout - time.perf_counter()))
        except NotInTime:
            return CheckResult(False, time.perf_counter() - began, "TimeoutError")
        except Exception as error:
            return CheckResult(False, time.perf_counter() - began, type(error).__name__)
        return CheckResult(True, time.perf_counter() - began)

    def _note(self, results: dict[str, CheckResult]) -> None:
        for name, result in results.items():
            self._up.labels(name).set(result.up)
            self._latency.labels(name).set(result.latency_seconds)
            before = self._results.get(name)
            if before is None or before.up != result.up:
                self._report(name, result)
        self._results = results
        self._checked_at = time.monotonic()

    @staticmethod
    def _report(name: str, result: CheckResult) -> None:
        if result.up:
            log.info("dependency answers", dependency=name)
        else:
            log.error("dependency does not answer", dependency=name, error_type=result.error)


def _to_the_end(check: Check) -> Any:
    """Run a check, one that is a coroutine too, where there is no event loop."""
    answer = check()
    if inspect.isawaitable(answer):

        async def wait() -> Any:
            return await answer

        return asyncio.run(wait())
    return answer


def _settle(future: "Future[object]", check: Check) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(check())
    except BaseException as error:
        future.set_exception(error)
