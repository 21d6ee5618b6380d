"""The demo's items: in Postgres, read one by one through a Redis cache.

A cache that does not answer costs time and is counted, but never an answer.
"""

from typing import Final

import structlog
from lookout_instrumentation import Lookout
from pydantic import BaseModel, ConfigDict, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import select

from demo.database import Database
from demo.models import ItemRow

CACHE: Final = "items"
TTL_SECONDS: Final = 120

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)


class Item(BaseModel):
    """Something that the demo sells."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    price_cents: int


class Catalogue:
    """Reads items."""

    def __init__(self, database: Database, redis: Redis, lookout: Lookout) -> None:
        self._database = database
        self._redis = redis
        self._cache = lookout.cache(CACHE)

    async def get(self, item_id: int) -> Item | None:
        """The item from the cache, else from the database, or None when there is none."""
        item = await self._cached(item_id)
        if item is not None:
            return item
        async with self._database.session() as session:
            row = await session.get(ItemRow, item_id)
        if row is None:
            return None
        item = Item.model_validate(row)
        await self._remember(item)
        return item

    async def page(self, number: int, size: int, *, one_by_one: bool = False) -> list[Item]:
        """A page of the list. `one_by_one` is the mistake that everybody makes once: a statement for each row."""
        async with self._database.session() as session:
            if one_by_one:
                ids = await session.scalars(select(ItemRow.id).order_by(ItemRow.id).offset(number * size).limit(size))
                rows = [await session.get_one(ItemRow, each) for each in ids]
            else:
                page = select(ItemRow).order_by(ItemRow.id).offset(number * size).limit(size)
                rows = list(await session.scalars(page))
        return [Item.model_validate(row) for row in rows]

    async def search(self, words: str, limit: int) -> list[Item]:
        """The first items whose name holds every one of `words`."""
        wanted = [ItemRow.name.contains(word, autoescape=True) for word in words.lower().split()]
        async with self._database.session() as session:
            rows = await session.scalars(select(ItemRow).where(*wanted).order_by(ItemRow.id).limit(limit))
            return [Item.model_validate(row) for row in rows]

    async def _cached(self, item_id: int) -> Item | None:
        try:
            with self._cache.read() as read:
                stored = await self._redis.get(f"item:{item_id}")
                item = Item.model_validate_json(stored) if stored is not None else None
                read.hit(item is not None)
        except (RedisError, ValidationError) as error:
            log.warning("cache read failed", cache=CACHE, error_type=type(error).__name__)
            return None
        return item

    async def _remember(self, item: Item) -> None:
        try:
            with self._cache.write():
                await self._redis.set(f"item:{item.id}", item.model_dump_json(), ex=TTL_SECONDS)
        except RedisError as error:
            log.warning("cache write failed", cache=CACHE, error_type=type(error).__name__)
