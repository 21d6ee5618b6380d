"""The product's endpoints for everybody: items, search, analyses, exports, leads."""

from typing import Annotated, Final, Literal
from uuid import UUID

import structlog
from fastapi import APIRouter, HTTPException, Path, Query, Response
from lookout_instrumentation import context
from pydantic import BaseModel, Field

from demo import tasks
from demo.analyses import LONG_TEXT, MAX_TEXT, Analysis, finish, new_row, shown
from demo.catalogue import Item
from demo.outside import Answer
from demo.services import FAULTS, Shared
from demo.signin import Anybody, Known

# The tenant of users without an account.
NO_TENANT: Final = "none"

router = APIRouter(dependencies=[FAULTS])
log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)


class Text(BaseModel):
    """A text to analyse."""

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]


class Lead(BaseModel):
    """The site where a visitor left an address."""

    site: Annotated[int, Field(ge=1, le=9)] = 1


class JsError(BaseModel):
    """What a browser reports."""

    kind: Literal["TypeError", "ReferenceError", "SyntaxError", "NetworkError", "other"]
    message: Annotated[str, Field(max_length=500)] = ""


@router.get("/items")
async def get_items(
    shared: Shared, page: Annotated[int, Query(ge=0, le=1000)] = 0, size: Annotated[int, Query(ge=1, le=50)] = 20
) -> list[Item]:
    """A page of the list."""
    return await shared.items.page(page, size, one_by_one=shared.switches.state.n_plus_one)


@router.get("/items/{item_id}")
async def get_item(item_id: Annotated[int, Path(ge=1, le=10**9)], shared: Shared, who: Anybody) -> Item:
    """One item, read through the cache."""
    item = await shared.items.get(item_id)
    if item is None:
        raise HTTPException(404, "no such item")
    if who:
        shared.lookout.tenants.event(who.tenant, "page_view")
    return item


@router.get("/search")
async def get_search(
    shared: Shared,
    q: Annotated[str, Query(min_length=1, max_length=50)],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> list[Item]:
    """The items whose name holds all words of `q`."""
    shared.lookout.usage.used("search", " ".join(q.split()))
    return await shared.items.search(q, limit)


@router.post("/analyze")
async def post_analyze(body: Text, shared: Shared, who: Anybody, response: Response) -> Analysis:
    """Analyse a text; a long one is analysed by the worker and can be fetched later."""
    context.bind(action="analyze")
    row = new_row(body.text, who.tenant_id if who else None)
    tenant = who.tenant if who else NO_TENANT
    shared.lookout.errors.flag("summaries", shared.settings.summaries)
    if len(body.text) > LONG_TEXT:
        await shared.analyses.save(row)
        await tasks.send(tasks.analyze, str(row.id), tenant)
        response.status_code = 202
    else:
        answer = await shared.outside.summarise(body.text, tenant) if shared.settings.summaries else Answer(None)
        finish(row, answer.text, answer.cost_usd)
        await shared.analyses.save(row)
    shared.lookout.business.event("analysis")
    if who:
        shared.lookout.tenants.event(who.tenant, "analysis")
    log.info("text analysed" if row.result else "text queued", analysis_id=str(row.id), characters=len(body.text))
    return shown(row)


@router.get("/analyses/{analysis_id}")
async def get_analysis(analysis_id: UUID, shared: Shared) -> Analysis:
    """A stored analysis."""
    analysis = await shared.analyses.get(analysis_id)
    if analysis is None:
        raise HTTPException(404, "no such analysis, or it has expired")
    return analysis


@router.post("/exports", status_code=202)
async def post_export(shared: Shared, who: Known) -> dict[str, str]:
    """Export the tenant's analyses; a message says when it is done."""
    context.bind(action="export")
    await tasks.send(tasks.export, who.tenant_id, who.tenant)
    shared.lookout.business.event("export")
    shared.lookout.tenants.event(who.tenant, "export")
    return {"status": "queued"}


@router.post("/leads", status_code=201)
async def post_lead(lead: Lead, shared: Shared, who: Known) -> dict[str, str]:
    """A visitor of one of the tenant's sites left an address; the address itself is not stored."""
    context.bind(action="lead", site=f"{who.tenant}-{lead.site}")
    shared.lookout.business.event("lead")
    shared.lookout.tenants.event(who.tenant, "lead")
    log.info("lead noted")
    return {"status": "noted"}


@router.post("/client-errors", status_code=204)
async def post_client_error(error: JsError, shared: Shared) -> None:
    """An error in a user's browser."""
    shared.lookout.web.js_error(error.kind)
    log.warning("error in a browser", error_type=error.kind, detail=error.message)
