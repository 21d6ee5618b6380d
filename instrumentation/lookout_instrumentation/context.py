"""What is known of the request or task at hand, and is on every line, report and call that it makes.

Owns the ids: a request's own is a UUIDv7 made here (nobody outside can choose it, and the time is in it), a client's is
kept beside it. It also owns how logs name a user: by a keyed hash, never by an id that means
something elsewhere.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import structlog
import uuid_utils

HEADER: Final = "X-Request-ID"
# Whatever a client sends ends up in logs: only short ids of harmless characters do.
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
# `lookout logs --user` makes the same of a user's id.
HASH_DIGITS: Final = 16
# What an app may bind: the fields that lines are searched by.
FIELDS: Final = ("session_id", "tier", "tenant", "site", "action")

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
    return request_id


def resume(fields: Mapping[str, str]) -> None:
    """Go on in the context that another process began, as a task does with that of its request."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**fields)
    _notes.set({})


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
    if user is not None:
        hashed = user_hash(str(user))
        if hashed:
            fields["user_id"] = hashed
    structlog.contextvars.bind_contextvars(**fields)


def current() -> dict[str, str]:
    """What is bound now, as it can be handed to another process."""
    return {name: str(value) for name, value in structlog.contextvars.get_contextvars().items()}


def request_id() -> str:
    """The id of the request or task at hand, or nothing outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def outgoing_headers() -> dict[str, str]:
    """The headers that hand the request's id on to another service."""
    found = request_id()
    return {HEADER: found} if found else {}


def user_hash(user: str) -> str:
    """HMAC-SHA256 of `user` in UTF-8 under the key, its first 16 hex digits; nothing when there is no key."""
    key = _key()
    return hmac.new(key, user.encode(), hashlib.sha256).hexdigest()[:HASH_DIGITS] if key else ""


@lru_cache(maxsize=1)
def _key() -> bytes:
    try:
        return _key_file.read_bytes().strip() if _key_file else b""
    except OSError:
        return b""
