"""The statements of one request: how many, and one that is sent again and again."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from fastapi import FastAPI
from fastapi.testclient import TestClient
from flask import Flask
from lookout_instrumentation import context
from lookout_instrumentation.fastapi import init as init_fastapi
from lookout_instrumentation.flask import init as init_flask
from lookout_instrumentation.queries import REPEATED
from sqlalchemy import Engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.instrumentation.engines import engine_at
from tests.instrumentation.recorder import SETTINGS, Recorder


@pytest.fixture
def in_request() -> Iterator[None]:
    context.begin()
    yield
    structlog.contextvars.clear_contextvars()
    context._notes.set(None)


def ask(engine: Engine, times: int, statement: str = "SELECT name FROM items WHERE id = :id") -> None:
    with engine.connect() as connection:
        for number in range(times):
            connection.execute(text(statement), {"id": number})


@pytest.mark.usefixtures("in_request")
def test_the_statements_of_a_request_are_counted_when_it_ends(recorded: Recorder, engine: Engine) -> None:
    ask(engine, 3)
    recorded.lookout.http.observe("GET", "/items", 200, 0.1)
    assert recorded.counted("db_request_queries_sum") == {("/items",): 3}
    assert recorded.counted("db_request_queries_count") == {("/items",): 1}
    assert recorded.series("db_repeated_queries_total") == {("/items",): 0}


@pytest.mark.usefixtures("in_request")
def test_a_request_without_statements_is_not_counted(recorded: Recorder) -> None:
    recorded.lookout.http.observe("GET", "/health-page", 200, 0.1)
    assert recorded.series("db_request_queries_count") == {}


@pytest.mark.parametrize(("times", "counted"), [(REPEATED - 1, 0), (REPEATED, 1), (100, 1)])
@pytest.mark.usefixtures("in_request")
def test_one_statement_again_and_again(recorded: Recorder, engine: Engine, times: int, counted: int) -> None:
    ask(engine, times)
    recorded.lookout.http.observe("GET", "/items", 200, 0.1)
    assert recorded.series("db_repeated_queries_total") == {("/items",): counted}


@pytest.mark.usefixtures("in_request")
def test_literals_do_not_hide_a_repeated_statement(recorded: Recorder, engine: Engine) -> None:
    for number in range(REPEATED):
        ask(engine, 1, f"SELECT name FROM items WHERE name = 'secret-{number}'")
    with structlog.testing.capture_logs() as lines:
        recorded.lookout.http.observe("GET", "/items", 200, 0.1)
    assert recorded.counted("db_repeated_queries_total") == {("/items",): 1}
    assert [(line["route"], line["statement"], line["times"]) for line in lines] == [
        ("/items", "SELECT name FROM items WHERE name = ?", REPEATED)
    ]


def test_a_repeated_statement_is_counted_each_time_and_reported_once(recorded: Recorder, engine: Engine) -> None:
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            context.begin()
            ask(engine, REPEATED)
            recorded.lookout.http.observe("GET", "/items", 200, 0.1)
    assert recorded.counted("db_repeated_queries_total") == {("/items",): 3}
    assert [line["event"] for line in lines] == ["one statement sent again and again"]


@pytest.mark.usefixtures("in_request")
def test_many_statements_once_each_are_no_repetition_and_are_bounded(recorded: Recorder, engine: Engine) -> None:
    with engine.connect() as connection:
        for number in range(1100):
            connection.execute(text(f"SELECT id AS c{number} FROM items"))
    assert len((context.notes() or {})["db"]) <= 1001
    recorded.lookout.http.observe("GET", "/items", 200, 0.1)
    assert recorded.counted("db_request_queries_sum") == {("/items",): 1100}
    assert recorded.series("db_repeated_queries_total") == {("/items",): 0}


@pytest.mark.usefixtures("in_request")
def test_the_statements_of_all_databases_are_those_of_one_request(
    recorded: Recorder, engine: Engine, tmp_path: Path
) -> None:
    second = engine_at(tmp_path)
    recorded.lookout.database(second, "reports")
    ask(engine, 2)
    ask(second, 3)
    recorded.lookout.http.observe("GET", "/items", 200, 0.1)
    second.dispose()
    assert recorded.counted("db_request_queries_sum") == {("/items",): 5}
    assert recorded.counted("db_request_queries_count") == {("/items",): 1}


def test_requests_at_the_same_time_are_kept_apart(recorded: Recorder, engine: Engine) -> None:
    async def request(handler: str, times: int) -> None:
        context.begin()
        for _ in range(times):
            await asyncio.to_thread(ask, engine, 1)
        recorded.lookout.http.observe("GET", handler, 200, 0.1)

    async def run() -> None:
        await asyncio.gather(request("/a", 3), request("/b", 12))

    asyncio.run(run())
    assert recorded.counted("db_request_queries_sum") == {("/a",): 3, ("/b",): 12}
    assert recorded.series("db_repeated_queries_total") == {("/a",): 0, ("/b",): 1}


def test_the_requests_of_fastapi_by_route(tmp_path: Path) -> None:
    engine_at(tmp_path).dispose()
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    plain = engine_at(tmp_path)
    app = FastAPI()

    @app.get("/items/{count}")
    async def items(count: int) -> None:
        async with engine.connect() as connection:
            for number in range(count):
                await connection.execute(text("SELECT name FROM items WHERE id = :id"), {"id": number})

    @app.get("/threads/{count}")
    def in_thread(count: int) -> None:
        ask(plain, count)

    @app.get("/nothing")
    async def nothing() -> None: ...

    lookout = init_fastapi(app, settings=SETTINGS, logging=False)
    lookout.database(engine)
    lookout.database(plain, "plain")
    with TestClient(app) as client:
        for path in ("/items/3", "/items/12", "/threads/10", "/nothing", "/missing"):
            client.get(path)
        client.portal.call(engine.dispose)  # type: ignore[union-attr]  # there is one while it runs
    plain.dispose()
    recorded = Recorder(lookout)
    assert recorded.counted("db_request_queries_sum") == {("/items/{count}",): 15, ("/threads/{count}",): 10}
    assert recorded.counted("db_request_queries_count") == {("/items/{count}",): 2, ("/threads/{count}",): 1}
    assert recorded.series("db_repeated_queries_total") == {("/items/{count}",): 1, ("/threads/{count}",): 1}
    assert recorded.value("app_dependency_up", dependency="db") == 1
    assert recorded.value("app_dependency_up", dependency="plain") == 1


def test_the_requests_of_flask_by_route(tmp_path: Path) -> None:
    engine, app = engine_at(tmp_path), Flask(__name__)

    @app.get("/items/<int:count>")
    def items(count: int) -> str:
        ask(engine, count)
        return ""

    lookout = init_flask(app, settings=SETTINGS, logging=False)
    lookout.database(engine)
    client = app.test_client()
    for path in ("/items/2", "/items/11", "/missing"):
        client.get(path).close()
    engine.dispose()
    recorded = Recorder(lookout)
    assert recorded.counted("db_request_queries_sum") == {("/items/<int:count>",): 13}
    assert recorded.counted("db_repeated_queries_total") == {("/items/<int:count>",): 1}
