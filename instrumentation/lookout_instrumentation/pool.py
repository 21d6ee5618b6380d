"""The connections of an SQLAlchemy engine: how many are open and in use, and when there was none to be had.

Owns the gauges of the pool, and the counter of requests that got no connection. SQLAlchemy has no event for
those, so the pool's `connect` is wrapped.
"""

import math
import os
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import Pool, QueuePool

from lookout_instrumentation.metrics import Metrics


def watch_pool(engine: Engine, name: str, metrics: Metrics) -> None:
    """Export the gauges of the engine's pool, and count what goes wrong with it."""
    in_use = metrics.get("db_pool_in_use").labels(name)
    overflow = metrics.get("db_pool_overflow").labels(name)
    size, limit = _bounds(engine.pool)
    metrics.get("db_pool_size").labels(name).set(size)
    metrics.get("db_pool_limit").labels(name).set(limit)
    changed = _nothing
    if not isinstance(engine.pool, QueuePool):
        _Events(in_use, overflow, size).listen(engine)
    else:
        if metrics.folder is None:
            # Asked at each scrape; `engine.pool` is another one after `dispose`.
            in_use.set_function(lambda: _in_use(engine))
            overflow.set_function(lambda: _overflow(engine))

        def written() -> None:
            # A scrape asks one of several processes: each writes down what its pool says, whenever that changes.
            if metrics.folder is not None:
                in_use.set(_in_use(engine))
                overflow.set(_overflow(engine))

        changed = written
        # A connection that is being made is one of the pool's already, however long that takes.
        event.listen(engine, "do_connect", lambda *_: changed())
    _guard(engine, name, metrics, changed)


def _bounds(pool: Pool) -> tuple[int, float]:
    """How many connections the pool keeps, and how many it may open; other pools than queues have no bounds."""
    if not isinstance(pool, QueuePool):
        return 0, math.inf
    beyond = pool._max_overflow  # it has no public name; -1 is no limit
    return pool.size(), math.inf if beyond < 0 else pool.size() + beyond


def _nothing() -> None:
    """Where there is nothing to write down."""


def _in_use(engine: Engine) -> int:
    """What the pool says, never below nothing: while it is changed it is asked in the middle of its sum."""
    pool = engine.pool
    return max(0, pool.checkedout()) if isinstance(pool, QueuePool) else 0


def _overflow(engine: Engine) -> int:
    pool = engine.pool
    return max(0, pool.overflow()) if isinstance(pool, QueuePool) else 0


def _guard(engine: Engine, name: str, metrics: Metrics, changed: Callable[[], None]) -> None:
    timeouts = metrics.get("db_pool_timeouts_total").labels(name)
    failures = metrics.get("db_connection_failures_total").labels(name)

    def guarded(connect: Callable[[], Any]) -> Callable[[], Any]:
        def connect_or_count() -> Any:
            try:
                return connect()
            except PoolTimeout:
                timeouts.inc()
                raise
            except Exception:
                failures.inc()
                raise
            finally:
                changed()

        return connect_or_count

    def reporting(give_back: Callable[[Any], None]) -> Callable[[Any], None]:
        def give_back_and_report(record: Any) -> None:
            # The event of it comes before, and also for a connection that could not be made.
            try:
                give_back(record)
            finally:
                changed()

        return give_back_and_report

    def wrap(engine: Engine) -> None:
        pool: Pool = engine.pool
        pool.connect = guarded(pool.connect)  # type: ignore[method-assign]
        if changed is not _nothing:
            pool._do_return_conn = reporting(pool._do_return_conn)  # type: ignore[method-assign,assignment]
            changed()

    wrap(engine)
    event.listen(engine, "engine_disposed", wrap)


class _Events:
    """Knows of connections as they come and go, where a pool cannot be asked, as it keeps none of them.

    Which ones are out is known, not only how many: one that could not be made is given back as well, though it was
    never handed out.
    """

    def __init__(self, in_use: Any, overflow: Any, size: int) -> None:
        self._in_use = in_use
        self._overflow = overflow
        self._size = size
        self._open = 0
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._out: set[int] = set()
        self._process = os.getpid()

    def listen(self, engine: Engine) -> None:
        event.listen(engine, "checkout", lambda _connection, record, _proxy: self._handed_out(record))
        event.listen(engine, "checkin", lambda _connection, record: self._back(record))
        event.listen(engine, "connect", lambda *_: self._opened(1))
        event.listen(engine, "close", lambda *_: self._opened(-1))
        event.listen(engine, "detach", lambda _connection, record: self._detached(record))

    def _handed_out(self, record: Any) -> None:
        with self._lock:
            if self._process != os.getpid():  # those of before a fork are its parent's
                self._forget()
            self._out.add(id(record))
            self._in_use.set(len(self._out))

    def _back(self, record: Any) -> None:
        with self._lock:
            self._out.discard(id(record))
            self._in_use.set(len(self._out))

    def _opened(self, more: int) -> None:
        with self._lock:
            self._open = max(0, self._open + more)
            if self._size:
                self._overflow.set(max(0, self._open - self._size))

    def _detached(self, record: Any) -> None:
        self._back(record)
        self._opened(-1)
