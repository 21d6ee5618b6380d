"""What every framework counts of a request, and the line that it logs of it.

Owns the http metrics and the access line. How a framework tells the route's template is its own module's matter: here a
route is a template, never a raw path, or scanners would make a series of each path that they try.
"""

from collections.abc import Callable, Iterable
from typing import Final

import structlog

from lookout_instrumentation.metrics import Metrics

# Where a path that no route matches is counted.
UNMATCHED: Final = "none"
# Asked by machines every few seconds: counted, they would hide what people feel.
PROBES: Final = frozenset({"/health", "/healthz", "/health/db", "/ready", "/status", "/metrics"})

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# A counter that starts at its first error has no increase to alert on: these start at 0.
_DECLARED_STATUS: Final = ("200", "500", "503")
_STATUS: Final = {status: str(status) for status in range(100, 600)}

access_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("lookout.access")


class HttpMetrics:
    """The http metrics of one app."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        # Called with the handler at the end of each request, in its context.
        self.on_end: list[Callable[[str], None]] = []
        self.in_progress = metrics.get("http_requests_in_progress")
        self._requests = metrics.get("http_requests_total")
        self._duration = metrics.get("http_request_duration_seconds")

    def declare(self, routes: Iterable[tuple[str, str]]) -> None:
        """Start every series of these (method, template) pairs at zero."""
        for method, handler in routes:
            if handler in PROBES:
                continue
            self._duration.labels(bounded_method(method), handler)
            for status in _DECLARED_STATUS:
                self._requests.labels(bounded_method(method), handler, status)

    def observe(self, method: str, handler: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(method, handler, _STATUS.get(status, "other")).inc()
        self._duration.labels(method, handler).observe(seconds)
        for callback in self.on_end:
            callback(handler)


def bounded_method(method: str) -> str:
    """The method, or `other` for one that HTTP clients do not send: scanners invent them."""
    return method if method in _METHODS else "other"


def log_access(method: str, route: str, status: int, seconds: float, *, probe: bool) -> None:
    """Write the one line of a request. A probe that is answered as it should be is no news: it is at debug level."""
    quiet = probe and status < 400
    write = access_log.debug if quiet else access_log.warning if status >= 500 else access_log.info
    write("request", method=method, route=route, status=status, duration_ms=round(seconds * 1000, 2))
