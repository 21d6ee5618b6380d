"""Calls to other companies' APIs: how they end, how much of the quota is used, whether the circuit is open."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import httpx2
import pybreaker
import pytest

from tests.instrumentation.recorder import Recorder, recorder

REQUESTS = "external_requests_total"


def answer(status: int, headers: Mapping[str, str] | None = None) -> httpx2.Response:
    request = httpx2.Request("GET", "https://api.example.com/")
    return httpx2.Response(status, headers=headers, request=request)


def test_every_result_starts_at_zero_and_nothing_is_said_of_quota_or_circuit() -> None:
    recorded = Recorder()
    recorded.lookout.external("sms")
    assert recorded.series(REQUESTS) == {("sms", name): 0 for name in ("ok", "error", "rate_limited", "timeout")}
    assert recorded.series("external_request_duration_seconds_count") == {("sms",): 0}
    for name in ("external_quota_used", "external_quota_limit", "external_circuit_state"):
        assert recorded.series(name) == {}


@pytest.mark.parametrize(
    ("status", "result"), [(200, "ok"), (404, "error"), (429, "rate_limited"), (504, "timeout"), (503, "error")]
)
def test_the_status_of_an_answer_shows(status: int, result: str) -> None:
    recorded = Recorder()
    with recorded.lookout.external("sms").call() as call:
        call.response(answer(status))
    assert recorded.counted(REQUESTS) == {("sms", result): 1}
    assert recorded.counted("external_request_duration_seconds_count") == {("sms",): 1}


def test_an_answer_that_is_raised_counts_once() -> None:
    recorded = Recorder()
    with pytest.raises(httpx2.HTTPStatusError), recorded.lookout.external("sms").call() as call:
        call.response(refusal := answer(429))
        refusal.raise_for_status()
    assert recorded.counted(REQUESTS) == {("sms", "rate_limited"): 1}


def test_the_app_may_know_better() -> None:
    recorded = Recorder()
    with recorded.lookout.external("sms").call() as call:
        call.response(answer(404))
        call.result("ok")
    assert recorded.counted(REQUESTS) == {("sms", "ok"): 1}


def test_a_call_that_says_nothing_was_good() -> None:
    recorded = Recorder()
    with recorded.lookout.external("sms").call():
        pass
    assert recorded.counted(REQUESTS) == {("sms", "ok"): 1}


def test_a_limit_set_around_an_async_call_is_a_timeout() -> None:
    recorded = Recorder()

    async def run() -> None:
        async with asyncio.timeout(0.01), recorded.lookout.external("sms").call():
            await asyncio.sleep(5)

    with pytest.raises(TimeoutError):
        asyncio.run(run())
    assert recorded.counted(REQUESTS) == {("sms", "timeout"): 1}


@pytest.mark.parametrize(
    ("headers", "quota"),
    [
        ({"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "30"}, (70, 100)),
        ({"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "60"}, (0, 60)),
        ({"RateLimit-Limit": "10", "RateLimit-Remaining": "0"}, (10, 10)),
        ({"x-ratelimit-limit": "10", "x-ratelimit-remaining": "12"}, (0, 10)),
        ({"x-ratelimit-limit": "10"}, None),
        ({"x-ratelimit-limit": "many", "x-ratelimit-remaining": "few"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("client", ["httpx", "dict"])
def test_the_quota_in_the_headers(client: str, headers: dict[str, str], quota: tuple[float, float] | None) -> None:
    recorded = Recorder()
    stated: Any = answer(200, headers) if client == "httpx" else SimpleNamespace(status=200, headers=headers)
    with recorded.lookout.external("sms").call() as call:
        call.response(stated)
    found = recorded.value("external_quota_used", api="sms"), recorded.value("external_quota_limit", api="sms")
    assert found == (quota or (None, None))


def test_a_quota_that_the_app_knows() -> None:
    recorded = Recorder()
    recorded.lookout.external("sms").quota(used=3, limit=500)
    assert recorded.value("external_quota_used", api="sms") == 3
    assert recorded.value("external_quota_limit", api="sms") == 500


def test_the_state_of_a_circuit() -> None:
    recorded = Recorder()
    api = recorded.lookout.external("sms")
    for state, number in (("open", 2), ("half_open", 1), ("closed", 0)):
        api.circuit(state)  # type: ignore[arg-type]  # they are
        assert recorded.value("external_circuit_state", api="sms") == number


def test_a_breaker_of_pybreaker_shows_its_state() -> None:
    recorded = Recorder()
    breaker = pybreaker.CircuitBreaker(fail_max=2, reset_timeout=60)
    breaker.add_listener(recorded.lookout.external("sms").listener)
    breaker.call(lambda: None)
    for _ in range(2):
        with pytest.raises((ZeroDivisionError, pybreaker.CircuitBreakerError)):
            breaker.call(lambda: 1 / 0)
    assert recorded.value("external_circuit_state", api="sms") == 2
    breaker.half_open()
    assert recorded.value("external_circuit_state", api="sms") == 1
    breaker.close()
    assert recorded.value("external_circuit_state", api="sms") == 0


def test_too_many_apis_are_counted_together() -> None:
    recorded = recorder(label_budgets={"api": 5})
    for number in range(200):
        with recorded.lookout.external(f"api-{number}").call():
            pass
    oks = {labels: number for labels, number in recorded.series(REQUESTS).items() if labels[1] == "ok"}
    assert len(oks) == 6
    assert oks["other", "ok"] == 195
