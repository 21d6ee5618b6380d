"""Spans of requests, tasks and whatever an app wants to measure, sent to the collector: off unless an endpoint is set.

Owns sampling, the spans of requests and tasks, and what may be in a span. It uses OpenTelemetry's SDK and exporter, and
none of its instrumentation packages: Lookout's middlewares stand around each request already, and a span made there
costs a fraction of what a second wrapper does. The provider is Lookout's own and not the global one: a framework that
traces by itself as soon as there is one would make every span twice, with raw paths and query strings. What is known of
the trace reaches log lines and outgoing calls by OpenTelemetry's context (see `context`).
"""

import atexit
import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal

from lookout_instrumentation import context
from lookout_instrumentation.metrics import Metrics
from lookout_instrumentation.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

Kind = Literal["server", "consumer"]

_NOTE: Final = "span"
# Of a list that is an attribute.
_MOST_ITEMS: Final = 100


class Span:
    """A stretch of work; one of a trace that is not sampled, or without tracing, does nothing."""

    def set(self, **attributes: Any) -> None:
        """Say more of it; secrets are masked before it leaves the process."""

    def __enter__(self) -> "Span":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        return None


_NOTHING: Final = Span()


class _Recorded(Span):
    def __init__(self, opened: AbstractContextManager[Any]) -> None:
        self._opened = opened
        self._span: Any = None

    def set(self, **attributes: Any) -> None:
        with suppress(Exception):  # whatever the app's values do
            self._span.set_attributes(_plain(attributes))

    def __enter__(self) -> Span:
        self._span = self._opened.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._opened.__exit__(kind, error, tb)


class Traces:
    """The traces of one process; without an endpoint every call does nothing."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        """Without OpenTelemetry nothing is traced, and `fault` says why."""
        self.fault = ""
        self.provider: TracerProvider | None = None
        self._tracer: Any = None
        if not settings.traces_endpoint:
            return
        try:
            from lookout_instrumentation import exporting, spans

            self._spans, self._exporting = spans, exporting
            self.provider = exporting.make_provider(settings, metrics.get("trace_spans_total"))
        except ImportError:
            self.fault = "nothing is traced: a traces endpoint is set, install lookout-instrumentation[traces]"
            return
        except Exception as error:  # whatever the exporter does with what it is given
            self.fault = f"nothing is traced: the traces endpoint cannot be used: {type(error).__name__}"
            return
        self._tracer = self.provider.get_tracer("lookout")
        # Of an exporter that does not get through; that is counted.
        logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
        context.trace_ids = spans.sampled_ids
        context.on_begin.append(spans.forget)
        atexit.register(self.close)

    @property
    def on(self) -> bool:
        """Whether spans go anywhere."""
        return self._tracer is not None

    def begin(self, traceparent: str = "", kind: Kind = "server") -> None:
        """Start the span of the request or task at hand, as a part of its caller's trace if it has one."""
        notes = context.notes()
        if self._tracer is None or notes is None:
            return
        notes[_NOTE] = self._spans.begin(self._tracer, traceparent, kind)

    def end(self, name: str, attributes: Mapping[str, Any], *, failed: bool) -> None:
        """End that span; `name` and `attributes` are known only now. A second time it does nothing."""
        notes = context.notes() if self._tracer is not None else None
        span = notes.pop(_NOTE, None) if notes else None
        if span is None:
            return
        if span.is_recording():
            known = {**_plain(attributes), "request_id": context.request_id()}
            self._spans.describe(span, name, known, failed=failed)
        span.end()

    def exemplar(self) -> dict[str, str] | None:
        """What an observation is marked with, so that a graph leads to the trace: of sampled ones only."""
        notes = context.notes() if self._tracer is not None else None
        span = notes.get(_NOTE) if notes else None
        return {"trace_id": f"{span.context.trace_id:032x}"} if span is not None and span.is_recording() else None

    def span(self, name: str, **attributes: Any) -> Span:
        """`with lookout.span("price", items=3):` measures a part of a request's work."""
        if self._tracer is None:
            return _NOTHING
        whole = (context.notes() or {}).get(_NOTE)
        if whole is not None and not whole.is_recording():  # nine of ten requests
            return _NOTHING
        try:
            return _Recorded(self._tracer.start_as_current_span(str(name), attributes=_plain(attributes)))
        except Exception:  # whatever the app's values do
            return _NOTHING

    def flush(self) -> None:
        """Send what waits, within a few seconds."""
        if self.provider is not None:
            self._exporting.flush(self.provider)

    def close(self) -> None:
        """Send what waits, within a few seconds; a second time it does nothing."""
        if self.provider is not None and self._tracer is not None:
            self._tracer = None
            context.on_begin.remove(self._spans.forget)
            atexit.unregister(self.close)
            self.provider.shutdown()


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as OpenTelemetry takes them: one or a list of text, numbers, truth values."""
    return {name: _value(value) for name, value in attributes.items() if value is not None}


def _value(value: Any) -> Any:
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [str(item) for item in islice(value, _MOST_ITEMS)]
    return str(value)
