"""Text analyses: the demo's bit of real work, kept in Redis, which is here the only place they live.

So when Redis is away these requests fail, and the app answers 503: there is nothing to fall back on.
"""

import re
from collections import Counter
from typing import Final

import uuid_utils
from pydantic import BaseModel
from redis.asyncio import Redis

KEEP_SECONDS: Final = 3600
MAX_TEXT: Final = 20_000
_WORDS_A_MINUTE: Final = 230
_WORD: Final = re.compile(r"[^\W\d_]+")
_SENTENCE_END: Final = re.compile(r"[.!?]+(?:\s|$)")


class Analysis(BaseModel):
    """What was found in a text."""

    id: str
    words: int
    sentences: int
    distinct_words: int
    reading_seconds: float
    top: list[tuple[str, int]]


def analyse(text: str) -> Analysis:
    """Count words and sentences of `text` and the words used most."""
    words = [word.lower() for word in _WORD.findall(text)]
    counts = Counter(words)
    return Analysis(
        id=str(uuid_utils.uuid7()),
        words=len(words),
        sentences=max(len(_SENTENCE_END.findall(text)), 1 if words else 0),
        distinct_words=len(counts),
        reading_seconds=round(len(words) * 60 / _WORDS_A_MINUTE, 1),
        top=sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:5],
    )


class StoredAnalyses:
    """Keeps analyses in Redis for an hour."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def save(self, analysis: Analysis) -> None:
        """Store `analysis` under its id."""
        await self._redis.set(f"analysis:{analysis.id}", analysis.model_dump_json(), ex=KEEP_SECONDS)

    async def get(self, analysis_id: str) -> Analysis | None:
        """Return the stored analysis, or None when there is none or it has expired."""
        stored = await self._redis.get(f"analysis:{analysis_id}")
        return None if stored is None else Analysis.model_validate_json(stored)
