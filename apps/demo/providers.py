"""Stands in for the providers that the product pays for: a model, a payment service, a messenger.

`python3 -m demo.providers`. Answers are made from the request alone, so that a test can foretell them; POST /fault
makes any of the three misbehave. It knows nothing of the product but the address that webhooks go to.
"""

import asyncio
import hashlib
import json
import os
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import httpx2
import uvicorn
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, Field

from demo.faults import Fault, Faults, FaultState, Target
from demo.made_up import DECLINED_CARD
from demo.signing import HEADER, read_key, sign

# Calls a minute that a provider grants; far more than the demo's traffic makes.
QUOTAS: Final[dict[Target, int]] = {"llm": 1200, "payments": 600, "messages": 600}
WINDOW_SECONDS: Final = 60.0
WEBHOOK_TRIES: Final = 3
_SYSTEM_TOKENS: Final = 24


@dataclass(frozen=True)
class Options:
    """How the stub was started. `webhooks` is what payment and message events are posted to, by their kind."""

    faults_enabled: bool = False
    webhooks: str = ""
    key_file: Path | None = None
    webhook_delay_seconds: float = 0.3


class Quota:
    """Counts the calls of the last minute, and says in the answer what is left, as real providers do."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._calls: deque[float] = deque()

    def take(self, headers: Any) -> None:
        """Count one call. Raises HTTPException when there is none left."""
        now = time.monotonic()
        while self._calls and self._calls[0] <= now - WINDOW_SECONDS:
            self._calls.popleft()
        left = self._limit - len(self._calls)
        limits = {"x-ratelimit-limit": str(self._limit), "x-ratelimit-remaining": str(max(left - 1, 0))}
        headers.update(limits)
        if left <= 0:
            raise HTTPException(429, "quota used up", {**limits, "Retry-After": "10"})
        self._calls.append(now)


class ChatMessage(BaseModel):
    """One turn of a conversation."""

    role: str
    content: Annotated[str, Field(max_length=200_000)]


class Chat(BaseModel):
    """A request to the model."""

    model: str
    messages: Annotated[list[ChatMessage], Field(min_length=1)]


class Charge(BaseModel):
    """A payment to make."""

    amount_cents: Annotated[int, Field(gt=0)]
    source: str
    reference: str


class Refund(BaseModel):
    """A payment to give back."""

    charge: str


class Letter(BaseModel):
    """A message to send."""

    channel: str
    to: str
    text: str


class Providers:
    """The stub's state, and the webhooks that it sends after its answers."""

    def __init__(self, options: Options, client: httpx2.AsyncClient) -> None:
        self.options = options
        self.faults = Faults()
        self._quotas = {target: Quota(limit) for target, limit in QUOTAS.items()}
        self._client = client
        self._sending: set[asyncio.Task[None]] = set()

    def gate(self, target: Target) -> Callable[[Response], Awaitable[None]]:
        """What every call to `target` goes through first."""

        async def check(response: Response) -> None:
            await self.faults.apply(target)
            self._quotas[target].take(response.headers)

        return check

    def announce(self, kind: str, event: dict[str, Any]) -> None:
        """Post an event to the product in a moment, signed."""
        key = read_key(self.options.key_file)
        if self.options.webhooks and key:
            task = asyncio.create_task(self._post(f"{self.options.webhooks}/{kind}", json.dumps(event).encode(), key))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _post(self, url: str, body: bytes, key: bytes) -> None:
        headers = {HEADER: sign(body, key), "Content-Type": "application/json"}
        for number in range(WEBHOOK_TRIES):
            await asyncio.sleep(self.options.webhook_delay_seconds * 4**number)
            try:
                if (await self._client.post(url, content=body, headers=headers)).status_code < 500:
                    return
            except httpx2.HTTPError:
                continue


def chat_answer(chat: Chat) -> dict[str, Any]:
    """What the model says to `chat`: its first sentence, with tokens counted by words."""
    words = [word for message in chat.messages for word in message.content.split()]
    first = chat.messages[-1].content.split(".")[0].strip()[:200]
    text = f"In short: {first}."
    sent, received = round(len(words) * 1.3) + _SYSTEM_TOKENS, round(len(text.split()) * 1.3) + 1
    return {
        "id": f"chatcmpl-{_digest(chat.model_dump_json())}",
        "object": "chat.completion",
        "model": chat.model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": sent,
            "completion_tokens": received,
            "total_tokens": sent + received,
            "prompt_tokens_details": {"cached_tokens": _SYSTEM_TOKENS},
        },
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def create_providers(options: Options, client: httpx2.AsyncClient | None = None) -> FastAPI:
    """Return the stub; `client` is what posts the webhooks, closed with the app."""
    client = client or httpx2.AsyncClient(timeout=5.0)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await client.aclose()

    app = FastAPI(title="Provider stub", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    providers = Providers(options, client)
    app.include_router(_orders(providers))
    app.include_router(_calls(providers))
    return app


def _orders(providers: Providers) -> APIRouter:
    router = APIRouter()

    @router.get("/health")
    async def get_health() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/fault")
    async def get_fault() -> dict[Target, FaultState]:
        return providers.faults.state()

    @router.post("/fault")
    async def post_fault(fault: Fault) -> dict[Target, FaultState]:
        if not providers.options.faults_enabled:
            raise HTTPException(404, "faults are off: DEMO_SWITCHES=on allows them")
        providers.faults.set(fault)
        return providers.faults.state()

    return router


def _calls(providers: Providers) -> APIRouter:
    router = APIRouter()

    @router.post("/llm/v1/chat/completions", dependencies=[Depends(providers.gate("llm"))])
    async def post_chat(chat: Chat) -> dict[str, Any]:
        await asyncio.sleep(0.02 + min(len(chat.messages[-1].content), 4000) / 100_000)
        return chat_answer(chat)

    @router.post("/payments/charges", dependencies=[Depends(providers.gate("payments"))])
    async def post_charge(charge: Charge) -> dict[str, Any]:
        if charge.source == DECLINED_CARD:
            raise HTTPException(402, "card declined")
        # The same reference is the same charge: asked twice, it is paid once.
        made = {"id": f"ch_{_digest(charge.reference)}", "amount_cents": charge.amount_cents, "status": "succeeded"}
        providers.announce("payments", {"type": "charge.succeeded", "charge": made["id"]})
        return made

    @router.post("/payments/refunds", dependencies=[Depends(providers.gate("payments"))])
    async def post_refund(refund: Refund) -> dict[str, Any]:
        providers.announce("payments", {"type": "charge.refunded", "charge": refund.charge})
        return {"id": f"re_{_digest(refund.charge)}", "charge": refund.charge, "status": "succeeded"}

    @router.post("/messages", dependencies=[Depends(providers.gate("messages"))])
    async def post_message(letter: Letter, request: Request) -> dict[str, Any]:
        # What is sent twice under one key arrives once.
        key = request.headers.get("Idempotency-Key") or letter.model_dump_json()
        sent = {"id": f"msg_{_digest(key)}", "channel": letter.channel, "status": "queued"}
        providers.announce("messages", {"type": "message.delivered", "message": sent["id"], "channel": letter.channel})
        return sent

    return router


def main() -> int:
    """Read the environment and serve; return the exit code."""
    key_file = os.environ.get("WEBHOOK_KEY_FILE")
    options = Options(
        faults_enabled=os.environ.get("DEMO_SWITCHES", "off").lower() == "on",
        webhooks=os.environ.get("WEBHOOK_URL", "").rstrip("/"),
        key_file=Path(key_file) if key_file else None,
    )
    uvicorn.run(
        create_providers(options),
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT") or 8000),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
