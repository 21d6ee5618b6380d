"""Reports of exceptions to a tracker that speaks Sentry's protocol, when a DSN says to which.

Owns when a report is made: once for each exception, at its first log line. What is in one is in `reports`, how it gets
there in `tracker` and `outbox`. The SDK's own integrations are left off: what they would add (a wrapper around each
request, local variables, headers, the process' arguments) is paid for by every request or could hold secrets, and
Lookout's middlewares see every unhandled exception anyway. The costly half of a report is made in the sender's thread.
"""

import atexit
import contextvars
import random
import re
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from structlog.typing import EventDict, WrappedLogger

from lookout_instrumentation import context
from lookout_instrumentation.metrics import Metrics
from lookout_instrumentation.outbox import RESULTS, Outbox, Result
from lookout_instrumentation.reports import EXPECTED, is_expected, is_measured, shaped
from lookout_instrumentation.settings import Settings, SettingsError
from lookout_instrumentation.tracebacks import is_usual
from lookout_instrumentation.tracker import scope_reset, spool_of, start

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

# The logger for uncaught exceptions of middlewares.
UNHANDLED_LOGGER: Final = "lookout.error"
FLUSH_SECONDS: Final = 2.0
# A report costs a few milliseconds: an app that fails a thousand times a second must not fail at that too.
_PER_SECOND: Final = 10.0
_AT_ONCE: Final = 200.0
_FLAG: Final = re.compile(r"[A-Za-z0-9_.-]{1,50}")
_MAX_FLAGS: Final = 20

_current: "Errors | None" = None


def unhandled(error: BaseException, place: str) -> None:
    """Report an uncaught exception, whether or not it is logged; `place` is a route or a task."""
    if _current is not None:
        _current.report(error, handled=False, place=place)


