"""From an event to one JSON object: what is on every line, in which order, and how much of it.

Owns the shape of a record. Whatever an app logs becomes a line that can be parsed, is bounded and holds no secret; what
cannot be said in JSON is said as text. Where lines go is `logs` and `writer`.
"""

import json
import logging
import re
import sys
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from lookout_instrumentation import context, errors
from lookout_instrumentation.redaction import (
    LONG_NUMBER,
    MAX_NAME,
    Budget,
    clean,
    excerpt,
    harmless,
    hidden,
    is_secret,
    named,
    redact,
    shown,
    shown_text,
)
from lookout_instrumentation.settings import Settings
from lookout_instrumentation.tracebacks import formatted, here

LEVELS: Final = ("debug", "info", "warning", "error", "critical")
# The first fields of every line.
HEAD: Final = ("timestamp", "level", "service", "environment", "logger", "message")
# What an app calls so as well stands under the name with an underscore.
_TAKEN: Final = ("service", "environment", "message")
MAX_EXCEPTION: Final = 32 * 1024
MAX_FIELDS: Final = 100
# Half of what the log shipper takes.
MAX_LINE: Final = 128 * 1024

_LEAST, _MOST = float("-inf"), float("inf")
# What libraries put beside their records for handlers of their own: colours, whole requests, arguments of tasks.
_NOISE: Final = ("color_message", "request", "websocket", "data", "positional_args", "_name", "_logger")
_LIBRARIES: Final = ("uvicorn", "django", "celery", "werkzeug", "gunicorn", "hypercorn")
# Ids are on every line and are no secret: 128 bits in hex, with dashes or without.
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|(?=[0-9]*[a-f])[0-9a-f]{16}")

_encode: Final = json.JSONEncoder(ensure_ascii=False, default=shown, separators=(",", ":")).encode
_add_extra: Final = structlog.stdlib.ExtraAdder()
_timestamp: Final = structlog.processors.TimeStamper(fmt="iso", utc=True)
_format_arguments: Final = structlog.stdlib.PositionalArgumentsFormatter()


class Records:
    """Makes lines of records, the app's own and those of libraries, and hands each to `put`."""

    def __init__(self, settings: Settings, count: Callable[[EventDict], None], put: Callable[[bytes], None]) -> None:
        self._service = settings.service
        self._environment = settings.environment
        self._count = count
        self._put = put

    def formatter(self) -> logging.Formatter:
        """What makes a line of a record of a library."""
        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_foreign, *_common(), _level],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, self.write],
        )

    def write(self, _logger: WrappedLogger, _method: str, event: EventDict) -> str:
        exception = event.pop("exception", None)
        line = {
            "timestamp": event.pop("timestamp"),
            "level": event.pop("level"),
            "service": self._service,
            "environment": self._environment,
            "logger": event.pop("logger"),
            "message": _message(event.pop("event", "")),
        }
        for name in _TAKEN:
            if name in event:
                event[f"{name}_"] = event.pop(name)
        line.update(redacted(event))
        if exception is not None:
            line["exception"] = exception
        self._count(line)
        self._put(encoded(line))
        return ""

    def broken(self, record: logging.LogRecord, error: BaseException) -> None:
        """Write a line in place of one that could not be made, with as much of it as possible."""
        template = record.msg if isinstance(record.msg, str) else shown(record.msg)
        event = {"event": template, "logger": record.name, "level": "error"}
        event["malformed"] = f"{type(error).__name__} at {record.filename}:{record.lineno}"
        self.write(None, "error", _timestamp(None, "error", event))


def own_chain(write: Processor) -> list[Processor]:
    """The processors of the app's own records. The last one writes: they never become records of logging, which would
    cost more than all the rest of a line."""
    return [structlog.stdlib.filter_by_level, _arguments, *_common(), write]


