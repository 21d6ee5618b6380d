"""The stand-in for the demo's providers answers as the real ones would, and fails as requested."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from demo import fault, faults, providers
from demo.faults import Fault, Faults
from demo.made_up import DECLINED_CARD
from demo.providers import Options, create_providers
from demo.signing import HEADER, is_genuine, sign
from fastapi.testclient import TestClient

CHAT = {"model": "m-1", "messages": [{"role": "user", "content": "The lamp works. It is bright."}]}
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "llm": ("/llm/v1/chat/completions", CHAT),
    "payments": ("/payments/charges", {"amount_cents": 900, "source": "tok_visa", "reference": "r-1"}),
    "messages": ("/messages", {"channel": "email", "to": "u-1", "text": "hello"}),
}


class World:
    """The stub, and what it posted to the product's webhooks."""

    def __init__(self, client: TestClient, posted: list[httpx2.Request]) -> None:
        self.client = client
        self.posted = posted

    def ask(self, target: str) -> Any:
        path, body = CALLS[target]
        return self.client.post(path, json=body)

    def order(self, **fault: Any) -> Any:
        return self.client.post("/fault", json=fault)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text("hush\n")
    return tmp_path / "key"


@pytest.fixture
def world(key_file: Path) -> Iterator[World]:
    posted: list[httpx2.Request] = []

    def product(request: httpx2.Request) -> httpx2.Response:
        posted.append(request)
        return httpx2.Response(503 if len(posted) == 1 else 200)

    options = Options(True, "http://api:8000/webhooks", key_file, webhook_delay_seconds=0.001)
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(product))
    with TestClient(create_providers(options, client)) as asked:
        yield World(asked, posted)


