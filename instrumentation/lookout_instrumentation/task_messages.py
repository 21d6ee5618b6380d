"""What a Celery message carries of the request that sent it: its request id, its user, its time, and its trace.

Owns the header's name and shape, on both sides. A message comes from outside: nothing in it can be relied upon, and
only what is known here gets into a worker's lines.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from lookout_instrumentation import context

HEADER: Final = "lookout"

_FIELDS: Final = frozenset({"request_id", "client_request_id", "user_id", *context.FIELDS})
_MAX_LENGTH: Final = 128


@dataclass(frozen=True)
class Origin:
    """What a message says; `sent` is 0 when it does not say when that was."""

    fields: dict[str, str]
    sent: float
    traceparent: str


def hand_on(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Put what is known of the request at hand, and the time, into a message that is being sent."""
    if headers is None:
        return
    sent = time.time()
    with suppress(TypeError, ValueError):
        if headers.get("eta"):  # it is meant to wait until then
            sent = max(sent, datetime.fromisoformat(headers["eta"]).timestamp())
    known = {name: value for name, value in context.current().items() if name in _FIELDS}
    trace = context.outgoing_headers().get("traceparent", "")
    headers[HEADER] = {"sent": sent, "context": known, "traceparent": trace}


def origin_of(request: Any) -> Origin:
    """What the message of a task's request says."""
    header = getattr(request, HEADER, None)
    header = header if isinstance(header, dict) else {}
    fields, sent, trace = header.get("context"), header.get("sent"), header.get("traceparent")
    fields = fields if isinstance(fields, dict) else {}
    return Origin(
        fields={name: str(value)[:_MAX_LENGTH] for name, value in fields.items() if name in _FIELDS and value},
        sent=sent if isinstance(sent, int | float) else 0.0,
        traceparent=trace if isinstance(trace, str) else "",
    )
