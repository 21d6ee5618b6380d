"""The metrics that every instrumented app exports, under Lookout's contract names.

Owns `http_requests_total`, `http_request_duration_seconds`, `http_requests_in_progress`, the
dependency, log, cache and build metrics, and /metrics. Every label is bounded: routes are templates, what no
route matches shares one handler, unknown methods share one name.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from fastapi import Depends, FastAPI
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_fastapi_instrumentator import Instrumentator
from prometheus_fastapi_instrumentator.metrics import Info as Observation

from demo.instrumentation.logs import LEVELS

# What the instrumentator calls a path that no route matches.
UNMATCHED: Final = "none"
# Asked by machines every few seconds: counted, they would hide what people feel.
PROBES: Final = ("/health", "/healthz", "/ready", "/status", "/metrics")
LATENCY_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# A counter that starts at its first error has no increase to alert on: these start at 0.
_DECLARED_STATUS: Final = ("200", "500", "503")


def bounded_method(method: str) -> str:
    """Return the method, or `other` for one that HTTP clients do not send: scanners invent them."""
    return method if method in _METHODS else "other"


class AppMetrics:
    """One app's metrics in a registry of their own."""

    def __init__(self, *, version: str, environment: str, slo_latency_seconds: float) -> None:
        # A `_created` series beside each counter would double their number.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        # With an edge exactly at the promise, "share of requests within the SLO" is counted, not estimated.
        buckets = sorted({*LATENCY_BUCKETS, slo_latency_seconds})
        route = ("method", "handler")
        self.requests = Counter("http_requests_total", "HTTP requests answered.", (*route, "status"), registry=registry)
        self.duration = Histogram(
            "http_request_duration_seconds", "Time to answer.", route, buckets=buckets, registry=registry
        )
        self.in_progress = Gauge("http_requests_in_progress", "HTTP requests being answered now.", registry=registry)
        self.dependency_up = Gauge(
            "app_dependency_up", "1 when the last readiness check passed.", ("dependency",), registry=registry
        )
        self.dependency_latency = Gauge(
            "app_dependency_latency_seconds",
            "How long the last readiness check took, passed or not.",
            ("dependency",),
            registry=registry,
        )
        self.cache_requests = Counter(
            "cache_requests_total", "Reads through a cache.", ("cache", "result"), registry=registry
        )
        self.log_lines = Counter("log_lines_total", "Log lines written.", ("level",), registry=registry)
        self.log_lines_dropped = Counter(
            "log_lines_dropped_total", "Log lines that did not fit into the queue.", registry=registry
        )
        for level in LEVELS:
            self.log_lines.labels(level)
        Info("app_build", "The running release.", registry=registry).info(
            {"version": version, "environment": environment}
        )

    def declare_routes(self, routes: Iterable[tuple[str, str]]) -> None:
        """Start every series of these (method, template) pairs at zero."""
        for method, handler in routes:
            self.duration.labels(method, handler)
            for status in _DECLARED_STATUS:
                self.requests.labels(method, handler, status)

    def declare_cache(self, cache: str) -> None:
        """Start the series of this cache at zero."""
        for result in ("hit", "miss", "error"):
            self.cache_requests.labels(cache, result)

    def instrument(self, app: FastAPI, guard: Callable[..., Any], also_ignored: Iterable[str] = ()) -> None:
        """Observe every request of `app` but the probes, and serve /metrics behind `guard`."""
        Instrumentator(
            should_group_status_codes=False,
            # The library searches with these patterns: without anchors /health would hide /healthcare.
            excluded_handlers=[f"^{re.escape(path)}$" for path in (*PROBES, *also_ignored)],
            registry=self.registry,
        ).add(self._observe).instrument(app).expose(app, include_in_schema=False, dependencies=[Depends(guard)])

    def _observe(self, seen: Observation) -> None:
        method = bounded_method(seen.method)
        self.requests.labels(method, seen.modified_handler, seen.modified_status).inc()
        self.duration.labels(method, seen.modified_handler).observe(seen.modified_duration)
