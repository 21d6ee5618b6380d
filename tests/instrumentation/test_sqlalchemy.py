"""Statements and connections of SQLAlchemy engines, plain and async: each counted once, no value ever told."""

import asyncio
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest
import structlog
from fastapi import FastAPI
from fastapi.testclient import TestClient
from flask import Flask
from lookout_instrumentation import context
from lookout_instrumentation.fastapi import init as init_fastapi
from lookout_instrumentation.flask import init as init_flask
from lookout_instrumentation.pool import _Events
from lookout_instrumentation.queries import REPEATED
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool, QueuePool

from tests.instrumentation.recorder import SETTINGS, Recorder

QUERIES = "db_queries_total"
OPERATIONS = ("select", "insert", "update", "delete", "other")


def engine_at(folder: Path, **options: Any) -> Engine:
    """An engine on a file, with a table, and with a function that takes its time."""
    made = create_engine(f"sqlite:///{folder / 'test.db'}", **({"poolclass": QueuePool} | options))
    with sqlite3.connect(folder / "test.db") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS items (id INTEGER, name TEXT)")
    connection.close()

    @event.listens_for(made, "connect")
    def add_pause(connection: Any, _record: Any) -> None:
        connection.create_function("pause", 1, time.sleep)

    return made


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = engine_at(tmp_path)
    yield made
    made.dispose()


@pytest.fixture
def recorded(engine: Engine) -> Recorder:
    recorded = Recorder()
    recorded.lookout.database(engine)
    return recorded


def in_async(folder: Path, use: Callable[[AsyncEngine], Awaitable[None]], **options: Any) -> None:
    """Run `use` with an async engine on the file."""

    async def run() -> None:
        engine_at(folder).dispose()
        engine = create_async_engine(f"sqlite+aiosqlite:///{folder / 'test.db'}", **options)
        try:
            await use(engine)
        finally:
            await engine.dispose()

    asyncio.run(run())


# --- statements ---------------------------------------------------------------------------------------------


def test_everything_starts_at_zero(recorded: Recorder) -> None:
    assert recorded.series(QUERIES) == {
        ("db", operation, result): 0 for operation in OPERATIONS for result in ("ok", "error")
    }
    assert recorded.series("db_query_duration_seconds_count") == {("db", operation): 0 for operation in OPERATIONS}
    for name in ("slow_queries", "query_timeouts", "connection_failures", "pool_timeouts"):
        assert recorded.series(f"db_{name}_total") == {("db",): 0}


@pytest.mark.parametrize(
    ("statement", "operation"),
    [
        ("SELECT * FROM items", "select"),
        ("INSERT INTO items VALUES (1, 'a')", "insert"),
        ("UPDATE items SET name = 'b'", "update"),
        ("DELETE FROM items", "delete"),
        ("CREATE TABLE more (id INTEGER)", "other"),
    ],
)
def test_a_statement_counts_once(recorded: Recorder, engine: Engine, statement: str, operation: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))
    assert recorded.counted(QUERIES) == {("db", operation, "ok"): 1}
    assert recorded.counted("db_query_duration_seconds_count") == {("db", operation): 1}


