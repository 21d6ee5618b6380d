"""What every framework counts of a request, and the line that it logs of it.

Owns the http metrics and the access line. How a framework provides the route's template is the business of its own
module: here a route is a template, never a raw path, or scanners would make a series of each path that they try.
"""

import logging
import sys
from collections.abc import Callable, Iterable
from typing import Final

import structlog

from lookout_instrumentation import context
from lookout_instrumentation.errors import unhandled
from lookout_instrumentation.metrics import Metrics
from lookout_instrumentation.probes import PROBES
from lookout_instrumentation.traces import Traces

# Where a path that no route matches is counted.
UNMATCHED: Final = "none"
# The client disconnected before the answer: not a fault of the app. The number is nginx'.
GONE: Final = 499

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# A counter that starts at its first error has no increase to alert on: these start at 0.
_DECLARED_STATUS: Final = ("200", "500", "503")
_STATUS: Final = {status: str(status) for status in range(100, 600)}
# Routes start at zero as long as they leave this share of the series budget to what is not known beforehand.
_DECLARED_SHARE: Final = 0.5

access_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("lookout.access")
error_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("lookout.error")
# Asked first: a line that is not wanted then costs next to nothing.
_access_level: Final = logging.getLogger("lookout.access")


class HttpMetrics:
    """The http metrics of one app."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        # Called with the handler at the end of each request, in its context.
        self.on_end: list[Callable[[str], None]] = []
        # Set when requests are traced.
        self.traces: Traces | None = None
        self.in_progress = metrics.get("http_requests_in_progress")
        self._requests = metrics.get("http_requests_total")
        self._duration = metrics.get("http_request_duration_seconds")

    def declare(self, routes: Iterable[tuple[str, str]]) -> None:
        """Start every series of these (method, template) pairs at zero."""
        for method, handler in routes:
            if handler in PROBES or not self.metrics.has_room(_DECLARED_SHARE):
                continue
            self._duration.labels(bounded_method(method), handler)
            for status in _DECLARED_STATUS:
                self._requests.labels(bounded_method(method), handler, status)

    def observe(self, method: str, handler: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(method, handler, _STATUS.get(status, "other")).inc()
        exemplar = self.traces.exemplar() if self.traces else None
        self._duration.labels(method, handler).observe(seconds, exemplar)
        for callback in self.on_end:
            callback(handler)

    def end(self, method: str, handler: str, status: int, seconds: float) -> None:
        """Count one request that was in progress, and write its line."""
        method = bounded_method(method)
        self.in_progress.dec()
        self.observe(method, handler, status, seconds)
        context.gather()
        log_access(method, handler, status, seconds, probe=False)
        if self.traces:
            attributes = {"http.request.method": method, "http.route": handler, "http.response.status_code": status}
            self.traces.end(f"{method} {handler}", attributes, failed=status >= 500)


def bounded_method(method: str) -> str:
    """The method, or `other` for one that HTTP clients do not send: scanners invent them."""
    return method if method in _METHODS else "other"


def log_crash(method: str, route: str) -> None:
    """Log the current exception, which was not caught."""
    method = bounded_method(method)
    context.gather()
    error = sys.exception()
    if error is not None:  # an app with logging of its own has no hook in it
        unhandled(error, f"{method} {route}")
    error_log.exception("unhandled exception", method=method, route=route)


def log_access(method: str, route: str, status: int, seconds: float, *, probe: bool) -> None:
    """Write the one line of a request. A probe that is answered as it should be is no news: it is at debug level."""
    level = logging.WARNING if status >= 500 else logging.DEBUG if probe and status < 400 else logging.INFO
    if _access_level.isEnabledFor(level):
        duration = round(seconds * 1000, 2)
        access_log.log(level, "request", method=method, route=route, status=status, duration_ms=duration)
