"""What machines ask of an app, answered in front of it: /health, /ready, /health/db, /healthz, /status and /metrics.

Owns paths, methods and answers, for every framework the same. Answered before the app's own middleware, so that a
login, a list of allowed hosts or a redirect to https cannot hide whether the process lives.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lookout_instrumentation.guard import CHALLENGE, refusal
from lookout_instrumentation.health import CheckResult, Health
from lookout_instrumentation.metrics import Metrics

# Asked by machines every few seconds: counted, they would hide what people feel.
PROBES: Final = frozenset({"/health", "/healthz", "/health/db", "/ready", "/status", "/metrics"})
# The probes that check dependencies; the others never wait for one.
CHECKED: Final = frozenset({"/health/db", "/ready", "/metrics"})

_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
# The one format in which an observation can name its trace.
_OPEN_METRICS: Final = "application/openmetrics-text"


@dataclass(frozen=True)
class Answer:
    """An answer, its body in full."""

    status: int
    body: bytes
    content_type: str = "application/json"
    more: Mapping[str, str] = field(default_factory=dict)

    def headers(self) -> list[tuple[str, str]]:
        """Every header of it."""
        fixed = [("Content-Type", self.content_type), ("Content-Length", str(len(self.body)))]
        return [*fixed, *self.more.items()]


def as_json(status: int, body: Mapping[str, Any], more: Mapping[str, str] | None = None) -> Answer:
    """`body` as JSON."""
    return Answer(status, json.dumps(body).encode(), more=more or {})


def crashed(request_id: str) -> Answer:
    """The answer to a client after an uncaught exception: only the id of its report."""
    return as_json(500, {"detail": "internal error", "request_id": request_id})


class Probes:
    """Answers for one app."""

    def __init__(self, metrics: Metrics, health: Health) -> None:
        self.health = health
        self._metrics = metrics

    def answer(
        self,
        method: str,
        path: str,
        authorization: str,
        address: str,
        results: Mapping[str, CheckResult],
        *,
        accept: str = "",
    ) -> Answer:
        """The answer to one of PROBES; `results` are those of the checks, for a path that is in CHECKED."""
        if method not in ("GET", "HEAD"):
            return as_json(405, {"detail": "only GET and HEAD"}, {"Allow": "GET, HEAD"})
        if path == "/metrics":
            return self._exposition(authorization, address, accept)
        if path == "/ready":
            return as_json(*self.health.ready(results))
        if path == "/health/db":
            return as_json(*self.health.database(results))
        return as_json(*(self.health.status() if path == "/status" else self.health.alive()))

    def _exposition(self, authorization: str, address: str, accept: str) -> Answer:
        refused = refusal(self._metrics.settings, authorization, address)
        if refused:
            return as_json(refused[0], {"detail": refused[1]}, CHALLENGE)
        if self._metrics.settings.traces_endpoint and _OPEN_METRICS in accept:
            kind = f"{_OPEN_METRICS}; version=1.0.0; charset=utf-8"
            return Answer(200, self._metrics.exposition(exemplars=True), kind)
        return Answer(200, self._metrics.exposition(), _TEXT)
