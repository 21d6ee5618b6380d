"""One JSON object a line on stdout, for the app's own records and for those of its libraries.

Owns who may write and when the process may end. Records are made into lines where they are logged, because only there
the request's context is known (`records`); a thread of its own writes them, because a full pipe must never hold up a
request (`writer`). Nothing that goes wrong here reaches the app.
"""

import atexit
import logging
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from lookout_instrumentation.metrics import Metrics
from lookout_instrumentation.records import LEVELS, Records, encoded, own_chain, redacted
from lookout_instrumentation.settings import Settings
from lookout_instrumentation.writer import NOT_WRITTEN, QUEUE_FULL, Writer

# They put whole URLs, query strings and their secrets included, into INFO records.
_CHATTY: Final = ("httpx", "httpx2", "httpcore", "httpcore2", "urllib3", "asyncio", "werkzeug")
# Servers and frameworks bring handlers of their own, and access lines without an id, of raw paths.
_SERVERS: Final = (
    "uvicorn",
    "uvicorn.error",
    "gunicorn",
    "gunicorn.error",
    "hypercorn.error",
    "werkzeug",
    "django",
    "celery",
)
_ACCESS: Final = ("uvicorn.access", "gunicorn.access", "hypercorn.access", "django.server")
# SQLAlchemy gives them a handler that prints when an engine echoes, unless they have one.
_ECHO: Final = (
    "sqlalchemy.engine.Engine",
    "sqlalchemy.pool.impl.QueuePool",
    "sqlalchemy.pool.impl.AsyncAdaptedQueuePool",
)
_MALFORMED: Final = "malformed"


class Logging:
    """The process's logging, from its start to `stop`, which puts back what was there before."""

    def __init__(self, settings: Settings, metrics: Metrics, stream: TextIO | None = None) -> None:
        written = metrics.get("log_lines_total")
        errors = metrics.get("log_errors_total")
        dropped = metrics.get("log_lines_dropped_total")
        inc = {level: written.labels(level).inc for level in LEVELS}
        for reason in (QUEUE_FULL, NOT_WRITTEN, _MALFORMED):
            dropped.labels(reason)

        def count(event: EventDict) -> None:
            inc[event["level"]]()
            if event["level"] in ("error", "critical"):
                errors.labels(str(event.get("error_type", "none"))).inc()

        def drop(reason: str, lines: int) -> None:
            dropped.labels(reason).inc(lines)

        self._writer = Writer(stream or sys.stdout, drop)
        self._records = Records(settings, count, self._writer.put)
        self._handler = _Handler(self._records)
        self._level = settings.log_level
        self._hooks = _Hooks(self._writer)
        self._stopped = False

    def start(self) -> None:
        """Take over the root logger, structlog, and uncaught exceptions."""
        root = logging.getLogger()
        self._before = (root.handlers[:], root.level)
        root.handlers[:] = [self._handler]
        root.setLevel(self._level)
        logging.captureWarnings(True)
        self.adopt()
        structlog.configure(
            processors=_CHAIN,
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=_Logger,
            cache_logger_on_first_use=True,
        )
        self._hooks.set()
        global _active
        _active = self._records

    def adopt(self) -> None:
        """Take the records of servers and libraries over; for those that set up their logging later, once more."""
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)
        for name in _SERVERS:
            logger = logging.getLogger(name)
            logger.handlers[:] = []
            logger.propagate = True
        for name in _ACCESS:
            logging.getLogger(name).disabled = True
        for name in _ECHO:
            logging.getLogger(name).handlers[:] = [logging.NullHandler()]

    def flush(self, seconds: float = 5.0) -> bool:
        """Write what is queued, here and now: for a process that ends without saying so, as a pool's child does."""
        return self._writer.flush(seconds)

    def close(self) -> None:
        """Write what is queued, and from now on each line at once: the last lines of a process are often useful."""
        if not self._stopped:
            self._writer.direct()

    def stop(self) -> None:
        """Write every queued line, and put back what was there before; a second time it does nothing."""
        if self._stopped:
            return
        self._stopped = True
        global _active
        if _active is self._records:
            _active = None
        atexit.unregister(self.close)
        self._hooks.unset()
        self._writer.stop()
        logging.captureWarnings(False)
        root = logging.getLogger()
        if root.handlers == [self._handler]:
            root.handlers[:], root.level = self._before


def configure_logging(settings: Settings, metrics: Metrics, stream: TextIO | None = None) -> Logging:
    """Log as JSON from now on; what is queued when the process exits in good order is still written."""
    configured = Logging(settings, metrics, stream)
    configured.start()
    atexit.register(configured.close)
    return configured


_active: Records | None = None


def _write(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """The output of the app's loggers, which they keep while the writer behind it changes."""
    if _active is not None:
        return _active.write(logger, method, event)
    logger.log(logging.getLevelNamesMapping()[event.pop("level").upper()], encoded(redacted(event)).decode().rstrip())
    return ""


_CHAIN: Final = own_chain(_write)


class _Logger(structlog.stdlib.BoundLogger):
    """The app's logger: its processors write, and an invalid record never stops the app."""

    def _proxy_to_logger(self, method_name: str, event: str | None = None, *event_args: Any, **event_kw: Any) -> None:
        if event_args:
            event_kw["positional_args"] = event_args
        try:
            self._process_event(method_name, event, event_kw)
        except structlog.DropEvent:
            pass
        except Exception:
            logging.getLogger("lookout.logs").exception("a line of %s was not made", self._logger.name)


class _Handler(logging.Handler):
    """Makes a line of each record of a library."""

    def __init__(self, records: Records) -> None:
        super().__init__()
        self._records = records
        self.setFormatter(records.formatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; if it cannot become a line, a simpler line reports that."""
        try:
            self.format(record)
        except Exception as error:
            self._records.broken(record, error)


class _Hooks:
    """What a process does at its end: uncaught exceptions become lines, and SIGTERM loses none."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def set(self) -> None:
        self._before = (sys.excepthook, threading.excepthook)
        self._ours = (self._uncaught, self._uncaught_in_thread)
        sys.excepthook, threading.excepthook = self._ours
        self._term: Any = None
        if threading.current_thread() is threading.main_thread():
            self._term = signal.getsignal(signal.SIGTERM)
            if self._term is signal.SIG_DFL or callable(self._term):
                signal.signal(signal.SIGTERM, self._terminated)

    def unset(self) -> None:
        if sys.excepthook == self._ours[0]:
            sys.excepthook = self._before[0]
        if threading.excepthook == self._ours[1]:
            threading.excepthook = self._before[1]
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(signal.SIGTERM) == self._terminated:
            signal.signal(signal.SIGTERM, self._term)

    def _terminated(self, number: int, frame: FrameType | None) -> None:
        """Servers end themselves by the same signal when they are done, and then nothing else is called."""
        self._writer.direct()
        if callable(self._term):
            self._term(number, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    def _uncaught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, Exception):
            _say_uncaught(error)
        if self._before[0] is not sys.__excepthook__ or not issubclass(kind, Exception):
            self._before[0](kind, error, trace)

    def _uncaught_in_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and issubclass(args.exc_type, Exception):
            _say_uncaught(args.exc_value, thread=args.thread.name if args.thread else None)
        if self._before[1] is not threading.__excepthook__:
            self._before[1](args)


def _say_uncaught(error: BaseException, **fields: Any) -> None:
    structlog.get_logger("lookout.error").critical("unhandled exception", exc_info=error, **fields)
