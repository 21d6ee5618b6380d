"""Knows which dependencies answer, and tells it to /ready and to Prometheus from the same checks.

Results are kept for a moment, so that probes cannot load a dependency, and renewed in the
background, so that the metrics are true when nobody asks.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from demo.instrumentation.metrics import AppMetrics

Check = Callable[[], Awaitable[object]]

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)


@dataclass(frozen=True)
class CheckResult:
    """What one check found; `error` is the exception's name only, as messages can hold addresses."""

    up: bool
    latency_seconds: float
    error: str | None = None


class Readiness:
    """Runs the checks, each within its own time limit and all at once."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        metrics: AppMetrics,
        *,
        timeout_seconds: float = 0.5,
        max_age_seconds: float = 2.0,
    ) -> None:
        self._checks = dict(checks)
        self._metrics = metrics
        self._timeout = timeout_seconds
        self._max_age = max_age_seconds
        self._lock = asyncio.Lock()
        self._checked_at = float("-inf")
        self._results: dict[str, CheckResult] = {}

    async def results(self) -> Mapping[str, CheckResult]:
        """Return what is known, checking again only when that has grown old."""
        async with self._lock:  # a burst of probes waits for one round of checks
            if time.monotonic() - self._checked_at > self._max_age:
                await self._refresh()
            return self._results

    async def keep_fresh(self, every_seconds: float) -> None:
        """Check again and again until cancelled."""
        while True:
            async with self._lock:
                await self._refresh()
            await asyncio.sleep(every_seconds)

    async def _refresh(self) -> None:
        found = await asyncio.gather(*(self._run(check) for check in self._checks.values()))
        results = dict(zip(self._checks, found, strict=True))
        for name, result in results.items():
            self._metrics.dependency_up.labels(name).set(result.up)
            self._metrics.dependency_latency.labels(name).set(result.latency_seconds)
            before = self._results.get(name)
            if before is None or before.up != result.up:
                self._report(name, result)
        self._results = results
        self._checked_at = time.monotonic()

    async def _run(self, check: Check) -> CheckResult:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout):
                await check()
        except Exception as error:  # whatever goes wrong in a check is its answer
            return CheckResult(False, time.perf_counter() - started, type(error).__name__)
        return CheckResult(True, time.perf_counter() - started)

    @staticmethod
    def _report(name: str, result: CheckResult) -> None:
        if result.up:
            log.info("dependency answers", dependency=name)
        else:
            log.error("dependency does not answer", dependency=name, error_type=result.error)
