"""Statements of SQLAlchemy engines, plain and async: each counted once, no value ever stated; and readiness."""

import sqlite3
import threading
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.instrumentation.engines import engine_at, in_async
from tests.instrumentation.recorder import Recorder

QUERIES = "db_queries_total"
OPERATIONS = ("select", "insert", "update", "delete", "other")


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


def test_one_that_was_answered_is_counted_before_a_listener_of_the_app_fails(
    recorded: Recorder, engine: Engine
) -> None:
    @event.listens_for(engine, "after_cursor_execute")
    def fail(*_: object) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"), engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    assert recorded.counted(QUERIES) == {("db", "select", "ok"): 1}


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


def test_waiting_for_a_lock_without_success_is_a_timeout(tmp_path: Path) -> None:
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


def test_two_databases_are_distinguished(recorded: Recorder, engine: Engine, tmp_path: Path) -> None:
    second = engine_at(tmp_path)
    recorded.lookout.database(second, "reports")
    with second.connect() as connection:
        connection.execute(text("SELECT 1"))
    second.dispose()
    assert recorded.counted(QUERIES) == {("reports", "select", "ok"): 1}


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
