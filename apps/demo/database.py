"""The connection to Postgres: engines, the tables at start, the faults that can be switched on.

Owns how long anything waits for the database. What is asked of it is the business of the modules that ask.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import URL, Connection, Engine, create_engine, insert, make_url, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session

from demo.made_up import items, tenants
from demo.models import Base, ItemRow, Tenant

POOL_SIZE: Final = 5
POOL_OVERFLOW: Final = 5
POOL_WAIT_SECONDS: Final = 2.0
CONNECT_SECONDS: Final = 2
STATEMENT_MS: Final = 5000
# Any number, as long as every process of the demo takes the same.
_LOCK: Final = 720_651_337

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Address:
    """Where the database is; the password is in a file, and read when a connection is made."""

    url: str
    password_file: Path | None = None

    def complete(self) -> URL:
        """The URL with the password in it; its text form shows none."""
        url = make_url(self.url)
        if self.password_file is None:
            return url
        return url.set(password=self.password_file.read_text(encoding="utf-8").strip())


def connect_async(address: Address) -> AsyncEngine:
    """An engine for the API. Nothing is connected yet."""
    return create_async_engine(address.complete(), **_options(address))


def connect(address: Address) -> Engine:
    """An engine for the worker. Nothing is connected yet."""
    return create_engine(address.complete(), **_options(address))


def _options(address: Address) -> dict[str, Any]:
    if not address.url.startswith("postgresql"):
        return {}
    return {
        "pool_size": POOL_SIZE,
        "max_overflow": POOL_OVERFLOW,
        "pool_timeout": POOL_WAIT_SECONDS,
        # A connection that died with a restarted server is replaced before a request meets it.
        "pool_pre_ping": True,
        "connect_args": {
            "connect_timeout": CONNECT_SECONDS,
            "options": f"-c statement_timeout={STATEMENT_MS} -c application_name=demo",
            "tcp_user_timeout": 3000,
        },
    }


async def prepare_when_there(engine: AsyncEngine, every_seconds: float = 1.0) -> None:
    """Make the tables as soon as the database answers: the app may well be there first."""
    waited = False
    while True:
        try:
            async with engine.begin() as connection:
                await connection.run_sync(prepare)
            log.info("database is ready")
            return
        except (SQLAlchemyError, OSError) as error:
            if not waited:
                log.warning("waiting for the database", dependency="db", error_type=type(error).__name__)
            waited = True
            await asyncio.sleep(every_seconds)


def prepare(connection: Connection) -> None:
    """Make what is missing of tables, items and tenants. Several processes that start at once do it one by one."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    Base.metadata.create_all(connection)
    if connection.execute(select(ItemRow.id).limit(1)).first() is None:
        connection.execute(insert(ItemRow), list(items()))
        connection.execute(insert(Tenant), list(tenants()))


class Database:
    """What the API asks: sessions, and the faults of a database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.slow_seconds = 0.0
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self._held: list[AsyncConnection] = []

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A session that commits when the block ends well."""
        async with self._sessions() as session, session.begin():
            if self.slow_seconds:
                await session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": self.slow_seconds})
            yield session

    async def hold(self, count: int) -> None:
        """Take so many connections from the pool and keep them, or give back those beyond it."""
        while len(self._held) > count:
            await self._held.pop().close()
        while len(self._held) < count:
            self._held.append(await self.engine.connect())


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """A session that commits when the block ends well."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session