def test_the_model_answers_the_same_to_the_same_with_its_tokens(world: World) -> None:
    first, second = world.ask("llm").json(), world.ask("llm").json()
    assert first == second
    assert first["choices"][0]["message"]["content"] == "In short: The lamp works."
    usage = first["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
    assert 0 < usage["prompt_tokens_details"]["cached_tokens"] <= usage["prompt_tokens"]


@pytest.mark.parametrize("target", CALLS)
def test_every_answer_says_what_is_left_of_the_quota(world: World, target: str) -> None:
    left = [int(world.ask(target).headers["x-ratelimit-remaining"]) for _ in range(3)]
    assert left == [left[0], left[0] - 1, left[0] - 2]
    assert left[0] == providers.QUOTAS[target] - 1  # type: ignore[index]


def test_a_quota_that_is_used_up_is_a_429(world: World, monkeypatch: pytest.MonkeyPatch, key_file: Path) -> None:
    monkeypatch.setitem(providers.QUOTAS, "messages", 2)
    with TestClient(create_providers(Options())) as client:
        answers = [client.post("/messages", json=CALLS["messages"][1]) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].headers["x-ratelimit-remaining"] == "0"
    assert answers[-1].headers["Retry-After"]


def test_a_declined_card_is_a_402_and_a_reference_is_charged_once(world: World) -> None:
    body = CALLS["payments"][1]
    assert world.client.post("/payments/charges", json=body | {"source": DECLINED_CARD}).status_code == 402
    charges = {world.ask("payments").json()["id"] for _ in range(2)}
    assert len(charges) == 1


def test_a_payment_is_called_back_signed_until_someone_takes_it(world: World) -> None:
    charge = world.ask("payments").json()["id"]
    refund = world.client.post("/payments/refunds", json={"charge": charge})
    assert refund.json()["charge"] == charge
    _until(world, 3)
    for request in world.posted:
        assert str(request.url) == "http://api:8000/webhooks/payments"
        assert is_genuine(request.content, request.headers[HEADER], b"hush")
    events = sorted(json.loads(request.content)["type"] for request in world.posted)
    assert set(events) == {"charge.succeeded", "charge.refunded"}


def _until(world: World, count: int) -> None:
    """The stub's own loop does the sending: it is awake while a request is answered."""
    for _ in range(200):
        if len(world.posted) >= count:
            return
        world.client.get("/health")
    raise AssertionError(f"{len(world.posted)} webhooks, not {count}")


@pytest.mark.parametrize("target", CALLS)
@pytest.mark.parametrize(("mode", "statuses"), [("429", {429}), ("5xx", {500, 502, 503}), ("timeout", {504})])
def test_a_fault_hits_its_target_alone_and_ends(
    world: World, monkeypatch: pytest.MonkeyPatch, target: str, mode: str, statuses: set[int]
) -> None:
    monkeypatch.setattr(faults, "TIMEOUT_SECONDS", 0.01)
    state = world.order(target=target, mode=mode, seconds=60).json()
    assert state[target]["mode"] == mode and 0 < state[target]["seconds_left"] <= 60
    assert {world.ask(target).status_code for _ in range(10)} <= statuses
    assert {world.ask(other).status_code for other in CALLS if other != target} == {200}
    world.order(target=target, mode="ok")
    assert world.ask(target).status_code == 200


@pytest.mark.parametrize("mode", ["slow", "hang"])
def test_slow_answers_in_the_end_and_hang_never_does(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "SLOW_SECONDS", 0.02)

    async def ask() -> bool:
        ordered = Faults()
        ordered.set(Fault.model_validate({"target": "llm", "mode": mode}))
        try:
            async with asyncio.timeout(0.5):
                await ordered.apply("llm")
        except TimeoutError:
            return False
        return True

    assert asyncio.run(ask()) == (mode == "slow")


def test_a_fault_ends_by_itself_and_hits_only_its_share() -> None:
    now = 100.0
    ordered = Faults(clock=lambda: now)
    ordered.set(Fault(target="llm", mode="slow", share=0.25, seconds=30))
    assert ordered.state()["llm"].share == 0.25
    assert ordered.state()["llm"].seconds_left == 30
    now = 130.0
    assert ordered.state()["llm"].mode == "ok"


@pytest.mark.parametrize(
    "fault",
    [{"target": "llm", "mode": "418"}, {"target": "bank"}, {"target": "llm", "share": 2}, {"target": "llm", "when": 1}],
)
def test_an_order_that_makes_no_sense_is_refused(world: World, fault: dict[str, Any]) -> None:
    assert world.order(**fault).status_code == 422


def test_faults_are_off_unless_they_are_allowed() -> None:
    with TestClient(create_providers(Options())) as client:
        assert client.post("/fault", json={"target": "llm", "mode": "hang"}).status_code == 404
        assert client.get("/fault").json()["llm"]["mode"] == "ok"


@pytest.mark.parametrize(
    ("words", "given"),
    [
        pytest.param("", None, id="nothing: shown is what is on"),
        pytest.param("llm 429", {"target": "llm", "mode": "429", "share": 1.0, "seconds": 60.0}, id="all, a minute"),
        pytest.param(
            "payments 5xx 0.5 300", {"target": "payments", "mode": "5xx", "share": 0.5, "seconds": 300.0}, id="in full"
        ),
    ],
)
def test_words_of_an_order(words: str, given: dict[str, Any] | None) -> None:
    assert fault.order(words.split()) == given
    if given:
        Fault.model_validate(given)


@pytest.mark.parametrize("words", ["llm", "llm 429 half", "llm 429 1 60 more"])
def test_words_that_are_no_order_are_reported_how_it_goes(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert fault.main(words.split()) == 2
    assert "usage: python3 -m demo.fault" in capsys.readouterr().err


def test_a_stub_that_does_not_answer_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert fault.main([], url="http://127.0.0.1:1/fault") == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("body", "signature", "key", "genuine"),
    [
        pytest.param(b"{}", sign(b"{}", b"k"), b"k", True, id="as it was signed"),
        pytest.param(b"{ }", sign(b"{}", b"k"), b"k", False, id="another body"),
        pytest.param(b"{}", sign(b"{}", b"l"), b"k", False, id="another key"),
        pytest.param(b"{}", sign(b"{}", b"k"), None, False, id="no key, nothing is genuine"),
        pytest.param(b"{}", "", b"k", False, id="no signature"),
        pytest.param(b"{}", "sha256=é", b"k", False, id="no ASCII"),
    ],
)
def test_signatures(body: bytes, signature: str, key: bytes | None, genuine: bool) -> None:
    assert is_genuine(body, signature, key) is genuine
