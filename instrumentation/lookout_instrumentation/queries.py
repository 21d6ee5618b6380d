"""The statements of one request: how many, and which one is sent again and again (N+1).

Owns what a request's notes hold of statements; it is read once, when the request ends.
"""

from typing import Final

import structlog

from lookout_instrumentation import context
from lookout_instrumentation.http import HttpMetrics

# So often in one request, a statement belongs into one that asks for all of it at once.
REPEATED: Final = 10
# Maximum number of different statements in one request, and of reported pairs of handler and statement.
_APART: Final = 1000

_NOTE: Final = "db"
_REST: Final = ""

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("lookout.database")


class RequestQueries:
    """Counts statements by request; one for all databases of an app."""

    def __init__(self, http: HttpMetrics) -> None:
        self._queries = http.metrics.get("db_request_queries")
        self._repeated = http.metrics.get("db_repeated_queries_total")
        self._reported: set[tuple[str, str]] = set()
        http.on_end.append(self._ended)

    def note(self, fingerprint: str) -> None:
        """Note one statement, if it is part of a request."""
        notes = context.notes()
        if notes is None:
            return
        counts: dict[str, int] = notes.setdefault(_NOTE, {})
        key = fingerprint if fingerprint in counts or len(counts) < _APART else _REST
        counts[key] = counts.get(key, 0) + 1

    def _ended(self, handler: str) -> None:
        counts: dict[str, int] = (context.notes() or {}).pop(_NOTE, {})
        if not counts:
            return
        self._queries.labels(handler).observe(sum(counts.values()))
        repeated = self._repeated.labels(handler)
        counts.pop(_REST, None)
        most = max(counts, key=counts.__getitem__)
        if counts[most] >= REPEATED:
            repeated.inc()
            self._report(handler, most, counts[most])

    def _report(self, handler: str, fingerprint: str, times: int) -> None:
        if (handler, fingerprint) not in self._reported and len(self._reported) < _APART:
            self._reported.add((handler, fingerprint))
            log.warning("one statement sent again and again", route=handler, statement=fingerprint, times=times)
