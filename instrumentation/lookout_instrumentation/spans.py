"""The span of a request or task, in OpenTelemetry's words; imported only when traces are on.

Owns what is done at each request, and so its cost: what is looked up here is looked up once.
"""

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.context import Context, attach
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_KINDS: Final = {"server": SpanKind.SERVER, "consumer": SpanKind.CONSUMER}
_EMPTY: Final = Context()
_extract: Final = TraceContextTextMapPropagator().extract


def begin(tracer: Tracer, traceparent: str, kind: str) -> Span:
    """Start a span, of the caller's trace if there is one, and make it the one at hand."""
    parent = _extract({"traceparent": traceparent}, context=_EMPTY) if traceparent else _EMPTY
    span = tracer.start_span(kind, context=parent, kind=_KINDS[kind])
    attach(set_span_in_context(span, _EMPTY))
    return span


def describe(span: Span, name: str, attributes: Mapping[str, Any], *, failed: bool) -> None:
    """Say of a span what is known at its end."""
    span.update_name(name)
    span.set_attributes(attributes)
    if failed:
        span.set_status(StatusCode.ERROR)


def forget() -> None:
    """No span is at hand: a thread still has that of the request before."""
    attach(_EMPTY)


def sampled_ids() -> Mapping[str, str]:
    """The ids of the span at hand, when its trace will be found."""
    at_hand = get_current_span().get_span_context()
    if not at_hand.is_valid or not at_hand.trace_flags.sampled:
        return {}
    return {"trace_id": f"{at_hand.trace_id:032x}", "span_id": f"{at_hand.span_id:016x}"}
