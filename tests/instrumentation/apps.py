"""Small apps of every web framework, with the same routes, and one way to ask them all.

GET /items/N (404 from 100 on), /crash, /stream, /broken-stream, and /shop/TENANT/baskets/N, which is included,
mounted or a blueprint. How a framework writes the template of a route is its own.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

import django
import lookout_instrumentation.django as for_django
import lookout_instrumentation.fastapi as for_fastapi
import lookout_instrumentation.flask as for_flask
import structlog
from django.conf import settings as project
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.responses import PlainTextResponse, StreamingResponse
from flask import Blueprint, Flask, abort
from flask.typing import ResponseReturnValue
from lookout_instrumentation import Lookout, Settings
from lookout_instrumentation.logs import Logging
from lookout_instrumentation.metrics import Metrics
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from structlog._config import BoundLoggerLazyProxy
from werkzeug.test import Client

TOKEN: Final = "correct-horse"
AUTHORIZED: Final = {"Authorization": f"Bearer {TOKEN}"}
Checks = Mapping[str, Callable[[], Any]]
# Method, path and headers.
Call = tuple[str, str, Mapping[str, str]]


@dataclass(frozen=True)
class Answer:
    """What an app answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class App:
    """A running app."""

    lookout: Lookout
    ask: Callable[..., Answer]
    flood: Callable[[Iterable[Call]], None]
    item: str
    basket: str

    def value(self, name: str, **labels: str) -> float | None:
        """The value of one series, or None when it does not exist."""
        return self.lookout.metrics.registry.get_sample_value(name, labels)

    def requests(self, handler: str, status: str, method: str = "GET") -> float | None:
        """How many requests were counted."""
        return self.value("http_requests_total", method=method, handler=handler, status=status)

    def series(self) -> int:
        """How many series there are."""
        return series_in(self.lookout.metrics)


def series_in(metrics: Metrics) -> int:
    """How many series a scrape of these metrics would find."""
    return sum(len(family.samples) for family in metrics.registry.collect())


def settings_in(folder: Path, **more: Any) -> Settings:
    """The settings that the tests run with; the token is in `folder`."""
    token = folder / "token"
    token.write_text(f"{TOKEN}\n")
    key = folder / "key"
    key.write_text("a key\n")
    stated: dict[str, Any] = {
        "service": "shop",
        "environment": "test",
        "release": "1.2.3",
        "buckets": (0.1, 0.3, 1.0),
        "metrics_token_file": token,
        "user_hash_key_file": key,
        "health_max_age_seconds": 0.01,
        "health_refresh_seconds": 0.05,
    }
    return Settings(**stated | more)


@contextmanager
def captured(metrics: Metrics | None = None) -> Iterator[list[dict[str, Any]]]:
    """Log as the processes do; when the block ends the list holds every record, parsed."""
    stream, records = StringIO(), list[dict[str, Any]]()
    settings = Settings(service="shop", environment="test")
    logs = Logging(settings, metrics or Metrics(settings), stream)
    logs.start()
    structlog.configure(cache_logger_on_first_use=False)
    _forget_loggers()
    try:
        yield records
    finally:
        logs.stop()
    records.extend(json.loads(line) for line in stream.getvalue().splitlines())


def _forget_loggers() -> None:
    """Let loggers that were used before write to where it is said now; a process says it once."""
    for module in list(sys.modules.values()):
        for value in list(getattr(module, "__dict__", {}).values()):
            if type(value) is BoundLoggerLazyProxy:
                value.__dict__.pop("bind", None)


# --- the frameworks ---


def fastapi_app() -> FastAPI:
    """The app on FastAPI, its baskets in an included router."""
    app = FastAPI()
    shop = APIRouter()

    @app.get("/items/{item_id}")
    async def item(item_id: int) -> PlainTextResponse:
        if item_id > 99:
            raise HTTPException(404)
        return PlainTextResponse(f"item {item_id}")

    shop.get("/baskets/{item_id}")(item)
    app.include_router(shop, prefix="/shop/{tenant}")

    @app.get("/crash")
    async def crash() -> None:
        raise RuntimeError("broken")

    app.get("/stream")(lambda: StreamingResponse(_chunks()))
    app.get("/broken-stream")(lambda: StreamingResponse(_broken_chunks()))
    return app


def starlette_app() -> Starlette:
    """The app on Starlette, its baskets mounted under a prefix with a parameter."""

    async def item(request: Request) -> Response:
        number = request.path_params["item_id"]
        return PlainTextResponse(f"item {number}") if number < 100 else PlainTextResponse("no such item", 404)

    async def crash(_request: Request) -> Response:
        raise RuntimeError("broken")

    async def stream(_request: Request) -> Response:
        return StreamingResponse(_chunks())

    async def broken_stream(_request: Request) -> Response:
        return StreamingResponse(_broken_chunks())

    return Starlette(
        routes=[
            Route("/items/{item_id:int}", item),
            Route("/crash", crash),
            Route("/stream", stream),
            Route("/broken-stream", broken_stream),
            Mount("/shop/{tenant}", routes=[Route("/baskets/{item_id:int}", item)]),
        ]
    )


async def _chunks() -> AsyncIterator[bytes]:
    for chunk in (b"one ", b"two ", b"three"):
        yield chunk


async def _broken_chunks() -> AsyncIterator[bytes]:
    yield b"one "
    raise RuntimeError("broken")


