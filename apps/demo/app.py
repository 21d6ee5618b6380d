"""Puts the API together: endpoints, what they share, and one call that makes it observable.

Owns the wiring alone. It reads no environment and configures no logging, so that a test can make as many apps as it
likes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import httpx2
import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from lookout_instrumentation import Lookout
from lookout_instrumentation.fastapi import init
from lookout_instrumentation.health import Check
from lookout_instrumentation.settings import Settings as LookoutSettings
from redis.asyncio import Redis
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from demo import operations, people, product, webhooks
from demo.accounts import Accounts
from demo.analyses import StoredAnalyses
from demo.catalogue import Catalogue
from demo.database import Database, prepare_when_there
from demo.figures import Refresher
from demo.outside import LLM, MODEL, PAYMENTS, Calls, Outside, Unavailable
from demo.payments import Payments
from demo.plans import FUNNEL
from demo.services import Services
from demo.settings import Settings
from demo.switches import Switches
from demo.tasks import QueueDown

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Connections:
    """The connections of the API. The code that made them closes them."""

    engine: AsyncEngine
    redis: Redis
    http: httpx2.AsyncClient


def create_app(
    settings: Settings, connections: Connections, lookout_settings: LookoutSettings, *, logging: bool = True
) -> tuple[FastAPI, Lookout]:
    """Return the API, ready to be served, and the handle on its metrics."""
    app = FastAPI(
        title="Lookout demo",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    for part in (product, people, webhooks, operations):
        app.include_router(part.router)
    for kind, dependency in _DEPENDENCIES.items():
        app.add_exception_handler(kind, _failed(dependency))
    database = Database(connections.engine)
    switches = Switches(database)

    async def cache_answers() -> None:
        await connections.redis.ping()

    checks: dict[str, Check] = {"cache": cache_answers, "switch": switches.check}
    lookout = init(app, checks, settings=lookout_settings, logging=logging)
    lookout.database(connections.engine)  # its check is among those of /ready from now on
    outside = Outside(connections.http, Calls(lookout, LLM, PAYMENTS))
    app.state.services = Services(
        settings=settings,
        lookout=lookout,
        database=database,
        items=Catalogue(database, connections.redis, lookout),
        analyses=StoredAnalyses(database),
        accounts=Accounts(database),
        payments=Payments(database, outside, lookout),
        outside=outside,
        switches=switches,
    )
    _declare(lookout, settings)
    return app, lookout


def _declare(lookout: Lookout, settings: Settings) -> None:
    """Start at zero what alerts hang on: a counter that is born with its first error has no increase."""
    lookout.llm.declare(LLM, MODEL)
    lookout.costs.budget(LLM, settings.llm_budget_usd)
    lookout.payments.declare(PAYMENTS)
    lookout.webhooks.declare("payments", "messages")
    lookout.business.declare(events=("analysis", "export", "lead"), steps=FUNNEL, tiers=FUNNEL[1:])
    lookout.oauth.declare("google", "github")
    lookout.web.declare("TypeError", "NetworkError")


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Make the tables when the database is there, then keep the business figures true."""
    services: Services = app.state.services
    refresher = Refresher(services.database, services.settings, services.lookout)

    async def begin() -> None:
        await prepare_when_there(services.database.engine)
        refresher.start()

    keeper = asyncio.create_task(begin())
    try:
        yield
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        await refresher.stop()
        await services.database.hold(0)


# What is answered with 503: nothing of the request's is wrong, and it may be tried again.
_DEPENDENCIES: Final[dict[type[Exception], str]] = {
    DBAPIError: "db",
    PoolTimeout: "db",
    QueueDown: "queue",
    Unavailable: "providers",
}


def _failed(dependency: str) -> Callable[[Request, Exception], Awaitable[JSONResponse]]:
    async def answer(_request: Request, error: Exception) -> JSONResponse:
        log.error("dependency failed", dependency=dependency, error_type=type(error).__name__)
        return JSONResponse({"detail": f"{dependency} does not answer"}, 503, headers={"Retry-After": "5"})

    return answer
