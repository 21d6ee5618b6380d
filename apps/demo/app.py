"""Puts the API together: endpoints, what they share, and one call that makes it observable.

Owns the wiring alone. It reads no environment and configures no logging, so that a test can make as many apps as it
likes.
"""

from typing import Final

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from lookout_instrumentation import Lookout
from lookout_instrumentation.fastapi import init
from lookout_instrumentation.health import Check
from lookout_instrumentation.settings import Settings as LookoutSettings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from demo import catalogue, operations, product
from demo.analyses import StoredAnalyses
from demo.catalogue import CachedItems
from demo.services import Services
from demo.settings import Settings
from demo.switches import Switches

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)


def create_app(
    settings: Settings, redis: Redis, lookout_settings: LookoutSettings, *, logging: bool = True
) -> tuple[FastAPI, Lookout]:
    """Return the API, ready to be served, and the handle on what it tells of itself."""
    app = FastAPI(title="Lookout demo", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.include_router(product.router)
    app.include_router(operations.router)
    app.add_exception_handler(RedisError, _redis_failed)
    switches = Switches()
    checks: dict[str, Check] = {"cache": redis.ping, "switch": switches.check}
    lookout = init(app, checks, settings=lookout_settings, logging=logging)
    reads = lookout.metrics.get("cache_requests_total")
    for result in ("hit", "miss", "error"):
        reads.labels(catalogue.CACHE, result)
    app.state.services = Services(
        settings=settings, items=CachedItems(redis, reads), analyses=StoredAnalyses(redis), switches=switches
    )
    return app, lookout


async def _redis_failed(_request: Request, error: Exception) -> JSONResponse:
    log.error("redis failed", dependency="cache", error_type=type(error).__name__)
    return JSONResponse({"detail": "the cache does not answer"}, 503, headers={"Retry-After": "5"})
