"""Calls to the providers: the model, the payment service, the messenger.

Owns how long they may take, when they are left alone, and what counts as an answer. Each call is counted by the
library's recorders. `Outside` is for the API's event loop, `OutsideNow` for the worker's threads.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import structlog
from lookout_instrumentation import Lookout, context
from lookout_instrumentation.external import ExternalCall
from lookout_instrumentation.llm import Call

from demo.circuit import Circuit, CircuitOpenError

LLM: Final = "openai"
PAYMENTS: Final = "stripe"
MESSENGER: Final = "messenger"
MODEL: Final = "gpt-5-mini"
CHANNELS: Final = ("email", "telegram")
_PROMPT: Final = "Say in one sentence what the text says."

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)


class Unavailable(Exception):
    """A provider did not answer, or not as it should."""


class Declined(Exception):
    """The payment service answered: not with this card."""


@dataclass(frozen=True)
class Answer:
    """What the model said, and what that cost."""

    text: str | None
    cost_usd: float = 0.0


class Calls:
    """What calls have in common: recorders and circuit breakers."""

    def __init__(self, lookout: Lookout, *apis: str) -> None:
        self.lookout = lookout
        self._circuits = {api: Circuit(lookout.external(api).circuit) for api in apis}

    @contextmanager
    def watch(self, api: str) -> Iterator[ExternalCall]:
        """A block that calls `api` once. Raises Unavailable for whatever goes wrong with it."""
        circuit = self._circuits[api]
        try:
            circuit.enter()
        except CircuitOpenError as error:
            raise Unavailable(f"{api} is left alone for a while") from error
        ok = False
        try:
            with self.lookout.external(api).call() as call:
                yield call
            ok = True
        except httpx2.HTTPError as error:
            raise Unavailable(f"{api}: {type(error).__name__}") from error
        finally:
            circuit.leave(ok)

    @contextmanager
    def ask_model(self, tenant: str) -> Iterator["Question"]:
        """The same for the model, counted with its tokens too."""
        with self.watch(LLM) as external, self.lookout.llm.call(LLM, MODEL, tenant=tenant) as call:
            yield Question(external, call)


class Question:
    """One question to the model, on both recorders."""

    def __init__(self, external: ExternalCall, call: Call) -> None:
        self._external = external
        self._call = call
        self._text = ""

    def answered(self, response: httpx2.Response) -> None:
        """Read the model's answer and its tokens. Raises HTTPError when it is none."""
        self._external.response(response)
        body = self._call.response(response.raise_for_status().json())
        self._text = body["choices"][0]["message"]["content"]

    @property
    def answer(self) -> Answer:
        """What was said, once the call has ended: its price is known then."""
        return Answer(self._text, self._call.cost_usd)


def _question(text: str) -> dict[str, Any]:
    messages = [{"role": "system", "content": _PROMPT}, {"role": "user", "content": text}]
    return {"model": MODEL, "messages": messages}


def _headers(**more: str) -> Mapping[str, str]:
    return context.outgoing_headers() | {name.replace("_", "-"): value for name, value in more.items()}


class Outside:
    """For coroutines."""

    def __init__(self, client: httpx2.AsyncClient, calls: Calls) -> None:
        self._client = client
        self._calls = calls

    async def summarise(self, text: str, tenant: str) -> Answer:
        """A sentence by the model; none when it cannot be had."""
        try:
            with self._calls.ask_model(tenant) as model:
                model.answered(await self._post("/llm/v1/chat/completions", _question(text)))
            return model.answer
        except Unavailable as error:
            log.error("no summary", dependency=LLM, error_type=type(error.__cause__).__name__)
            return Answer(None)

    async def charge(self, amount_cents: int, card: str, reference: str) -> str:
        """Charge a card; the charge's id. Raises Declined or Unavailable."""
        body = {"amount_cents": amount_cents, "source": card, "reference": reference}
        with self._calls.watch(PAYMENTS) as call:
            response = await self._post("/payments/charges", body)
            call.response(response)
            if response.status_code == httpx2.codes.PAYMENT_REQUIRED:
                call.result("ok")
            else:
                return str(response.raise_for_status().json()["id"])
        raise Declined

    async def refund(self, charge: str) -> None:
        """Give a charge back. Raises Unavailable."""
        with self._calls.watch(PAYMENTS) as call:
            response = await self._post("/payments/refunds", {"charge": charge})
            call.response(response)
            response.raise_for_status()

    async def _post(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        return await self._client.post(path, json=body, headers=_headers())


class OutsideNow:
    """For threads."""

    def __init__(self, client: httpx2.Client, calls: Calls) -> None:
        self._client = client
        self._calls = calls

    def summarise(self, text: str, tenant: str) -> Answer:
        """A sentence by the model. Raises Unavailable."""
        with self._calls.ask_model(tenant) as model:
            response = self._client.post("/llm/v1/chat/completions", json=_question(text), headers=_headers())
            model.answered(response)
        return model.answer

    def send_message(self, channel: str, to: str, text: str, key: str) -> None:
        """Send a message; with the same key it is sent once, however often this is called. Raises Unavailable."""
        body = {"channel": channel, "to": to, "text": text}
        with self._calls.lookout.messages.sending(channel), self._calls.watch(MESSENGER) as call:
            response = self._client.post("/messages", json=body, headers=_headers(Idempotency_Key=key))
            call.response(response)
            response.raise_for_status()
