"""What the demo API writes to its log: the contract that the log shipper and log searches are written on."""

import asyncio
import json
import logging
import re
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import httpx2
import pytest
import structlog
from demo.instrumentation.logs import logging_as_json
from demo.instrumentation.redaction import REDACTED, is_secret, redact

from tests.unit.demo_api import ITEM, Demo, captured, running, settings_in

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with running(settings_in(tmp_path)) as demo:
        yield demo


def test_one_access_line_a_request_with_every_field_of_the_contract(demo: Demo) -> None:
    with captured() as records:
        answer = demo.client.get("/items/5?token=hush", headers={"X-Request-ID": "mine-1"})

    (line,) = [record for record in records if record["logger"] == "demo.access"]
    assert line.pop("duration_ms") > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("timestamp"))
    assert UUID7.fullmatch(line["request_id"])
    assert line == {
        "level": "info",
        "service": "api",
        "environment": "test",
        "logger": "demo.access",
        "message": "request",
        "method": "GET",
        "route": ITEM,
        "status": 200,
        "request_id": answer.headers["X-Request-ID"],
        "client_request_id": "mine-1",
    }


def test_the_log_and_the_metrics_agree_about_the_route(demo: Demo) -> None:
    paths = ("/items/1", "/search?q=oak", "/nope", "/items/1/", "/analyses/x")
    with captured() as records:
        for path in paths:
            demo.client.get(path)
    for record in records:
        assert demo.requests(record["route"], str(record["status"]))


def test_every_line_of_a_request_carries_its_id_and_only_its_id(demo: Demo) -> None:
    with captured() as records:
        first = demo.client.post("/analyze", json={"text": "one"}).headers["X-Request-ID"]
        second = demo.client.post("/analyze", json={"text": "two"}).headers["X-Request-ID"]
    assert [record["request_id"] for record in records] == [first, first, second, second]


def test_a_client_id_is_not_left_over_for_the_next_request_on_the_connection(demo: Demo) -> None:
    async def pipelined() -> None:  # one task, one context, as when a client pipelines
        transport = httpx2.ASGITransport(app=demo.client.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
            await client.get("/search?q=oak", headers={"X-Request-ID": "mine-1"})
            await client.get("/search?q=oak")

    with captured() as records:
        asyncio.run(pipelined())
    assert [record.get("client_request_id") for record in records] == ["mine-1", None]


@pytest.mark.parametrize("given", ["a b", "x" * 129, 'x"},{"y', "", "é".encode()])
def test_a_client_id_that_is_long_or_strange_is_left_out(demo: Demo, given: str | bytes) -> None:
    header = given if isinstance(given, bytes) else given.encode()
    with captured() as records:
        demo.client.get("/items/1", headers={b"X-Request-ID": header})
    assert "client_request_id" not in records[0]


def test_a_crash_is_one_error_line_with_its_type_and_one_access_line(demo: Demo) -> None:
    demo.switch(errors=1)
    with captured() as records:
        demo.client.get("/items/1")
    assert [(record["level"], record["logger"]) for record in records] == [
        ("error", "demo.error"),
        ("warning", "demo.access"),
    ]
    assert records[0]["error_type"] == "InjectedFault"
    assert "Traceback" in records[0]["exception"]


def test_answered_probes_are_silent_and_failed_ones_are_not(demo: Demo) -> None:
    with captured() as records:
        demo.client.get("/health")
        demo.client.get("/metrics")
    assert [(record["route"], record["status"]) for record in records] == [("/metrics", 401)]


def test_records_of_libraries_have_the_same_shape_and_all_levels_are_counted() -> None:
    counted: list[str] = []
    with captured(on_line=counted.append) as records:
        logging.getLogger("uvicorn.error").warning("bind %s", "failed")
        structlog.get_logger("own").error("broken", password="hush")
        structlog.get_logger("own").debug("not at this level")
    assert counted == ["warning", "error"]
    foreign, own = records
    assert (foreign["message"], foreign["logger"]) == ("bind failed", "uvicorn.error")
    assert own["password"] == REDACTED
    assert list(foreign) == list(own)[: len(foreign)]


def test_a_full_queue_drops_and_counts_instead_of_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck(StringIO):
        def write(self, text: str) -> int:
            release.wait(10)
            return super().write(text)

    release, dropped, stream = threading.Event(), list[None](), Stuck()
    monkeypatch.setattr("demo.instrumentation.logs.QUEUE_LINES", 5)
    with logging_as_json(
        service="api",
        environment="test",
        level="INFO",
        stream=stream,
        on_drop=lambda: dropped.append(None),
    ):
        for number in range(20):
            structlog.get_logger("own").info("line", number=number)
        release.set()
    assert 14 <= len(dropped) <= 15
    assert len(stream.getvalue().splitlines()) + len(dropped) == 20


@pytest.mark.parametrize(
    "name",
    ["password", "db_password", "Authorization", "Set-Cookie", "accessToken", "api_key", "apiKey", "X-Api-Key"],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["tokens_used", "message", "request_id", "secretary", "passed", "status"])
def test_names_that_only_look_like_secrets(name: str) -> None:
    assert not is_secret(name)


def test_redaction_reaches_nested_values_and_keeps_the_rest() -> None:
    event = {
        "event": "login",
        "user": {"id": 7, "password": "hush"},
        "calls": [{"headers": {"authorization": "Bearer hush", "accept": "*/*"}}],
    }
    clean = redact(None, "info", event)
    assert "hush" not in json.dumps(clean)
    assert clean["user"]["id"] == 7
    assert clean["calls"][0]["headers"]["accept"] == "*/*"
