"""The connections of an SQLAlchemy engine: how many are open and in use, and when there was none to be had.

Owns the gauges of the pool, and the counting of connections that were asked for in vain. SQLAlchemy tells nobody of
those, so the pool's `connect` is wrapped.
"""

import math
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
    is_queue = isinstance(engine.pool, QueuePool)
    size, limit = _bounds(engine.pool)
    metrics.get("db_pool_size").labels(name).set(size)
    metrics.get("db_pool_limit").labels(name).set(limit)
    if is_queue and metrics.settings.multiproc_dir is None:
        # Asked at each scrape; `engine.pool` is another one after `dispose`.
        in_use.set_function(lambda: _asked(engine, "checkedout"))
        overflow.set_function(lambda: max(0, _asked(engine, "overflow")))
    else:
        _Events(in_use, overflow, size).listen(engine)
    _guard(engine, name, metrics)


def _bounds(pool: Pool) -> tuple[int, float]:
    """How many connections the pool keeps, and how many it may open; other pools than queues have no bounds."""
    if not isinstance(pool, QueuePool):
        return 0, math.inf
    beyond = pool._max_overflow  # it has no public name; -1 is no limit
    return pool.size(), math.inf if beyond < 0 else pool.size() + beyond


def _asked(engine: Engine, question: str) -> int:
    return int(getattr(engine.pool, question)())


def _guard(engine: Engine, name: str, metrics: Metrics) -> None:
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

        return connect_or_count

    def wrap(engine: Engine) -> None:
        pool: Pool = engine.pool
        pool.connect = guarded(pool.connect)  # type: ignore[method-assign]

    wrap(engine)
    event.listen(engine, "engine_disposed", wrap)


class _Events:
    """Counts connections as they come and go, where a pool cannot be asked: it keeps no queue, or it is that of one
    process of several, of which a scrape asks but one."""

    def __init__(self, in_use: Any, overflow: Any, size: int) -> None:
        self._in_use = in_use
        self._overflow = overflow
        self._size = size
        self._open = 0
        self._lock = threading.Lock()

    def listen(self, engine: Engine) -> None:
        event.listen(engine, "checkout", lambda *_: self._in_use.inc())
        event.listen(engine, "checkin", lambda *_: self._in_use.dec())
        event.listen(engine, "connect", lambda *_: self._opened(1))
        event.listen(engine, "close", lambda *_: self._opened(-1))
        event.listen(engine, "detach", lambda *_: self._detached())

    def _opened(self, more: int) -> None:
        with self._lock:
            self._open = max(0, self._open + more)
            if self._size:
                self._overflow.set(max(0, self._open - self._size))

    def _detached(self) -> None:
        self._in_use.dec()
        self._opened(-1)
