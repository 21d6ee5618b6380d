"""The demo API says truly whether it lives and is ready, and fails in the requested ways."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from demo import faults, tasks
from demo.analyses import LONG_TEXT
from demo.circuit import FAILURES
from kombu.exceptions import OperationalError
from lookout_instrumentation import Settings as LookoutSettings
from sqlalchemy import text

from tests.support.waiting import until
from tests.unit.demo_api import AUTHORIZED, ITEM, Demo, running, settings_in


@pytest.fixture
def settings(tmp_path: Path) -> LookoutSettings:
    return settings_in(tmp_path)


@pytest.fixture
def demo(settings: LookoutSettings) -> Iterator[Demo]:
    with running(settings) as demo:
        yield demo


# --- health and readiness ---


@pytest.mark.parametrize("path", ["/health", "/healthz", "/status"])
def test_health_is_about_the_process_alone(demo: Demo, path: str) -> None:
    demo.redis.connected = False
    demo.switch(down=True)
    answer = demo.client.get(path)
    assert answer.status_code == 200
    assert {"status", "timestamp", "service", "version"} <= answer.json().keys()


def test_ready_names_each_dependency_with_status_and_latency(demo: Demo) -> None:
    answer = demo.client.get("/ready")
    assert answer.status_code == 200
    assert answer.json()["checks"]["cache"].keys() == {"status", "latency_ms"}
    assert answer.json()["checks"].keys() == {"cache", "db", "switch"}


def test_the_dependency_metrics_turn_without_anybody_asking(demo: Demo) -> None:
    async def until(expected: float) -> None:
        async with asyncio.timeout(5):
            while demo.value("app_dependency_up", dependency="cache") != expected:
                await asyncio.sleep(0.01)

    asyncio.run(until(1))
    demo.redis.connected = False
    asyncio.run(until(0))
    answer = demo.client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["cache"]["error"] == "ConnectionError"
    demo.redis.connected = True
    asyncio.run(until(1))
    assert demo.client.get("/ready").status_code == 200


# --- faults ---


def test_without_the_queue_what_needs_it_answers_503_and_is_counted(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OperationalError("refused")

    monkeypatch.setattr(tasks.analyze, "apply_async", refuse)
    monkeypatch.setattr(tasks.send_message, "apply_async", refuse)
    assert demo.client.post("/analyze", json={"text": "Hello. " * (LONG_TEXT // 6)}).status_code == 503
    assert demo.requests("/analyze", "503", "POST") == 1
    assert demo.log_in(), "a welcome that cannot be sent is no reason to turn someone away"
    assert demo.client.post("/analyze", json={"text": "Hello."}).status_code == 200


def test_a_queue_that_says_nothing_holds_up_no_request(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(tasks.analyze, "apply_async", lambda *_arguments: time.sleep(0.5))
    assert demo.client.post("/analyze", json={"text": "Hello. " * (LONG_TEXT // 6)}).status_code == 503


def test_without_the_database_the_product_answers_503_and_the_app_is_not_ready(demo: Demo) -> None:
    until(lambda: demo.value("business_mrr_usd") is not None, "the app has begun, and made what it missed", 5)
    with demo.engine.begin() as connection:
        for table in ("items", "analyses"):
            connection.execute(text(f"DROP TABLE {table}"))
    assert demo.client.get("/search?q=oak").status_code == 503
    assert demo.requests("/search", "503") == 1
    assert demo.client.get("/health/db").status_code == 200


def test_an_analysis_can_be_read_again(demo: Demo) -> None:
    made = demo.client.post("/analyze", json={"text": "Hello world. Hello again!"}).json()
    assert (made["words"], made["sentences"], made["top"][0]) == (4, 2, ["hello", 2])
    assert demo.client.get(f"/analyses/{made['id']}").json() == made


def test_switched_errors_are_unhandled_exceptions_counted_as_500(demo: Demo) -> None:
    demo.switch(errors=1)
    answer = demo.client.get("/items/1")
    assert answer.status_code == 500
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    assert demo.requests(ITEM, "500") == 1
    demo.switch(errors=0)
    assert demo.client.get("/items/1").status_code == 200


def test_switched_slow_shows_in_the_histogram(demo: Demo) -> None:
    demo.switch(slow_ms=350)
    demo.client.get("/search?q=oak")
    within = demo.value("http_request_duration_seconds_bucket", method="GET", handler="/search", le="0.3")
    assert within == 0


def test_switched_down_fails_the_product_and_the_readiness_but_can_be_ended(demo: Demo) -> None:
    demo.switch(down=True)
    assert demo.client.get("/items/1").status_code == 503
    time.sleep(demo.lookout.settings.health_max_age_seconds * 2)  # what was found before is kept that long
    assert demo.client.get("/ready").status_code == 503
    assert demo.client.get("/metrics", headers=AUTHORIZED).status_code == 200
    demo.switch(down=False)
    until(lambda: demo.client.get("/ready").status_code == 200, "ready again", 5)


def test_one_switch_leaves_the_others_as_they_are(demo: Demo) -> None:
    demo.switch(errors=0.5)
    state = demo.client.post("/switch", json={"slow_ms": 1}).json()
    assert (state["errors"], state["slow_ms"], state["down"]) == (0.5, 1.0, False)


def test_held_connections_are_taken_from_the_pool_and_given_back(demo: Demo) -> None:
    demo.switch(hold_connections=3)
    assert (demo.value("db_pool_in_use", database="db") or 0) >= 3, "others come and go beside them"
    demo.switch(hold_connections=0)
    assert (demo.value("db_pool_in_use", database="db") or 0) < 3


def test_a_slow_database_is_a_statement_before_each_session(demo: Demo) -> None:
    demo.switch(slow_query_ms=10)
    demo.client.get("/items")
    assert demo.value("db_request_queries_sum", handler="/items") == 2


@pytest.mark.parametrize(("mode", "result"), [("429", "rate_limited"), ("5xx", "error"), ("timeout", "timeout")])
def test_a_model_that_fails_costs_the_summary_and_not_the_analysis(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, mode: str, result: str
) -> None:
    monkeypatch.setattr(faults, "TIMEOUT_SECONDS", 0.01)
    demo.fault("llm", mode)
    if mode == "5xx":
        monkeypatch.setattr("random.choice", lambda _: 500)
    answer = demo.client.post("/analyze", json={"text": "Hello."})
    assert (answer.status_code, answer.json()["words"], answer.json()["summary"]) == (200, 1, None)
    assert demo.value("llm_requests_total", provider="openai", model="gpt-5-mini", result=result) == 1


def test_a_provider_that_fails_again_and_again_is_left_alone(demo: Demo) -> None:
    demo.fault("llm", "5xx")
    for _ in range(FAILURES + 2):
        demo.client.post("/analyze", json={"text": "Hello."})
    assert demo.value("external_circuit_state", api="openai") == 2
    assert demo.value("external_requests_total", api="openai", result="error") == FAILURES


@pytest.mark.parametrize(
    "body", [{"errors": 1.1}, {"errors": -1}, {"slow_ms": 1e9}, {"dwon": True}, {"hold_connections": 11}]
)
def test_a_switch_that_makes_no_sense_is_refused(demo: Demo, body: dict[str, Any]) -> None:
    assert demo.client.post("/switch", json=body).status_code == 422


def test_switches_do_nothing_unless_they_are_allowed(settings: LookoutSettings) -> None:
    with running(settings, switches=False) as demo:
        assert demo.client.post("/switch", json={"down": True}).status_code == 404
        assert demo.client.get("/items/1").status_code == 200
