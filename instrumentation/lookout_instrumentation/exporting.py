"""OpenTelemetry's SDK, set up: which requests are traced, and the way of a span out of the process.

Owns the provider: the sampler, the bounded queue, the exporter, and that no secret leaves in a span. Masking is done
where spans are exported, in a thread of its own, so that requests do not pay for it.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Status

from lookout_instrumentation.redaction import Budget, clean, hidden
from lookout_instrumentation.settings import Settings

QUEUE_SPANS: Final = 2048
BATCH_SPANS: Final = 256
BATCH_SECONDS: Final = 2.0
# While the collector is away an export is tried for so long, and so long the end of a process waits for the last one.
EXPORT_SECONDS: Final = 2.0
RESULTS: Final = ("exported", "failed", "dropped")
_PATH: Final = "/v1/traces"


def flush(provider: TracerProvider) -> None:
    """Send what waits, for as long as an export may take."""
    provider.force_flush(int(EXPORT_SECONDS * 1000))


def make_provider(settings: Settings, counter: Any) -> TracerProvider:
    """The provider of this process. A caller's decision is followed; of what begins here a share is sampled."""
    endpoint = settings.traces_endpoint.rstrip("/")
    endpoint = endpoint if endpoint.endswith(_PATH) else endpoint + _PATH
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_SECONDS)
    resource = Resource(
        {
            "service.name": settings.service,
            "service.version": settings.release,
            "deployment.environment.name": settings.environment,
        }
    )
    sampler = ParentBased(TraceIdRatioBased(settings.traces_ratio))
    provider = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(Counting(exporter, counter))
    return provider


class Counting(BatchSpanProcessor):
    """Batches spans; knows of each whether it was exported, failed to be, or was dropped since the queue was full."""

    def __init__(self, exporter: SpanExporter, counter: Any) -> None:
        self._counts = {result: counter.labels(result) for result in RESULTS}
        self._lock = threading.Lock()
        self._queued = 0
        super().__init__(
            _Masking(exporter, self._taken, self._exported),
            max_queue_size=QUEUE_SPANS,
            schedule_delay_millis=BATCH_SECONDS * 1000,
            max_export_batch_size=BATCH_SPANS,
        )

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a sampled span; when the queue is full this span is dropped.

        It is counted before the queue gets it and until the queue has given it to the exporter. So the SDK's queue,
        which drops its oldest span without a word, never fills, and each span has exactly one result.
        """
        if span.context is None or not span.context.trace_flags.sampled:
            return
        with self._lock:
            full = self._queued >= QUEUE_SPANS
            self._queued += not full
        if full:
            self._counts["dropped"].inc()
        else:
            super().on_end(span)

    def _taken(self, spans: int) -> None:
        with self._lock:
            self._queued -= spans

    def _exported(self, spans: int, result: SpanExportResult) -> None:
        self._counts["exported" if result is SpanExportResult.SUCCESS else "failed"].inc(spans)


class _Masking(SpanExporter):
    """Exports copies of spans in which no secret is."""

    def __init__(
        self,
        exporter: SpanExporter,
        on_taken: Callable[[int], None],
        on_result: Callable[[int, SpanExportResult], None],
    ) -> None:
        self._exporter = exporter
        self._on_taken = on_taken
        self._on_result = on_result

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._on_taken(len(spans))
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export([masked(span) for span in spans])
        finally:
            self._on_result(len(spans), result)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def masked(span: ReadableSpan) -> ReadableSpan:
    """`span` with its name, attributes, events and status redacted."""
    status = span.status
    events = [Event(clean(event.name), _masked(event.attributes), event.timestamp) for event in span.events]
    return ReadableSpan(
        name=clean(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_masked(span.attributes),
        events=events,
        links=span.links,
        kind=span.kind,
        status=Status(status.status_code, clean(status.description) if status.description else None),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _masked(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    budget = Budget()
    return {name: hidden(name, value, budget=budget) for name, value in (attributes or {}).items()}
