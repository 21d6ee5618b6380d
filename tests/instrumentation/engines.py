"""SQLAlchemy engines on a SQLite file, for tests of what is counted of them."""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool


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
