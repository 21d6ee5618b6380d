"""Connections of SQLAlchemy engines: how many are in use, and those that were asked for without success or broke."""

import os
import signal
import sqlite3
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest
from lookout_instrumentation.pool import _Events
from lookout_instrumentation.sharing import Shared
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool, QueuePool, SingletonThreadPool, StaticPool

from tests.instrumentation.engines import engine_at, in_async
from tests.instrumentation.recorder import Recorder
from tests.instrumentation.servers import ask, scraped, served
from tests.support.waiting import until

QUERIES = "db_queries_total"


def test_the_gauges_show_what_the_pool_does(tmp_path: Path) -> None:
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


def test_a_pool_that_keeps_nothing_shows_what_is_in_use(tmp_path: Path) -> None:
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


def test_events_show_what_the_pool_would(tmp_path: Path) -> None:
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
def test_waiting_for_a_connection_without_success_is_counted(tmp_path: Path, disposed: bool) -> None:
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


def test_a_connection_that_breaks_while_it_is_made_is_counted_once() -> None:
    def refuse() -> Any:
        raise sqlite3.ProgrammingError("Cannot operate on a closed database.")

    engine, recorded = create_engine("sqlite://", creator=refuse), Recorder()
    recorded.lookout.database(engine)
    recorded.lookout.database(engine)
    with pytest.raises(DBAPIError) as raised:
        engine.connect()
    assert raised.value.connection_invalidated
    assert recorded.counted("db_connection_failures_total") == {("db",): 1}


def test_a_connection_that_breaks_is_counted_once(recorded: Recorder, engine: Engine) -> None:
    with pytest.raises(DBAPIError), engine.connect() as connection:
        connection.connection.dbapi_connection.close()  # type: ignore[union-attr]  # there is one
        connection.execute(text("SELECT 1"))
    assert recorded.counted("db_connection_failures_total") == {("db",): 1}
    assert recorded.counted(QUERIES) == {}, "it was never sent"


def test_a_connection_found_broken_before_its_next_use_is_replaced_and_no_failure(tmp_path: Path) -> None:
    engine, recorded = engine_at(tmp_path, pool_pre_ping=True), Recorder()
    recorded.lookout.database(engine)
    with engine.connect() as connection:
        kept: Any = connection.connection.dbapi_connection
    kept.close()
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    engine.dispose()
    assert recorded.counted("db_connection_failures_total") == {}
    assert recorded.counted(QUERIES) == {("db", "select", "ok"): 1}


# --- after failures ---


class Away:
    """A server that is there, refuses, or hangs up, as stated."""

    def __init__(self) -> None:
        self.refuses = False
        self.made: list[sqlite3.Connection] = []

    def connect(self) -> sqlite3.Connection:
        if self.refuses:
            raise sqlite3.OperationalError("connection refused")
        self.made.append(sqlite3.connect(":memory:", check_same_thread=False))
        return self.made[-1]

    def hang_up(self) -> None:
        for each in self.made:
            each.close()
        self.made.clear()


POOLS: dict[str, dict[str, Any]] = {
    "a queue": {"poolclass": QueuePool, "pool_size": 2, "max_overflow": 3},
    "a queue that asks first": {"poolclass": QueuePool, "pool_size": 2, "max_overflow": 3, "pool_pre_ping": True},
    "a queue without limit": {"poolclass": QueuePool, "pool_size": 1, "max_overflow": -1, "pool_recycle": 0},
    "none": {"poolclass": NullPool},
    "one for all": {"poolclass": StaticPool},
    "one a thread": {"poolclass": SingletonThreadPool},
}


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "of several processes"])
@pytest.mark.parametrize("pool", POOLS)
def test_what_is_in_use_is_right_through_all_kinds_of_failures(pool: str, shared: bool, tmp_path: Path) -> None:
    away, recorded = Away(), Recorder()
    if shared:  # it writes down what its pool says, as one of several does
        recorded.lookout.metrics._shared = Shared(tmp_path)
    engine = create_engine("sqlite://", creator=away.connect, **POOLS[pool])
    recorded.lookout.database(engine)
    most = 5 if POOLS[pool].get("max_overflow") == 3 else 100

    def in_use() -> float:
        found = recorded.value("db_pool_in_use", database="db")
        assert found is not None and 0 <= found <= most
        return found

    for _ in range(50):
        away.refuses = True
        away.hang_up()  # what the pool keeps is broken, and no other can be made
        with suppress(DBAPIError):
            engine.connect().close()
        in_use()
        away.refuses = False
        with engine.connect() as connection:
            assert in_use() == 1
            connection.invalidate()
            in_use()
        with engine.connect() as connection:
            connection.detach()
        with suppress(DBAPIError), engine.connect() as connection:
            away.hang_up()
            connection.exec_driver_sql("SELECT 1")
        assert in_use() == 0
        engine.dispose()
    with engine.connect():
        assert in_use() == 1
    assert in_use() == 0


