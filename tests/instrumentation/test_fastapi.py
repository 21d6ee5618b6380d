"""The ASGI edge under what FastAPI and Starlette apps do: mounts, streams, tasks, clients that go, own handlers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, BackgroundTasks, FastAPI, Request, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from lookout_instrumentation import Lookout, context
from lookout_instrumentation.fastapi import init
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Host, Mount, Route
from starlette.testclient import TestClient

from tests.instrumentation.apps import AUTHORIZED, captured, settings_in

Messages = list[MutableMapping[str, Any]]


@pytest.fixture
def records() -> Iterator[list[dict[str, Any]]]:
    with captured() as records:
        yield records


class Observed:
    """An app of the test's own making, asked through a client or message by message."""

    def __init__(self, app: Starlette, folder: Path) -> None:
        self.app = app
        self.lookout: Lookout = init(app, settings=settings_in(folder), logging=False)
        self.client = TestClient(app, follow_redirects=False)

    def counted(self) -> dict[tuple[str, str, str], float]:
        """(method, handler, status) -> how many, of those that were."""
        samples = [s for f in self.lookout.metrics.registry.collect() for s in f.samples]
        assert self.lookout.metrics.registry.get_sample_value("http_requests_in_progress") == 0
        return {
            (s.labels["method"], s.labels["handler"], s.labels["status"]): s.value
            for s in samples
            if s.name == "http_requests_total" and s.value
        }

    def exchange(
        self,
        path: str,
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]] | None = None,
    ) -> Messages:
        """One request with a client that behaves as stated."""
        sent: Messages = []

        async def keep(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
        }
        scope |= {"headers": [], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "scheme": "http"}
        scope |= {"http_version": "1.1", "asgi": {"version": "3.0", "spec_version": "2.4"}}
        asyncio.run(self.app(scope, receive, send or keep))
        return sent


async def ok(request: Request) -> Response:
    return PlainTextResponse("ok")


# --- labels ---


def test_the_label_of_a_mounted_route_is_its_template_however_it_is_mounted(tmp_path: Path) -> None:
    sub = FastAPI()
    sub.get("/things/{thing}")(lambda thing: thing)
    app = Starlette(
        routes=[
            Mount("/plain", routes=[Route("/a/{x}", ok), Mount("/deep/{level:int}", routes=[Route("/b", ok)])]),
            Mount("/t/{tenant}", app=sub),
            Mount("/any/{rest:path}", routes=[Route("/end", ok)]),
            Host("{customer}.shop.example", Mount("/own", routes=[Route("/c/{y}", ok)])),
        ]
    )
    observed = Observed(app, tmp_path)
    for path in ("/plain/a/1", "/plain/deep/007/b", "/t/t/things/t", "/t/x/things/y", "/any/a/b/c/end"):
        assert observed.client.get(path).status_code == 200, path
    assert observed.client.get("/own/c/1", headers={"Host": "acme.shop.example"}).status_code == 200
    handlers = {handler for _, handler, _ in observed.counted()}
    assert handlers <= {
        "/plain/a/{x}",
        "/plain/deep/{level:int}/b",
        "/t/{tenant}/things/{thing}",
        "/any/{rest:path}/end",
        "/own/c/{y}",
        "/c/{y}",
    }
    assert len(handlers) == 5


def test_the_label_of_an_included_router_has_every_prefix_even_if_it_is_included_twice(tmp_path: Path) -> None:
    inner, outer, app = APIRouter(prefix="/inner"), APIRouter(), FastAPI()
    inner.get("/{number}")(lambda number: number)
    outer.include_router(inner, prefix="/{level}")
    app.include_router(outer, prefix="/v1")
    app.include_router(outer, prefix="/v2")
    observed = Observed(app, tmp_path)
    for path in ("/v1/a/inner/1", "/v1/b/inner/2", "/v2/a/inner/1"):
        assert observed.client.get(path).status_code == 200
    assert observed.counted() == {
        ("GET", "/v1/{level}/inner/{number}", "200"): 2,
        ("GET", "/v2/{level}/inner/{number}", "200"): 1,
    }


