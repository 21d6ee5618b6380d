"""SQLAlchemy 2: the statements and connections of an engine, plain or async, and a readiness check.

Owns the listeners on an engine. It sees statements, never their parameters, and logs statements only as fingerprints.
"""

import time
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakSet

import structlog
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine

from lookout_instrumentation.health import DATABASE, Check, Health
from lookout_instrumentation.http import HttpMetrics
from lookout_instrumentation.outcome import bounded
from lookout_instrumentation.pool import watch_pool
from lookout_instrumentation.queries import RequestQueries
from lookout_instrumentation.statements import OPERATIONS, described, is_timeout

# What the readiness check sends: it is counted nowhere, or it would be most of what a quiet app sends.
PROBE: Final = "SELECT 1 /* lookout */"
_BEGAN: Final = "_lookout_began"

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("lookout.database")


class Databases:
    """The databases of one app; called with an engine, it watches that."""

    def __init__(self, http: HttpMetrics, health: Health) -> None:
        self._http = http
        self._health = health
        self._requests = RequestQueries(http)
        self._watched: WeakSet[Engine] = WeakSet()

    def __call__(self, engine: Engine | AsyncEngine, name: str = DATABASE, *, check: bool = True) -> None:
        """Count what is sent through `engine`, as database `name`. A second time it does nothing.

        Unless `check` is false, /ready asks the database `SELECT 1`, through the pool: with no connection to be had the
        app is not ready.
        """
        plain = engine.sync_engine if isinstance(engine, AsyncEngine) else engine
        if plain in self._watched:
            return
        self._watched.add(plain)
        name = bounded(name)
        watch_pool(plain, name, self._http.metrics)
        _Statements(name, self._http, self._requests).listen(plain)
        if check:
            self._health.add(name, _check(engine))


def _check(engine: Engine | AsyncEngine) -> Check:
    if isinstance(engine, AsyncEngine):

        async def ask_later() -> None:
            async with engine.connect() as connection:
                await connection.exec_driver_sql(PROBE)

        return ask_later

    def ask() -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql(PROBE)

    return ask


class _Statements:
    """Counts and times the statements of one engine."""

    def __init__(self, database: str, http: HttpMetrics, requests: RequestQueries) -> None:
        get = http.metrics.get
        queries, duration = get("db_queries_total"), get("db_query_duration_seconds")
        self._database = database
        self._requests = requests
        self._limit = http.metrics.settings.slow_query_seconds
        self._done = {name: queries.labels(database, name, "ok") for name in OPERATIONS}
        self._failed = {name: queries.labels(database, name, "error") for name in OPERATIONS}
        self._duration = {name: duration.labels(database, name) for name in OPERATIONS}
        self._slow = get("db_slow_queries_total").labels(database)
        self._timeouts = get("db_query_timeouts_total").labels(database)
        self._broken = get("db_connection_failures_total").labels(database)

    def listen(self, engine: Engine) -> None:
        """Listen to every statement of `engine`."""
        dialect = engine.dialect.name

        def before(_conn: Any, _cursor: Any, statement: str, _values: Any, running: Any, _many: bool) -> None:
            if statement != PROBE:
                setattr(running, _BEGAN, time.perf_counter())

        def after(_conn: Any, _cursor: Any, statement: str, _values: Any, running: Any, _many: bool) -> None:
            self._end(running, statement, dialect, None)

        def failed(error: ExceptionContext) -> None:
            self._count_broken(error)
            if error.statement is not None:
                self._end(error.execution_context, error.statement, dialect, error.original_exception)

        listeners: dict[str, Callable[..., None]] = {
            "before_cursor_execute": before,
            "after_cursor_execute": after,
            "handle_error": failed,
        }
        for name, listener in listeners.items():
            event.listen(engine, name, listener)

    def _end(self, running: Any, statement: str, dialect: str, error: BaseException | None) -> None:
        began: float | None = vars(running).pop(_BEGAN, None) if running is not None else None
        if began is None:  # not sent, or already counted
            return
        seconds = time.perf_counter() - began
        known = described(statement, dialect)
        (self._done if error is None else self._failed)[known.operation].inc()
        self._duration[known.operation].observe(seconds)
        self._requests.note(known.fingerprint)
        if is_timeout(error):
            self._timeouts.inc()
        if seconds > self._limit:
            self._slow.inc()
            log.warning(
                "slow query",
                database=self._database,
                operation=known.operation,
                statement=known.fingerprint,
                duration_ms=round(seconds * 1000, 2),
            )

    def _count_broken(self, error: ExceptionContext) -> None:
        """Count a connection that broke in use. One that could not be made is counted where it was asked for; one that
        the pool found broken beforehand is replaced, and no request fails."""
        original = error.original_exception
        in_use = error.connection is not None
        if (
            in_use
            and error.is_disconnect
            and isinstance(original, Exception)
            and not isinstance(original, TimeoutError)
        ):
            self._broken.inc()
