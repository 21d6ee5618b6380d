"""One JSON object a line on stdout, for the app's own records and for those of its libraries.

Owns the record's shape and the queue between the request and the write. Records are formatted where
they are made, because only there the request's context is known; a thread of its own writes them,
because a full pipe must never hold up a request.
"""

import logging
import logging.handlers
import queue
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from demo.instrumentation.redaction import redact

QUEUE_LINES: Final = 10_000
LEVELS: Final = ("debug", "info", "warning", "error", "critical")

# They put whole URLs, query strings and their secrets included, into INFO records.
_CHATTY: Final = ("httpx2", "httpcore2", "asyncio")


def _ignore(_level: str) -> None:
    """Count nothing: for programs that export no metrics."""


@contextmanager
def logging_as_json(
    *,
    service: str,
    environment: str,
    level: str,
    on_line: Callable[[str], None] = _ignore,
    on_drop: Callable[[], None] = lambda: None,
    stream: TextIO | None = None,
) -> Iterator[None]:
    """Log as JSON while the block runs; at its end every queued line has been written.

    `on_line` gets the level of each line that was logged, `on_drop` is called for each that did not
    fit into the queue.
    """
    lines: queue.Queue[logging.LogRecord] = queue.Queue(QUEUE_LINES)
    handler = _BoundedQueueHandler(lines, on_drop)
    handler.setFormatter(_formatter(service, environment, on_line))
    writer = _Writer(lines, logging.StreamHandler(stream or sys.stdout))
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    _configure_structlog()
    writer.start()
    try:
        yield
    finally:
        writer.stop()
        logging.captureWarnings(False)
        root.handlers[:], root.level = before


class _BoundedQueueHandler(logging.handlers.QueueHandler):
    """Hands a formatted record to the writer; when the queue is full it counts instead of blocking."""

    def __init__(self, lines: queue.Queue[logging.LogRecord], on_drop: Callable[[], None]) -> None:
        super().__init__(lines)
        self._on_drop = on_drop

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self._on_drop()


class _Writer(logging.handlers.QueueListener):
    """Writes the queued records; told to stop, it first writes what is queued, even when that is a queueful."""

    def enqueue_sentinel(self) -> None:
        self.queue.put(self._sentinel)  # type: ignore[attr-defined]  # the library's own does not wait, and raises


def _context() -> list[Processor]:
    """The processors that every record passes through, own or foreign."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_error_type,
        structlog.processors.format_exc_info,
    ]


def _configure_structlog() -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_context(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _formatter(service: str, environment: str, on_line: Callable[[str], None]) -> logging.Formatter:
    def shape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        head: dict[str, Any] = {
            "timestamp": event.pop("timestamp"),
            "level": event.pop("level"),
            "service": service,
            "environment": environment,
            "logger": event.pop("logger"),
            "message": event.pop("event"),
        }
        on_line(head["level"])
        return {**head, **event}

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_context(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redact,
            shape,
            structlog.processors.JSONRenderer(),
        ],
    )


def _add_error_type(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Name the exception in a field of its own: one can count and alert by it."""
    info = event.get("exc_info")
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event.setdefault("error_type", type(error).__name__)
    return event