def test_a_root_path_of_the_server_is_no_part_of_a_label_and_hides_no_probe(tmp_path: Path) -> None:
    observed = Observed(Starlette(routes=[Mount("/m", routes=[Route("/a/{x}", ok)])]), tmp_path)
    client = TestClient(observed.app, root_path="/api")
    assert client.get("/api/m/a/1").status_code == 200
    assert client.get("/api/health").status_code == 200
    assert client.get("/api/metrics", headers=AUTHORIZED).status_code == 200
    assert observed.counted() == {("GET", "/m/a/{x}", "200"): 1}


def test_a_wrong_method_and_a_redirect_are_counted_as_what_they_are(tmp_path: Path) -> None:
    app = FastAPI()
    app.get("/items/{item}/")(lambda item: item)
    observed = Observed(app, tmp_path)
    assert observed.client.post("/items/1/").status_code == 405
    assert observed.client.request("BREW", "/items/1/").status_code == 405
    assert observed.client.get("/items/1").status_code == 307
    counted = observed.counted()
    assert counted[("POST", "/items/{item}/", "405")] == counted[("other", "/items/{item}/", "405")] == 1
    assert sum(counted.values()) == 3


def test_what_a_browser_asks_beforehand_is_counted_without_reaching_the_app(tmp_path: Path) -> None:
    app = FastAPI()
    app.get("/items")(lambda: 1)
    observed = Observed(app, tmp_path)
    app.add_middleware(CORSMiddleware, allow_origins=["*"])  # added after init: still inside
    asked = {"Origin": "http://a.example", "Access-Control-Request-Method": "GET"}
    assert observed.client.options("/items", headers=asked).status_code == 200
    assert observed.counted() == {("OPTIONS", "none", "200"): 1}


# --- the end of a request ---


def test_background_work_is_no_part_of_a_request_and_its_crash_no_error_of_one(
    tmp_path: Path, records: list[dict[str, Any]]
) -> None:
    app, during = FastAPI(), list[Any]()

    def work() -> None:
        during.append((observed.counted(), context.request_id()))
        raise RuntimeError("broken")

    @app.get("/")
    def handler(tasks: BackgroundTasks) -> str:
        tasks.add_task(work)
        return "ok"

    observed = Observed(app, tmp_path)
    answer = observed.client.get("/")
    assert during == [({("GET", "/", "200"): 1}, answer.headers["X-Request-ID"])], "counted before the work begins"
    assert observed.counted() == {("GET", "/", "200"): 1}


def test_a_stream_is_in_progress_until_its_last_part(tmp_path: Path) -> None:
    seen: list[float | None] = []

    async def parts() -> Any:
        for _ in range(3):
            seen.append(observed.lookout.metrics.registry.get_sample_value("http_requests_in_progress"))
            yield b"part"

    app = FastAPI()
    app.get("/")(lambda: StreamingResponse(parts()))
    observed = Observed(app, tmp_path)
    assert observed.client.get("/").text == "partpartpart"
    assert seen == [1, 1, 1]
    assert observed.counted() == {("GET", "/", "200"): 1}


@pytest.fixture
def reader(tmp_path: Path) -> Observed:
    app = FastAPI()

    @app.get("/read")
    async def read(request: Request) -> str:
        await request.body()
        return "read"

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> Any:
            while True:
                yield b"part"
                await asyncio.sleep(0)

        return StreamingResponse(parts())

    @app.get("/wait")
    async def wait() -> None:
        await asyncio.sleep(60)

    return Observed(app, tmp_path)


async def gone() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}


def test_a_client_that_leaves_while_it_sends_is_no_error_of_ours(
    reader: Observed, records: list[dict[str, Any]]
) -> None:
    reader.exchange("/read", gone)
    assert reader.counted() == {("GET", "/read", "499"): 1}


