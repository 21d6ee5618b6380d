"""The product's endpoints: what people would use, and what the switches break."""

from typing import Annotated, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, HTTPException, Path, Query
from pydantic import BaseModel, Field

from demo.analyses import MAX_TEXT, Analysis, analyse
from demo.catalogue import Item, search
from demo.services import Shared

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)


async def _faults(shared: Shared) -> None:
    await shared.switches.apply()


router = APIRouter(dependencies=[Depends(_faults)])


class Text(BaseModel):
    """A text to analyse."""

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]


@router.get("/items/{item_id}")
async def get_item(item_id: Annotated[int, Path(ge=1, le=10**9)], shared: Shared) -> Item:
    """One item, read through the cache."""
    item = await shared.items.get(item_id)
    if item is None:
        raise HTTPException(404, "no such item")
    return item


@router.get("/search")
async def get_search(
    q: Annotated[str, Query(min_length=1, max_length=50)], limit: Annotated[int, Query(ge=1, le=50)] = 10
) -> list[Item]:
    """The items whose name holds all words of `q`."""
    return search(q, limit)


@router.post("/analyze")
async def post_analyze(body: Text, shared: Shared) -> Analysis:
    """Analyse a text and keep the result for an hour."""
    analysis = analyse(body.text)
    await shared.analyses.save(analysis)
    log.info("text analysed", action="analyze", analysis_id=analysis.id, words=analysis.words)
    return analysis


@router.get("/analyses/{analysis_id}")
async def get_analysis(analysis_id: UUID, shared: Shared) -> Analysis:
    """A stored analysis."""
    analysis = await shared.analyses.get(str(analysis_id))
    if analysis is None:
        raise HTTPException(404, "no such analysis, or it has expired")
    return analysis
