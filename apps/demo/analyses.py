"""Text analyses: what is counted here, what a model says, and where both are kept.

Short texts are analysed while the caller waits, long ones by the worker. A model that does not answer costs the
summary, not the analysis.
"""

import re
import uuid
from collections import Counter
from typing import Any, Final, Literal

import uuid_utils
from pydantic import BaseModel

from demo.database import Database
from demo.days import now
from demo.models import AnalysisRow

MAX_TEXT: Final = 20_000
LONG_TEXT: Final = 2_000
_WORDS_A_MINUTE: Final = 230
_WORD: Final = re.compile(r"[^\W\d_]+")
_SENTENCE_END: Final = re.compile(r"[.!?]+(?:\s|$)")


class Analysis(BaseModel):
    """What was found in a text; nothing yet while it is waiting."""

    id: str
    status: Literal["done", "waiting", "failed"] = "done"
    words: int = 0
    sentences: int = 0
    distinct_words: int = 0
    reading_seconds: float = 0.0
    top: list[tuple[str, int]] = []
    summary: str | None = None


def count(text: str) -> dict[str, Any]:
    """Words and sentences of `text` and the words used most."""
    words = [word.lower() for word in _WORD.findall(text)]
    counts = Counter(words)
    return {
        "words": len(words),
        "sentences": max(len(_SENTENCE_END.findall(text)), 1 if words else 0),
        "distinct_words": len(counts),
        "reading_seconds": round(len(words) * 60 / _WORDS_A_MINUTE, 1),
        "top": sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:5],
    }


def new_row(text: str, tenant_id: int | None) -> AnalysisRow:
    """A text that waits to be analysed."""
    made = uuid.UUID(str(uuid_utils.uuid7()))
    return AnalysisRow(id=made, tenant_id=tenant_id, status="waiting", text=text, result=None, created_at=now())


def finish(row: AnalysisRow, summary: str | None, cost_usd: float) -> None:
    """Put into `row` what was found."""
    row.result = count(row.text) | {"summary": summary}
    row.cost_usd = cost_usd
    row.status = "done"


def shown(row: AnalysisRow) -> Analysis:
    """A row as its owner sees it."""
    return Analysis.model_validate({"id": str(row.id), "status": row.status, **(row.result or {})})


class StoredAnalyses:
    """Keeps analyses in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, row: AnalysisRow) -> None:
        """Store a new row, or what has changed in one."""
        async with self._database.session() as session:
            await session.merge(row)

    async def get(self, analysis_id: uuid.UUID) -> Analysis | None:
        """The stored analysis, or None when there is none."""
        async with self._database.session() as session:
            row = await session.get(AnalysisRow, analysis_id)
        return None if row is None else shown(row)