def flask_app() -> Flask:
    """The app on Flask, its baskets in a blueprint."""
    app = Flask("shop")
    shop = Blueprint("shop", __name__)

    @app.get("/items/<int:item_id>")
    def item(item_id: int, tenant: str = "") -> ResponseReturnValue:
        if item_id > 99:
            abort(404)
        return f"item {item_id}"

    shop.get("/baskets/<int:item_id>")(item)
    app.register_blueprint(shop, url_prefix="/shop/<tenant>")

    @app.get("/crash")
    def crash() -> ResponseReturnValue:
        raise RuntimeError("broken")

    @app.get("/stream")
    def stream() -> ResponseReturnValue:
        return iter([b"one ", b"two ", b"three"])

    @app.get("/broken-stream")
    def broken_stream() -> ResponseReturnValue:
        def chunks() -> Iterator[bytes]:
            yield b"one "
            raise RuntimeError("broken")

        return chunks()

    return app


def configure_django() -> None:
    """Settings of a project, once a process; each test makes its own handle."""
    if not project.configured:
        project.configure(
            ROOT_URLCONF="tests.instrumentation.django_urls",
            MIDDLEWARE=["lookout_instrumentation.django.LookoutMiddleware"],
            ALLOWED_HOSTS=["shop.example"],
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            SECRET_KEY="of a test",
            LOGGING_CONFIG=None,
        )
        django.setup()


# --- asking them ---


@contextmanager
def running(kind: str, settings: Settings, checks: Checks | None = None) -> Iterator[App]:
    """Run an app of KINDS while the block runs."""
    with _RUNNERS[kind](settings, checks or {}) as app:
        try:
            yield app
        finally:
            app.lookout.close()


@contextmanager
def _fastapi(settings: Settings, checks: Checks) -> Iterator[App]:
    app = fastapi_app()
    lookout = for_fastapi.init(app, checks, settings=settings, logging=False)
    with TestClient(app) as client:
        yield App(lookout, _over_asgi(client), _asgi_flood(app), "/items/{item_id}", "/shop/{tenant}/baskets/{item_id}")


@contextmanager
def _starlette(settings: Settings, checks: Checks) -> Iterator[App]:
    app = starlette_app()
    lookout = for_fastapi.init(app, checks, settings=settings, logging=False)
    with TestClient(app) as client:
        yield App(
            lookout,
            _over_asgi(client),
            _asgi_flood(app),
            "/items/{item_id:int}",
            "/shop/{tenant}/baskets/{item_id:int}",
        )


@contextmanager
def _flask(settings: Settings, checks: Checks) -> Iterator[App]:
    app = flask_app()
    lookout = for_flask.init(app, checks, settings=settings, logging=False)
    yield App(
        lookout, _over_wsgi(app), _wsgi_flood(app), "/items/<int:item_id>", "/shop/<tenant>/baskets/<int:item_id>"
    )


@contextmanager
def _django(settings: Settings, checks: Checks, asynchronous: bool = False) -> Iterator[App]:
    configure_django()
    lookout = for_django.init(checks, settings=settings, logging=False)
    served = ASGIHandler() if asynchronous else WSGIHandler()
    ask = _over_asgi(TestClient(served)) if asynchronous else _over_wsgi(served)
    flood = _asgi_flood(served) if asynchronous else _wsgi_flood(served)
    yield App(lookout, ask, flood, "/items/<int:item_id>", "/shop/<slug:tenant>/baskets/<int:item_id>")


_RUNNERS: Final[Mapping[str, Any]] = {
    "fastapi": _fastapi,
    "starlette": _starlette,
    "flask": _flask,
    "django-wsgi": _django,
    "django-asgi": lambda settings, checks: _django(settings, checks, asynchronous=True),
}
KINDS: Final = tuple(_RUNNERS)


def _over_asgi(client: TestClient) -> Callable[..., Answer]:
    def ask(path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
        given = {"Host": "shop.example", **(headers or {})}
        encoded = {name.encode(): value.encode("latin-1") for name, value in given.items()}
        answer = client.request(method, path, headers=encoded, follow_redirects=False)
        return Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.text)

    return ask


def _over_wsgi(app: Any) -> Callable[..., Answer]:
    client = Client(app)

    def ask(path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
        given = {"Host": "shop.example", **(headers or {})}
        answer = client.open(path, method=method, headers=given, base_url="http://shop.example")
        try:
            return Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.text)
        finally:
            answer.close()

    return ask


def _asgi_flood(app: Any) -> Callable[[Iterable[Call]], None]:
    """Asks without a client around: thousands of requests in seconds."""

    async def send(_message: Any) -> None:
        pass

    async def all_of(calls: Iterable[Call]) -> None:
        for method, path, headers in calls:
            sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
            scope = {
                "type": "http",
                "asgi": {"version": "3.0"},
                "http_version": "1.1",
                "method": method,
                "scheme": "http",
                "path": path,
                "raw_path": path.encode(),
                "query_string": b"",
                "headers": sent,
                "client": ("127.0.0.1", 50000),
                "server": ("127.0.0.1", 8000),
            }
            messages = iter(({"type": "http.request", "body": b""},))

            async def receive(messages: Iterator[Any] = messages) -> Any:
                for message in messages:
                    return message
                await asyncio.sleep(3600)  # the client waits for its answer

            await asyncio.create_task(app(scope, receive, send))

    return lambda calls: asyncio.run(all_of(calls))


def _wsgi_flood(app: Any) -> Callable[[Iterable[Call]], None]:
    client = Client(app)

    def all_of(calls: Iterable[Call]) -> None:
        for method, path, headers in calls:
            client.open(path, method=method, headers=headers, base_url="http://shop.example").close()

    return all_of
