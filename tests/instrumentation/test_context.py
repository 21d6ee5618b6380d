"""What is known of a request goes wherever the request goes: into threads, tasks and calls, and nowhere else."""

import asyncio
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
import requests
import structlog
from lookout_instrumentation import context, outgoing
from opentelemetry import trace

from generator.verbs.logs.user_hash import user_hash
from tests.instrumentation.listening import listening

own = structlog.get_logger("own")
SPAN = trace.NonRecordingSpan(
    trace.SpanContext(trace_id=0xABC, span_id=0xDEF, is_remote=False, trace_flags=trace.TraceFlags(1))
)


@pytest.fixture(autouse=True)
def no_context() -> Iterator[None]:
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()
    context.configure(None)


# --- ids ---


def test_the_id_is_ours_and_the_clients_is_kept_beside_it() -> None:
    made = context.begin("mine-1")
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", made)
    assert context.current() == {"request_id": made, "client_request_id": "mine-1"}
    again = context.begin()
    assert again > made  # the time is in it
    assert context.current() == {"request_id": again}


@pytest.mark.parametrize("given", ["a b", "x" * 129, 'x"},{"y', "", "é", "x\n"])
def test_a_clients_id_that_is_long_or_strange_is_left_out(given: str) -> None:
    context.begin(given)
    assert "client_request_id" not in context.current()


def test_what_is_bound_is_bounded_to_the_fields_that_lines_are_searched_by() -> None:
    context.begin()
    context.bind(tenant="acme")
    assert context.current()["tenant"] == "acme"
    with pytest.raises(TypeError, match="'colour'"):
        context.bind(colour="red")


def test_a_user_is_the_same_hash_in_the_app_and_on_the_command_line(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a key\n")
    context.configure(key)
    context.begin()
    context.bind(user=42)
    assert context.current()["user_id"] == user_hash(b"a key", "42")
    assert context.hashed("42") == context.hashed(42) == context.hashed(user_hash(b"a key", "42"))
    assert context.hashed("4111111111111111x") != "4111111111111111x"


def test_without_a_key_no_user_is_bound(tmp_path: Path) -> None:
    context.configure(tmp_path / "missing")
    context.begin()
    context.bind(user=42)
    assert "user_id" not in context.current()


# --- within the process ---


def test_requests_side_by_side_do_not_mix() -> None:
    async def request(number: int) -> tuple[str, str]:
        made = context.begin()
        context.bind(site=str(number))
        await asyncio.sleep(0.01)
        in_thread = await asyncio.to_thread(context.current)
        assert in_thread["site"] == str(number)
        return made, context.request_id()

    async def several() -> list[tuple[str, str]]:
        return await asyncio.gather(*(request(number) for number in range(20)))

    found = asyncio.run(several())
    assert all(made == later for made, later in found)
    assert len({made for made, _ in found}) == 20


def test_a_thread_of_ones_own_is_given_the_context() -> None:
    made = context.begin()
    seen: list[str] = []
    for work in (lambda: seen.append(context.request_id()), context.carried(lambda: seen.append(context.request_id()))):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert seen == ["", made]


def test_an_executor_runs_many_in_one_context_at_once() -> None:
    made = context.begin()
    together = threading.Barrier(4)

    def work(number: int) -> tuple[int, str]:
        together.wait(5)
        return number, context.request_id()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(context.carried(work), range(4))) == [(number, made) for number in range(4)]


# --- to other processes ---


def test_a_task_goes_on_where_its_request_was() -> None:
    context.begin("mine-1")
    context.bind(tenant="acme")
    handed = context.current()
    context.begin()
    context.resume({**handed, "task": "pay", "task_id": "7"})
    assert context.current() == {**handed, "task": "pay", "task_id": "7"}


def test_a_message_can_bring_neither_other_fields_nor_endless_ones() -> None:
    context.resume({"request_id": "r", "password": "hunter2", "tenant": "x" * 10_000, "site": ""})
    found = context.current()
    assert found.keys() == {"request_id", "tenant"}
    assert len(found["tenant"]) == 256


class Echo(BaseHTTPRequestHandler):
    """Remembers the headers that it was sent."""

    seen: list[dict[str, str]]

    def do_GET(self) -> None:
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Nothing."""


@pytest.fixture
def echo() -> Iterator[tuple[str, list[dict[str, str]]]]:
    class Fresh(Echo):
        seen: list[dict[str, str]] = []  # noqa: RUF012

    server = HTTPServer(("127.0.0.1", 0), Fresh)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", Fresh.seen
    server.shutdown()
    thread.join()
    server.server_close()


def test_calls_carry_the_id_of_their_request(echo: tuple[str, list[dict[str, str]]]) -> None:
    url, seen = echo

    async def asynchronous() -> None:
        async with outgoing.hand_on(httpx2.AsyncClient()) as client:
            await client.get(url)

    made = context.begin()
    with outgoing.hand_on(httpx2.Client()) as client:
        client.get(url)
        client.get(url, headers={"X-Request-ID": "my own"})
    asyncio.run(asynchronous())
    with outgoing.hand_on(requests.Session()) as session:
        session.get(url)
        session.get(url, headers={"X-Request-ID": "my own"})
    assert [headers["x-request-id"] for headers in seen] == [made, "my own", made, made, "my own"]


def test_outside_of_a_request_calls_carry_nothing(echo: tuple[str, list[dict[str, str]]]) -> None:
    url, seen = echo
    with outgoing.hand_on(requests.Session()) as session:
        session.get(url)
    assert {"x-request-id", "traceparent"}.isdisjoint(seen[0])


def test_hooks_of_the_apps_own_are_kept(echo: tuple[str, list[dict[str, str]]]) -> None:
    url, seen = echo
    context.begin()
    own_hook: list[str] = []
    hooks = {"request": [lambda request: own_hook.append(request.method)], "response": []}
    with outgoing.hand_on(httpx2.Client(event_hooks=hooks)) as client:
        client.get(url)
    assert own_hook == ["GET"]
    assert "x-request-id" in seen[0]


def test_what_is_no_client_is_refused() -> None:
    with pytest.raises(TypeError, match="object is neither"):
        outgoing.hand_on(object())


# --- traces ---


def test_lines_and_calls_name_the_trace_that_they_belong_to() -> None:
    context.begin()
    with listening() as captured, trace.use_span(SPAN):
        own.info("x")
        assert context.outgoing_headers()["traceparent"] == f"00-{0xABC:032x}-{0xDEF:016x}-01"
    record = captured.one()
    assert (record["trace_id"], record["span_id"]) == (f"{0xABC:032x}", f"{0xDEF:016x}")


def test_without_a_trace_there_is_none() -> None:
    context.begin()
    with listening() as captured:
        own.info("x")
    assert "trace_id" not in captured.one()
    assert "traceparent" not in context.outgoing_headers()


def test_another_tracer_can_say_which_trace_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "trace_ids", lambda: {"trace_id": "t-1"})
    with listening() as captured:
        own.info("x")
    assert captured.one()["trace_id"] == "t-1"