def _common() -> list[Processor]:
    """The processors that every record passes through, own or foreign, where it is made."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _timestamp,
        _ids,
        _error_type,
        errors.from_log,
        _exception,
    ]


def redacted(event: EventDict) -> EventDict:
    """The fields of an event without secrets, as plain data. Usual fields are cheap."""
    if len(event) > MAX_FIELDS:
        kept = dict(islice(event.items(), MAX_FIELDS))
        event = {**kept, "…": f"{len(event) - MAX_FIELDS} more fields"}
    if not _are_plain(tuple(event)):
        whole = Budget()
        return {(clear := named(name)): hidden(_raw(name, clear), value, budget=whole) for name, value in event.items()}
    budget: Budget | None = None
    for name, value in event.items():
        kind = type(value)
        if kind is str:
            if value not in harmless and not _ID.fullmatch(value):
                event[name] = (budget := budget or Budget()).clean(value)
        elif kind is float:
            if not _LEAST < value < _MOST:
                event[name] = str(value)
        elif kind is int:
            if not -LONG_NUMBER < value < LONG_NUMBER:
                event[name] = (budget := budget or Budget()).scrub(value)
        elif kind is not bool and value is not None:
            event[name] = (budget := budget or Budget()).scrub(value)
    return event


@lru_cache(maxsize=4096)
def _are_plain(names: tuple[Any, ...]) -> bool:
    """Whether none of these names is, or could be the plural of, that of a secret."""
    return all(type(name) is str and len(name) <= MAX_NAME and _is_plain(name) for name in names)


def _raw(name: Any, clear: str) -> str:
    """The name that decides whether its value is a secret: unchanged if it was a text."""
    return name if type(name) is str else clear


def _is_plain(name: str) -> bool:
    return not is_secret(name) and not is_secret(name.rstrip("sS")) and redact(name) == name


def encoded(line: EventDict) -> bytes:
    """`line` as JSON with its line break; of one that is too long the longest fields are left out, and it says so."""
    text = _encode(line)
    if len(text) > MAX_LINE:
        sizes = {name: len(_encode(value)) for name, value in line.items() if name not in HEAD[:-1]}
        total = len(text)
        for name in sorted(sizes, key=lambda each: sizes[each], reverse=True):
            if total <= MAX_LINE:
                break
            line[name] = f"[left out: {sizes[name]} characters]"
            total -= sizes[name]
        text = _encode(line)
    # A half of a surrogate pair is no UTF-8, but can be said in JSON.
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _message(event: Any) -> str:
    return clean(event if type(event) is str else shown_text(event))


def _arguments(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """`info("%s of %s", 1, 2)`; arguments that do not fit are kept beside the text."""
    try:
        return _format_arguments(logger, method, event)
    except (TypeError, ValueError):
        event["arguments"] = event.pop("positional_args", None)
        return event


def _foreign(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """What a record of a library brings with it: its `extra`, without what is meant for its own handlers."""
    event = _add_extra(logger, method, event)
    if event["_record"].name.partition(".")[0] in _LIBRARIES:
        for name in _NOISE:
            event.pop(name, None)
    return event


def _level(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """One of five words for the levels that libraries invent."""
    if event["level"] not in LEVELS:
        event["level"] = LEVELS[min(max(event["_record"].levelno // 10 - 1, 0), len(LEVELS) - 1)]
    return event


def _ids(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The trace at hand, and a user only ever as a hash."""
    for name, value in context.trace_ids().items():
        event.setdefault(name, value)
    if "user_id" in event:
        hashed = context.hashed(event.pop("user_id"))
        if hashed:
            event["user_id"] = hashed
    return event


def _error_type(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Name the exception in a field of its own: one can count and alert by it."""
    error = _error_of(event.get("exc_info"))
    if error is not None:
        event.setdefault("error_type", type(error).__name__)
    return event


def _exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The traceback as text, that of its causes included; of a very long one the middle is left out."""
    error = _error_of(event.pop("exc_info", None))
    stack = event.pop("stack_info", None)
    if error is not None:
        event["exception"] = formatted(error, MAX_EXCEPTION)
    if stack:
        text = stack if type(stack) is str else here()
        event["stack"] = excerpt(text, MAX_EXCEPTION)
    return event


def _error_of(info: Any) -> BaseException | None:
    """The exception that `exc_info` names, in any of the ways in which it can be given."""
    if info is None or info is False:  # not by its truth: an exception may have a length of its own
        return None
    error = info[1] if isinstance(info, tuple) and len(info) == 3 else info
    return error if isinstance(error, BaseException) else sys.exc_info()[1]