def test_a_client_that_leaves_while_it_reads_is_no_error_of_ours(reader: Observed) -> None:
    parts = 0

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal parts
        parts += 1
        if parts > 3:
            raise OSError("connection lost")

    async def waiting() -> MutableMapping[str, Any]:
        await asyncio.sleep(60)
        raise AssertionError

    with captured() as records:
        reader.exchange("/stream", waiting, send)
    assert reader.counted() == {("GET", "/stream", "499"): 1}
    assert not [record for record in records if record["level"] == "error"]


def test_a_request_that_is_given_up_is_no_error_of_ours(reader: Observed) -> None:
    async def asked() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def given_up() -> None:
        scope = {"type": "http", "method": "GET", "path": "/wait", "headers": [], "query_string": b""}
        task = asyncio.create_task(reader.app(scope, asked, lambda _: asyncio.sleep(0)))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(given_up())
    assert reader.counted() == {("GET", "/wait", "499"): 1}


# --- the app's own ways ---


def test_the_apps_own_answer_to_a_crash_is_kept(tmp_path: Path) -> None:
    app = FastAPI()

    @app.get("/crash")
    def crash() -> None:
        raise RuntimeError("broken")

    observed = Observed(app, tmp_path)

    @app.exception_handler(Exception)
    async def own(_request: Request, _error: Exception) -> JSONResponse:
        return JSONResponse({"own": True}, 500)

    with captured() as records:
        answer = observed.client.get("/crash")
    assert (answer.status_code, answer.json()) == (500, {"own": True})
    assert observed.counted() == {("GET", "/crash", "500"): 1}
    assert [r["request_id"] for r in records if r["level"] == "error"] == [answer.headers["X-Request-ID"]]


def test_an_app_without_one_says_the_id_of_its_crash(tmp_path: Path) -> None:
    async def crash(_request: Request) -> Response:
        raise RuntimeError("broken")

    answer = Observed(Starlette(routes=[Route("/crash", crash)]), tmp_path).client.get("/crash")
    assert answer.json() == {"detail": "internal error", "request_id": answer.headers["X-Request-ID"]}


def test_middleware_that_refuses_everybody_hides_no_probe_and_is_counted(tmp_path: Path) -> None:
    app = FastAPI()
    app.get("/items")(lambda: 1)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["shop.example"])
    observed = Observed(app, tmp_path)
    assert observed.client.get("/items").status_code == 400
    assert observed.client.get("/health").status_code == 200
    assert observed.counted() == {("GET", "none", "400"): 1}


def test_a_crash_in_middleware_is_counted_and_answered(tmp_path: Path) -> None:
    app = FastAPI()
    app.get("/items")(lambda: 1)

    @app.middleware("http")
    async def broken(_request: Request, _call_next: Any) -> Response:
        raise RuntimeError("broken")

    observed = Observed(app, tmp_path)
    assert observed.client.get("/items").status_code == 500
    assert observed.counted() == {("GET", "none", "500"): 1}


def test_a_web_socket_passes_with_an_id_and_without_a_count(tmp_path: Path) -> None:
    app = FastAPI()

    @app.websocket("/talk")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(f"{await socket.receive_text()} {context.current()['client_request_id']}")

    observed = Observed(app, tmp_path)
    with observed.client.websocket_connect("/talk", headers={"X-Request-ID": "me"}) as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "hello me"
    assert observed.counted() == {}


def test_the_gauges_turn_without_anybody_asking(tmp_path: Path) -> None:
    up = True

    async def check() -> None:
        if not up:
            raise ConnectionError

    app = FastAPI()
    lookout = init(app, {"cache": check}, settings=settings_in(tmp_path), logging=False)

    async def until(expected: float) -> None:
        async with asyncio.timeout(5):
            while lookout.metrics.registry.get_sample_value("app_dependency_up", {"dependency": "cache"}) != expected:
                await asyncio.sleep(0.01)

    with TestClient(app):
        for up in (True, False, True):
            asyncio.run(until(up))
