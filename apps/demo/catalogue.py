"""The demo's items: a fixed list that stands in for a database, and reading it through a Redis cache.

A cache that does not answer costs time and is counted, but never an answer.
"""

import asyncio
import itertools
from typing import Final

import structlog
from lookout_instrumentation.metrics import Family
from pydantic import BaseModel, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

CACHE: Final = "items"
TTL_SECONDS: Final = 30
# What a lookup costs where the items really live; without it a cache would have nothing to save.
LOOKUP_SECONDS: Final = 0.02

_FINISHES: Final = ("oak", "steel", "linen", "slate", "copper", "cork", "glass", "wool")
_THINGS: Final = ("lamp", "desk", "chair", "shelf", "clock", "bowl", "rug", "mirror", "stool", "vase")
_SIZES: Final = ("small", "medium", "large")

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)


class Item(BaseModel):
    """Something that the demo sells."""

    id: int
    name: str
    price_cents: int


def _items() -> dict[int, Item]:
    names = itertools.product(_FINISHES, _THINGS, _SIZES)
    return {
        number: Item(id=number, name=f"{size} {finish} {thing}", price_cents=900 + number * 37 % 9000)
        for number, (finish, thing, size) in enumerate(names, start=1)
    }


ITEMS: Final = _items()


def search(words: str, limit: int) -> list[Item]:
    """Return the first items whose name holds every one of `words`."""
    wanted = words.lower().split()
    found = (item for item in ITEMS.values() if all(word in item.name for word in wanted))
    return list(itertools.islice(found, limit))


class CachedItems:
    """Reads items through the cache."""

    def __init__(self, redis: Redis, reads: Family) -> None:
        self._redis = redis
        self._reads = reads

    async def get(self, item_id: int) -> Item | None:
        """Return the item from the cache, else from where it lives, or None when there is none."""
        item = await self._cached(item_id)
        if item is not None:
            return item
        await asyncio.sleep(LOOKUP_SECONDS)
        item = ITEMS.get(item_id)
        if item is not None:
            await self._remember(item)
        return item

    async def _cached(self, item_id: int) -> Item | None:
        item = None
        try:
            stored = await self._redis.get(f"item:{item_id}")
            item = Item.model_validate_json(stored) if stored is not None else None
            result = "miss" if item is None else "hit"
        except (RedisError, ValidationError) as error:
            log.warning("cache read failed", cache=CACHE, error_type=type(error).__name__)
            result = "error"
        self._reads.labels(CACHE, result).inc()
        return item

    async def _remember(self, item: Item) -> None:
        try:
            await self._redis.set(f"item:{item.id}", item.model_dump_json(), ex=TTL_SECONDS)
        except RedisError as error:
            log.warning("cache write failed", cache=CACHE, error_type=type(error).__name__)
