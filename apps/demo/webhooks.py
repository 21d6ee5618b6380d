"""What providers call back: payments that went through, messages that arrived. Only what they signed is believed."""

import json
from typing import Annotated, Any, Final, Literal

import structlog
from fastapi import APIRouter, Header, HTTPException, Request
from lookout_instrumentation import context

from demo.services import FAULTS, Services, Shared
from demo.signing import is_genuine, read_key

MAX_BODY: Final = 64 * 1024

router = APIRouter(dependencies=[FAULTS])
log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)


@router.post("/webhooks/{source}", status_code=204)
async def post_webhook(
    source: Literal["payments", "messages"],
    request: Request,
    shared: Shared,
    x_signature: Annotated[str, Header()] = "",
) -> None:
    """Take an event. A provider tries again when this fails."""
    context.bind(action="webhook")
    with shared.lookout.webhooks.processing(source):
        body = await request.body()
        if not is_genuine(body, x_signature, read_key(shared.settings.webhook_key_file)):
            raise HTTPException(401, "not signed by the provider")
        event = _event(body)
        if event is None:
            raise HTTPException(422, "not an event")
        await _process(shared, source, event)


def _event(body: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(body) if len(body) <= MAX_BODY else None
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


async def _process(shared: Services, source: str, event: dict[str, Any]) -> None:
    if source == "payments" and not await shared.payments.confirm(str(event.get("charge"))):
        log.warning("an unknown payment", source=source)
    else:
        log.info("webhook processed", source=source, event_type=str(event.get("type"))[:40])
