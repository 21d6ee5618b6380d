"""What becomes a report of an error, and what is in one: no expected exception, no secret, no user name.

Owns the content. When and whether a report is made is in `errors`, how it travels in `tracker` and `outbox`.
"""

from collections.abc import Mapping
from typing import Any, Final

import structlog

from lookout_instrumentation import context
from lookout_instrumentation.outcome import result_of
from lookout_instrumentation.redaction import REDACTED, Budget, scrub

# What is an answer to a client, the end of a program or a message to a framework, and no fault. Class names, whole ones
# where a short one could mean something else.
EXPECTED: Final = frozenset(
    {
        *("SystemExit", "KeyboardInterrupt", "GeneratorExit", "CancelledError"),
        *("ClientDisconnect", "ClientDisconnected", "WebSocketDisconnect"),
        *("fastapi.exceptions.RequestValidationError", "fastapi.exceptions.WebSocketRequestValidationError"),
        *("django.http.response.Http404", "django.core.exceptions.PermissionDenied"),
        *("django.core.exceptions.SuspiciousOperation", "django.core.exceptions.BadRequest"),
        *("celery.exceptions.Retry", "celery.exceptions.Ignore", "celery.exceptions.Reject"),
    }
)
# What a circuit breaker raises instead of a call. Its state is measured, and so are the calls that opened it.
_BREAKERS: Final = frozenset({"CircuitBreakerError", "CircuitOpenError"})
_MAX_CAUSES: Final = 10
# These carry the status of the answer that they become: below 500 it was the client's fault.
_ANSWERS: Final = frozenset({"HTTPException", "APIException"})
# Of what is known of a request, what reports are searched by.
_TAGS: Final = ("request_id", "tenant", "tier", "site", "action", "task", "trace_id")
_HEADERS: Final = frozenset({"user-agent", "content-type", "content-length", "accept", "host", "x-request-id"})
_MAX_VALUE: Final = 200
# A line of source of a frame of an exception stands seven deep.
_DEPTH: Final = 20
# A report is as long as so many lines; it is made in a thread of its own.
_LINES: Final = 10


def is_expected(error: BaseException, names: frozenset[str] = EXPECTED) -> bool:
    """Whether an exception is not a fault of the app: by its class or one that this is derived from."""
    for cls in type(error).__mro__:
        if cls.__name__ in names or f"{cls.__module__}.{cls.__qualname__}" in names:
            return True
        if cls.__name__ in _ANSWERS:
            status = getattr(error, "status_code", None) or getattr(error, "code", None)
            return isinstance(status, int) and status < 500
    return False


def is_measured(error: BaseException) -> bool:
    """Whether an exception comes of a provider's rate limit, by itself or by what it was raised from. Such calls are
    counted, and have alerts of their own: a thousand refusals are no thousand faults of the app."""
    cause: BaseException | None = error
    for _ in range(_MAX_CAUSES):
        if cause is None:
            return False
        if type(cause).__name__ in _BREAKERS or result_of(cause) == "rate_limited":
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def shaped(event: dict[str, Any]) -> dict[str, Any]:
    """The report as it leaves: with the fields of the request, without secrets."""
    notes = context.notes() or {}
    trace = context.trace_ids()
    known = {**structlog.contextvars.get_contextvars(), **trace}
    for name in ("server_name", "modules", "user"):
        event.pop(name, None)
    event = scrub(event, _DEPTH, Budget(_LINES))
    if "request" in event:
        event["request"] = _request(event["request"])
    if user := known.get("user_id"):
        event["user"] = {"id": str(user)}
    flags = notes.get("flags", {})
    if trace:
        event.setdefault("contexts", {})["trace"] = dict(trace)
    tags = {name: str(known[name]) for name in _TAGS if known.get(name)}
    tags |= {f"flag.{name}": str(scrub(str(value)))[:_MAX_VALUE] for name, value in flags.items()}
    event["tags"] = {**dict(event.get("tags") or {}), **tags}
    return event


def _request(request: Mapping[str, Any]) -> dict[str, Any]:
    """Method, address without its query, harmless headers; neither body nor cookies nor environment."""
    headers = dict(request.get("headers") or {})
    kept = {
        "method": request.get("method"),
        "url": str(request.get("url", "")).partition("?")[0],
        "query_string": "&".join(f"{part.partition('=')[0]}={REDACTED}" for part in _query(request)),
        "headers": {name: value for name, value in headers.items() if name.lower() in _HEADERS},
    }
    return {name: value for name, value in kept.items() if value}


def _query(request: Mapping[str, Any]) -> list[str]:
    query = request.get("query_string") or ""
    return [part for part in query.split("&") if part] if isinstance(query, str) else []