def from_log(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Structlog processor, before exceptions become text: report the exception that a line of level error is about."""
    info = event.get("exc_info")
    if _current is not None and info is not None and info is not False and event.get("level") in ("error", "critical"):
        error = info[1] if isinstance(info, tuple) and len(info) == 3 else info
        error = error if isinstance(error, BaseException) else sys.exc_info()[1]
        if isinstance(error, BaseException):
            unhandled = event.get("logger") == UNHANDLED_LOGGER
            place = " ".join(str(event[key]) for key in ("method", "route", "task") if key in event)
            _current.report(error, handled=not unhandled, place=place)
    return event


class Errors:
    """Reports exceptions; without a DSN every call does nothing."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        """With a DSN that is none, or without the SDK, nothing is reported, and `fault` says why."""
        self.fault = ""
        self._settings = settings
        self._expected = EXPECTED | frozenset(settings.errors_ignore)
        self._outbox: Outbox | None = None
        self._allowance, self._allowed_at = _AT_ONCE, time.monotonic()
        self._lock = threading.Lock()
        if not settings.sentry_dsn:
            return
        counter = metrics.get("errors_reported_total")
        self._counts = {result: counter.labels(result) for result in RESULTS}
        outbox = Outbox(spool_of(settings), self._count)
        try:
            self._client = start(settings, outbox, self._before_send, partial(self._count, "dropped"))
        except Exception as error:  # whatever the SDK does with what it is given
            self.fault = (
                f"errors are not reported: {error if isinstance(error, SettingsError) else type(error).__name__}"
            )
            return
        self._outbox = outbox
        outbox.start()
        atexit.register(self.close)
        self._forget = scope_reset()
        context.on_begin.append(self._forget)
        global _current
        _current = self

    @property
    def on(self) -> bool:
        """Whether reports go anywhere."""
        return self._outbox is not None

    def report(self, error: BaseException, *, handled: bool = True, place: str = "") -> None:
        """Report `error`, unless it is expected or was reported before. `place` is a route or a task, never a path."""
        try:
            self._report(error, handled, place)
        except Exception:  # whatever an exception of the app's does when it is looked at, the app goes on
            if self._outbox is not None:
                self._count("dropped")

    def _report(self, error: BaseException, handled: bool, place: str) -> None:
        if self._outbox is None or getattr(error, "__lookout_reported__", False):
            return
        with suppress(AttributeError, TypeError):  # a class of C that takes no attributes: then it may come twice
            error.__lookout_reported__ = True  # type: ignore[attr-defined]
        if self._is_unwanted(error):
            self._count("filtered")
        elif not (self._may_report() and self._take(error, handled, place)):
            self._count("dropped")

    def flag(self, name: str, value: object) -> None:
        """Say which way a feature flag stood in this request: reports carry it as the tag flag.NAME.

        A name is of up to 50 letters, digits, _, - and .; another one is left out.
        """
        notes = context.notes()
        if notes is not None and type(name) is str and _FLAG.fullmatch(name):
            flags = notes.setdefault("flags", {})
            if name in flags or len(flags) < _MAX_FLAGS:
                flags[name] = value

    def flush(self, seconds: float = FLUSH_SECONDS) -> bool:
        """Wait until every report was tried once; False when there was no time for it."""
        return self._outbox.flush(seconds) if self._outbox else True

    def close(self) -> None:
        """Send for two seconds what waits, and leave the rest in the folder; a second time it does nothing."""
        global _current
        if self._outbox is None:
            return
        atexit.unregister(self.close)
        self._outbox.close(FLUSH_SECONDS)
        self._client.close(timeout=0)
        self._outbox = None
        context.on_begin.remove(self._forget)
        if _current is self:
            _current = None

    # --- what becomes a report -------------------------------------------------------------------------------

    def _is_unwanted(self, error: BaseException) -> bool:
        expected = is_expected(error, self._expected) or is_measured(error)
        return expected or random.random() >= self._settings.errors_sample_ratio

    def _may_report(self) -> bool:
        with self._lock:
            now = time.monotonic()
            self._allowance = min(_AT_ONCE, self._allowance + (now - self._allowed_at) * _PER_SECOND)
            self._allowed_at = now
            if self._allowance < 1:
                return False
            self._allowance -= 1
            return True

    def _take(self, error: BaseException, handled: bool, place: str) -> bool:
        try:
            return self._outbox is not None and self._outbox.put(self._job(error, handled, place))
        except Exception:  # whatever an exception of the app's does when it is looked at, the app goes on
            return False

    def _job(self, error: BaseException, handled: bool, place: str) -> Callable[[], None]:
        """The stack is read here, while it is as it was; the rest is done in the sender's thread, in this context."""
        from sentry_sdk.utils import event_from_exception, single_exception_from_error_tuple

        mechanism, options = {"type": "lookout", "handled": handled}, self._client.options
        event: Event
        if is_usual(error):
            event, _ = event_from_exception(error, client_options=options, mechanism=mechanism)
        else:  # of ten thousand causes each would be read with its stack
            alone = single_exception_from_error_tuple(type(error), error, error.__traceback__, options, mechanism)
            event = {"level": "error", "exception": {"values": [alone]}}
        if place:
            event["transaction"] = place
        here = contextvars.copy_context()
        return lambda: here.run(self._capture, event)

    def _capture(self, event: "Event") -> None:
        import sentry_sdk

        if sentry_sdk.capture_event(event, hint={"lookout": True}) is None:
            self._count("dropped")

    def _before_send(self, event: "Event", hint: "Hint") -> "Event | None":
        """The last look at every report, the app's own `sentry_sdk.capture_exception` included."""
        error = (hint.get("exc_info") or (None, None, None))[1]
        if "lookout" not in hint and isinstance(error, BaseException) and self._is_unwanted(error):
            self._count("filtered")
            return None
        return cast("Event", shaped(cast(dict[str, Any], event)))

    def _count(self, result: Result) -> None:
        self._counts[result].inc()