def test_many_rows_at_once_are_one_statement(recorded: Recorder, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO items VALUES (:id, 'a')"), [{"id": number} for number in range(50)])
    assert recorded.counted(QUERIES) == {("db", "insert", "ok"): 1}


def test_one_that_fails_counts_once_and_its_exception_is_the_apps(recorded: Recorder, engine: Engine) -> None:
    with pytest.raises(OperationalError, match="no such table"), engine.connect() as connection:
        connection.execute(text("SELECT * FROM nowhere"))
    assert recorded.counted(QUERIES) == {("db", "select", "error"): 1}
    assert recorded.counted("db_query_duration_seconds_count") == {("db", "select"): 1}
    assert recorded.counted("db_connection_failures_total") == {}


def test_one_that_cannot_be_sent_counts_nothing(recorded: Recorder, engine: Engine) -> None:
    with pytest.raises(Exception, match="A value is required"), engine.connect() as connection:
        connection.execute(text("SELECT :missing"))
    assert recorded.counted(QUERIES) == {}


def test_a_slow_one_is_counted_and_logged_without_its_values(recorded: Recorder, engine: Engine) -> None:
    with structlog.testing.capture_logs() as lines, engine.connect() as connection:
        connection.execute(text("SELECT pause(:seconds), 'hush', 4711"), {"seconds": 0.06})
        connection.execute(text("SELECT 'quick'"))
    assert recorded.counted("db_slow_queries_total") == {("db",): 1}
    (line,) = lines
    assert line.pop("duration_ms") >= 60
    assert line == {
        "event": "slow query",
        "log_level": "warning",
        "database": "db",
        "operation": "select",
        "statement": "SELECT pause(?), ?, ?",
    }


def test_waiting_for_a_lock_in_vain_is_a_timeout(tmp_path: Path) -> None:
    engine, recorded = engine_at(tmp_path, connect_args={"timeout": 0.01}), Recorder()
    recorded.lookout.database(engine)
    holder = sqlite3.connect(tmp_path / "test.db")
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(OperationalError, match="locked"), engine.begin() as connection:
            connection.execute(text("DELETE FROM items"))
    finally:
        holder.close()
        engine.dispose()
    assert recorded.counted("db_query_timeouts_total") == {("db",): 1}
    assert recorded.counted(QUERIES) == {("db", "delete", "error"): 1}


def test_threads_lose_no_statement(recorded: Recorder, engine: Engine) -> None:
    def ask() -> None:
        for _ in range(100):
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorded.counted(QUERIES) == {("db", "select", "ok"): 600}
    assert recorded.value("db_pool_in_use", database="db") == 0


def test_an_engine_given_twice_is_counted_once(recorded: Recorder, engine: Engine) -> None:
    recorded.lookout.database(engine)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    assert recorded.counted(QUERIES) == {("db", "select", "ok"): 1}


def test_two_databases_are_told_apart(recorded: Recorder, engine: Engine, tmp_path: Path) -> None:
    second = engine_at(tmp_path)
    recorded.lookout.database(second, "reports")
    with second.connect() as connection:
        connection.execute(text("SELECT 1"))
    second.dispose()
    assert recorded.counted(QUERIES) == {("reports", "select", "ok"): 1}


# --- connections --------------------------------------------------------------------------------------------


def test_the_gauges_tell_what_the_pool_does(tmp_path: Path) -> None:
    engine, recorded = engine_at(tmp_path, pool_size=2, max_overflow=3), Recorder()
    recorded.lookout.database(engine)

    def gauges() -> list[float | None]:
        return [recorded.value(f"db_pool_{name}", database="db") for name in ("size", "limit", "in_use", "overflow")]

    assert gauges() == [2, 5, 0, 0]
    held = [engine.connect() for _ in range(3)]
    assert gauges() == [2, 5, 3, 1]
    for connection in held:
        connection.close()
    assert gauges() == [2, 5, 0, 0]
    engine.dispose()
    with engine.connect():
        assert gauges() == [2, 5, 1, 0]
    engine.dispose()


def test_a_pool_without_limit_has_an_infinite_one(tmp_path: Path) -> None:
    engine, recorded = engine_at(tmp_path, max_overflow=-1), Recorder()
    recorded.lookout.database(engine)
    assert recorded.value("db_pool_limit", database="db") == float("inf")


def test_a_pool_that_keeps_nothing_tells_what_is_in_use(tmp_path: Path) -> None:
    engine, recorded = engine_at(tmp_path, poolclass=NullPool), Recorder()
    recorded.lookout.database(engine)
    with engine.connect(), engine.connect():
        assert recorded.value("db_pool_in_use", database="db") == 2
    assert recorded.value("db_pool_in_use", database="db") == 0
    assert recorded.value("db_pool_size", database="db") == 0
    assert recorded.value("db_pool_limit", database="db") == float("inf")


class _Gauge:
    """Counts as a gauge does."""

    number = 0

    def inc(self) -> None:
        self.number += 1

    def dec(self) -> None:
        self.number -= 1

    def set(self, number: int) -> None:
        self.number = number


def test_events_tell_what_the_pool_would(tmp_path: Path) -> None:
    engine = engine_at(tmp_path, pool_size=1, max_overflow=3)
    in_use, overflow = _Gauge(), _Gauge()
    _Events(in_use, overflow, 1).listen(engine)
    pool: Any = engine.pool

    def counted() -> tuple[int, int]:
        assert in_use.number == pool.checkedout()
        return in_use.number, overflow.number

    held = [engine.connect() for _ in range(3)]
    assert counted() == (3, 2)
    assert pool.overflow() == 2
    held[0].invalidate()
    held[0].close()
    assert counted() == (2, 1)
    held[1].detach()
    assert counted() == (1, 0)
    held[1].close()
    held[2].close()
    assert counted() == (0, 0)
    with engine.connect():
        assert counted() == (1, 0)
    engine.dispose()
    assert (in_use.number, overflow.number) == (0, 0)


@pytest.mark.parametrize("disposed", [False, True])
def test_waiting_for_a_connection_in_vain_is_counted(tmp_path: Path, disposed: bool) -> None:
    engine, recorded = engine_at(tmp_path, pool_size=1, max_overflow=0, pool_timeout=0.01), Recorder()
    recorded.lookout.database(engine)
    if disposed:
        engine.dispose()
    with engine.connect(), pytest.raises(PoolTimeout):
        engine.connect()
    engine.dispose()
    assert recorded.counted("db_pool_timeouts_total") == {("db",): 1}
    assert recorded.counted("db_connection_failures_total") == {}


def test_a_connection_that_cannot_be_made_is_counted_once(tmp_path: Path) -> None:
    engine, recorded = create_engine(f"sqlite:///{tmp_path}/missing/test.db"), Recorder()
    recorded.lookout.database(engine)
    with pytest.raises(OperationalError, match="unable to open"):
        engine.connect()
    assert recorded.counted("db_connection_failures_total") == {("db",): 1}
    assert recorded.counted(QUERIES) == {}


def test_a_connection_that_breaks_is_counted_once(recorded: Recorder, engine: Engine) -> None:
    with pytest.raises(DBAPIError), engine.connect() as connection:
        connection.connection.dbapi_connection.close()  # type: ignore[union-attr]  # there is one
        connection.execute(text("SELECT 1"))
    assert recorded.counted("db_connection_failures_total") == {("db",): 1}
    assert recorded.counted(QUERIES) == {}, "it was never sent"


def test_a_connection_found_broken_before_its_next_use_is_counted(tmp_path: Path) -> None:
    engine, recorded = engine_at(tmp_path, pool_pre_ping=True), Recorder()
    recorded.lookout.database(engine)
    with engine.connect() as connection:
        kept: Any = connection.connection.dbapi_connection
    kept.close()
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    engine.dispose()
    assert recorded.counted("db_connection_failures_total") == {("db",): 1}
    assert recorded.counted(QUERIES) == {("db", "select", "ok"): 1}


# --- async --------------------------------------------------------------------------------------------------


def test_an_async_engine_is_counted_alike(tmp_path: Path) -> None:
    recorded = Recorder()

    async def use(engine: AsyncEngine) -> None:
        recorded.lookout.database(engine)
        recorded.lookout.database(engine)
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO items VALUES (1, 'a')"))
            assert recorded.value("db_pool_in_use", database="db") == 1
        with pytest.raises(OperationalError):
            async with engine.connect() as connection:
                await connection.execute(text("SELECT * FROM nowhere"))
        assert recorded.value("db_pool_in_use", database="db") == 0

    in_async(tmp_path, use)
    assert recorded.counted(QUERIES) == {("db", "insert", "ok"): 1, ("db", "select", "error"): 1}


def test_an_async_pool_that_is_used_up_is_counted(tmp_path: Path) -> None:
    recorded = Recorder()

    async def use(engine: AsyncEngine) -> None:
        recorded.lookout.database(engine)
        async with engine.connect():
            with pytest.raises(PoolTimeout):
                await engine.connect()

    in_async(tmp_path, use, pool_size=1, max_overflow=0, pool_timeout=0.01)
    assert recorded.counted("db_pool_timeouts_total") == {("db",): 1}


# --- readiness ----------------------------------------------------------------------------------------------


def test_readiness_asks_the_database_and_counts_nothing(recorded: Recorder, engine: Engine) -> None:
    results = recorded.lookout.health.results_now()
    assert results["db"].up
    assert recorded.counted(QUERIES) == {}
    assert recorded.value("app_dependency_up", dependency="db") == 1


def test_readiness_of_an_async_engine(tmp_path: Path) -> None:
    recorded = Recorder()

    async def use(engine: AsyncEngine) -> None:
        recorded.lookout.database(engine, "main")
        assert (await recorded.lookout.health.results())["main"].up

    in_async(tmp_path, use)
    assert recorded.counted(QUERIES) == {}


def test_readiness_of_a_database_that_is_away(tmp_path: Path) -> None:
    recorded = Recorder()
    recorded.lookout.database(create_engine(f"sqlite:///{tmp_path}/missing/test.db"))
    assert not recorded.lookout.health.results_now()["db"].up
    assert recorded.value("app_dependency_up", dependency="db") == 0


def test_readiness_can_be_left_to_the_app(engine: Engine) -> None:
    recorded = Recorder()
    recorded.lookout.database(engine, check=False)
    assert recorded.lookout.health.results_now() == {}


# --- requests -----------------------------------------------------------------------------------------------


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


def test_a_repeated_statement_is_counted_each_time_and_told_once(recorded: Recorder, engine: Engine) -> None:
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


# --- several processes --------------------------------------------------------------------------------------

_WORKER = """
import sys, time
from lookout_instrumentation import Lookout, Settings
from sqlalchemy import create_engine
from sqlalchemy.pool import QueuePool
lookout = Lookout(Settings.load(), logging=False)
engine = create_engine("sqlite://", poolclass=QueuePool, pool_size=1, max_overflow=4)
lookout.database(engine)
held = [engine.connect() for _ in range(int(sys.argv[1]))]
print("ready", flush=True)
sys.stdin.readline()
print(lookout.metrics.exposition().decode(), flush=True)
sys.stdin.readline()
"""


def test_the_pools_of_several_processes_are_added(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PROMETHEUS_MULTIPROC_DIR": str(folder),
        "LOOKOUT_WORKERS": "2",
    }
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                Popen([sys.executable, "-c", _WORKER, str(held)], env=env, stdin=PIPE, stdout=PIPE, text=True)
            )
            for held in (2, 3)
        ]
        assert [worker.stdout.readline() for worker in workers if worker.stdout] == ["ready\n", "ready\n"]
        printed, _ = workers[0].communicate("\n\n")
        workers[1].communicate("\n\n")
    values = dict(line.rsplit(" ", 1) for line in printed.splitlines() if line.startswith("db_pool_"))
    assert values == {
        'db_pool_size{database="db"}': "2.0",
        'db_pool_limit{database="db"}': "10.0",
        'db_pool_in_use{database="db"}': "5.0",
        'db_pool_overflow{database="db"}': "3.0",
        'db_pool_timeouts_total{database="db"}': "0.0",
    }