def test_a_connection_that_is_being_made_is_one_of_the_pools(tmp_path: Path) -> None:
    recorded, seen = Recorder(), []
    recorded.lookout.metrics._shared = Shared(tmp_path)

    engine = engine_at(tmp_path)
    recorded.lookout.database(engine)
    event.listen(engine, "do_connect", lambda *_: seen.append(recorded.value("db_pool_in_use", database="db")))
    with engine.connect():
        pass
    assert seen == [1]


def test_a_socket_that_refuses_leaves_nothing_in_use(tmp_path: Path) -> None:
    async def use(_: AsyncEngine) -> None:
        recorded = Recorder()
        engine = create_async_engine(
            f"sqlite+aiosqlite:///{tmp_path}/missing/x.db", pool_size=2, poolclass=AsyncAdaptedQueuePool
        )
        recorded.lookout.database(engine)
        for _try in range(20):
            with pytest.raises(OperationalError):
                await engine.connect()
        assert recorded.value("db_pool_in_use", database="db") == 0
        assert recorded.counted("db_connection_failures_total") == {("db",): 20}
        await engine.dispose()

    in_async(tmp_path, use)


def test_after_a_fork_the_parents_connections_are_its_own(tmp_path: Path) -> None:
    recorded = Recorder()
    engine = engine_at(tmp_path, poolclass=NullPool)
    recorded.lookout.database(engine)
    with engine.connect():
        child = os.fork()
        if child == 0:
            with engine.connect():
                os._exit(0 if recorded.value("db_pool_in_use", database="db") == 1 else 1)
        assert os.waitpid(child, 0)[1] == 0


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


_SERVED = """
import os, sqlite3
from flask import Flask
from lookout_instrumentation.flask import init
from sqlalchemy import create_engine, exc
from sqlalchemy.pool import QueuePool
app = Flask("shop")
lookout = init(app)
refuses = []
def connect():
    if refuses:
        raise sqlite3.OperationalError("connection refused")
    return sqlite3.connect(":memory:", check_same_thread=False)
options = {"poolclass": QueuePool, "pool_size": 2, "max_overflow": 3, "pool_pre_ping": True}
engine = create_engine("sqlite://", creator=connect, **options)
lookout.database(engine, check=False)
held = []

@app.get("/hold")
def hold():
    held.append(engine.connect())
    return str(os.getpid())

@app.get("/fail")
def fail():
    refuses.append(1)
    for _ in range(30):
        try:
            engine.connect().close()
        except exc.DBAPIError:
            pass
    refuses.clear()
    return str(os.getpid())

@app.get("/release")
def release():
    while held:
        held.pop().close()
    return str(os.getpid())
"""


def test_of_two_workers_one_is_killed_with_connections_in_its_hands(tmp_path: Path) -> None:
    command = ["gunicorn", "app_of_a_test:app", "-w", "2", "-b", "127.0.0.1:{port}"]
    with served(command, tmp_path, _SERVED, XDG_RUNTIME_DIR=str(tmp_path)) as (_, port):
        holding = int(ask(port, "/hold"))
        failing = {ask(port, "/fail") for _ in range(10)}
        assert failing
        assert scraped(port, "db_pool_in_use") == [1]
        os.kill(holding, signal.SIGKILL)
        until(lambda: scraped(port, "db_pool_in_use") == [0], "what the dead one held is forgotten")
        for _ in range(10):
            ask(port, "/fail")
        assert scraped(port, "db_pool_in_use") == [0]
        for _ in range(10):
            ask(port, "/release")
        assert scraped(port, "db_pool_in_use") == [0] and scraped(port, "db_pool_overflow") == [0]
