"""One JSON object a line on stdout, for the app's own records and for those of its libraries.

Owns the record's shape and the queue between the request and the write. Records are formatted where
they are made, because only there the request's context is known; a thread of its own writes them,
because a full pipe must never hold up a request.
"""

import atexit
import logging
import logging.handlers
import queue
import sys
from collections.abc import Callable
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from lookout_instrumentation.metrics import Metrics
from lookout_instrumentation.redaction import redact
from lookout_instrumentation.settings import Settings

QUEUE_LINES: Final = 10_000
LEVELS: Final = ("debug", "info", "warning", "error", "critical")

# They put whole URLs, query strings and their secrets included, into INFO records.
_CHATTY: Final = ("httpx", "httpx2", "httpcore", "httpcore2", "urllib3", "asyncio")
# Servers bring handlers of their own, and access lines without an id, of raw paths.
_SERVERS: Final = ("uvicorn", "uvicorn.error", "gunicorn", "gunicorn.error", "hypercorn.error", "werkzeug")
_ACCESS: Final = ("uvicorn.access", "gunicorn.access", "hypercorn.access")


class Logging:
    """The process's logging, from its start to `stop`, which puts back what was there before."""

    def __init__(self, settings: Settings, metrics: Metrics, stream: TextIO | None = None) -> None:
        written = metrics.get("log_lines_total")
        errors = metrics.get("log_errors_total")
        dropped = metrics.get("log_lines_dropped_total")
        for level in LEVELS:
            written.labels(level)
        for reason in ("queue full", "not written"):
            dropped.labels(reason)

        def count(event: EventDict) -> None:
            written.labels(event["level"]).inc()
            if event["level"] in ("error", "critical"):
                errors.labels(str(event.get("error_type", "none"))).inc()

        lines: queue.Queue[logging.LogRecord] = queue.Queue(QUEUE_LINES)
        self._handler = _BoundedQueueHandler(lines, dropped.labels("queue full").inc)
        self._handler.setFormatter(_formatter(settings, count))
        self._writer = _Writer(lines, _Stream(stream or sys.stdout, dropped.labels("not written").inc))
        self._level = settings.log_level
        self._stopped = False

    def start(self) -> None:
        """Take over the root logger and structlog."""
        root = logging.getLogger()
        self._before = (root.handlers[:], root.level)
        root.handlers[:] = [self._handler]
        root.setLevel(self._level)
        logging.captureWarnings(True)
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)
        for name in _SERVERS:
            logger = logging.getLogger(name)
            logger.handlers[:] = []
            logger.propagate = True
        for name in _ACCESS:
            logging.getLogger(name).disabled = True
        _configure_structlog()
        self._writer.start()

    def stop(self) -> None:
        """Write every queued line, and put back what was there before; a second time it does nothing."""
        if self._stopped:
            return
        self._stopped = True
        self._writer.stop()
        logging.captureWarnings(False)
        root = logging.getLogger()
        if root.handlers == [self._handler]:
            root.handlers[:], root.level = self._before


def configure_logging(settings: Settings, metrics: Metrics, stream: TextIO | None = None) -> Logging:
    """Log as JSON from now on; what is queued when the process exits in good order is still written."""
    configured = Logging(settings, metrics, stream)
    configured.start()
    atexit.register(configured.stop)
    return configured


class _Stream(logging.StreamHandler[TextIO]):
    """Writes lines; one that cannot be written is counted, as there is nowhere left to say so."""

    def __init__(self, stream: TextIO, on_failure: Callable[[], None]) -> None:
        super().__init__(stream)
        self._on_failure = on_failure

    def handleError(self, record: logging.LogRecord) -> None:
        self._on_failure()


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


def _formatter(settings: Settings, count: Callable[[EventDict], None]) -> logging.Formatter:
    def shape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        head: dict[str, Any] = {
            "timestamp": event.pop("timestamp"),
            "level": event.pop("level"),
            "service": settings.service,
            "environment": settings.environment,
            "logger": event.pop("logger"),
            "message": event.pop("event"),
        }
        line = {**head, **event}
        count(line)
        return line

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
