"""What is known of the request or task at hand, and is on every line, report and call that it makes.

Owns the ids: a request's own id is a UUIDv7 made here (clients cannot choose it, and it contains the time), a client's
is kept beside it. It also owns how logs name a user: by a keyed hash, never by an id that means something elsewhere.
What is known goes through async code by itself, into threads by `carried`, into tasks by `current` and `resume`, into
calls by `outgoing_headers`.
"""

import hashlib
import hmac
import re
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar, copy_context
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import structlog
import uuid_utils

from lookout_instrumentation.secret_file import read_secret

HEADER: Final = "X-Request-ID"
# Whatever a client sends ends up in logs: only short ids of harmless characters do.
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
# `lookout logs --user` makes the same of a user's id.
HASH_DIGITS: Final = 16
# What an app may bind: the fields that lines are searched by.
FIELDS: Final = ("session_id", "tier", "tenant", "site", "action")
# The parts of a request that one process passes to another; everything else in a message is ignored.
_HANDED_ON: Final = frozenset({*FIELDS, "request_id", "client_request_id", "user_id", "task", "task_id"})
_MAX_HANDED_ON: Final = 256
_HASH: Final = re.compile(r"[0-9a-f]{16}")

P = ParamSpec("P")
T = TypeVar("T")

# Called at the start of each request and task, before anything is known of it.
on_begin: Final[list[Callable[[], None]]] = []

_key_file: Path | None = None
_notes: Final[ContextVar[dict[str, Any] | None]] = ContextVar("lookout_notes", default=None)


def configure(key_file: Path | None) -> None:
    """Say where the key of user hashes is; without one no user is named at all."""
    global _key_file
    _key_file = key_file
    _key.cache_clear()


def begin(given: str = "") -> str:
    """Start the context of a new request; `given` is the client's own id. Returns the request's id."""
    request_id = str(uuid_utils.uuid7())
    ids = {"request_id": request_id}
    if given and _CLIENT_ID.fullmatch(given):
        ids["client_request_id"] = given
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**ids)
    _notes.set({})
    for callback in on_begin:
        callback()
    return request_id


def resume(fields: Mapping[str, str]) -> None:
    """Go on in the context that another process began, as a task does with that of its request."""
    known = {
        name: text
        for name, value in fields.items()
        if name in _HANDED_ON and value is not None and (text := _text(value)[:_MAX_HANDED_ON])
    }
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**known)
    _notes.set({})
    for callback in on_begin:
        callback()


def notes() -> dict[str, Any] | None:
    """What recorders note of the request or task at hand, each under its own key; None outside of one.

    It is one dict for all threads and tasks that work for the request, and is gone with it.
    """
    return _notes.get()


def bind(*, user: str | int | None = None, **fields: str) -> None:
    """Put `fields` (of FIELDS) on all that follows in this request; `user` as a keyed hash."""
    unknown = sorted(fields.keys() - set(FIELDS))
    if unknown:
        raise TypeError(f"bind() knows no {unknown[0]!r}; it knows user, {', '.join(FIELDS)}")
    fields = {name: value if value is None else _text(value) for name, value in fields.items()}
    if user is not None:
        hashed = user_hash(_text(user))
        if hashed:
            fields["user_id"] = hashed
    structlog.contextvars.bind_contextvars(**fields)
    known = _notes.get()
    if known is not None:
        known.setdefault("bound", {}).update(fields)


def gather() -> None:
    """Know here, too, what handlers of this request have bound in threads, where they had a copy of the context."""
    bound = (_notes.get() or {}).get("bound")
    if bound:
        structlog.contextvars.bind_contextvars(**bound)


def current() -> dict[str, str]:
    """What is bound now, as it can be handed to another process."""
    return {name: _text(value) for name, value in structlog.contextvars.get_contextvars().items()}


def request_id() -> str:
    """The id of the request or task at hand, or nothing outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def carried(function: Callable[P, T]) -> Callable[P, T]:
    """`function`, to be run by a thread or an executor in the context of this request: `submit(carried(work), x)`."""
    here = copy_context()

    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        # A copy for each call: one context cannot be entered twice at once.
        return here.copy().run(function, *args, **kwargs)

    return run


def outgoing_headers() -> dict[str, str]:
    """The headers that hand the request's id, and the trace if there is one, on to another service."""
    found = request_id()
    headers = {HEADER: found} if found else {}
    span = _span()
    if span is not None:
        headers["traceparent"] = f"00-{span.trace_id:032x}-{span.span_id:016x}-{int(span.trace_flags):02x}"
    return headers


def _ids_of_span() -> dict[str, str]:
    span = _span()
    return {} if span is None else {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"}


# What a line says of the trace at hand; another tracer may put its own here.
trace_ids: Callable[[], Mapping[str, str]] = _ids_of_span


def _span() -> Any:
    """The context of OpenTelemetry's current span; None where nothing has imported OpenTelemetry."""
    opentelemetry = sys.modules.get("opentelemetry.trace")
    if opentelemetry is None:
        return None
    found = opentelemetry.get_current_span().get_span_context()
    return found if found.is_valid else None


def user_hash(user: str) -> str:
    """HMAC-SHA256 of `user` in UTF-8 under the key, its first 16 hex digits; nothing when there is no key."""
    key = _key()
    if not key or not user:
        return ""
    return hmac.new(key, user.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:HASH_DIGITS]


def hashed(user: object) -> str:
    """`user` as logs name users: what is such a hash already stays, all else becomes one; nothing without a key."""
    text = _text(user)
    return text if _HASH.fullmatch(text) else user_hash(text)


def _text(value: object) -> str:
    """`value` as text; nothing where an object of the app's will not be one."""
    try:
        return str(value)
    except Exception:
        return ""


@lru_cache(maxsize=1)
def _key() -> bytes:
    return read_secret(_key_file)
