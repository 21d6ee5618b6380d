"""Puts the API together: endpoints, metrics, request context, readiness.

Owns the wiring alone. It reads no environment and configures no logging, so that a test can make as
many apps as it likes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from redis.asyncio import Redis
from redis.exceptions import RedisError

from demo import catalogue, operations, product
from demo.analyses import StoredAnalyses
from demo.catalogue import CachedItems
from demo.instrumentation.metrics import AppMetrics
from demo.instrumentation.middleware import RequestContextMiddleware
from demo.instrumentation.readiness import Readiness
from demo.instrumentation.token import bearer_guard, read_token
from demo.services import Services
from demo.settings import Settings
from demo.switches import Switches

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger(__name__)


def create_metrics(settings: Settings) -> AppMetrics:
    """Return the app's metrics, with every series that is known beforehand at zero."""
    metrics = AppMetrics(
        version=settings.version,
        environment=settings.environment,
        slo_latency_seconds=settings.slo_latency_seconds,
    )
    routes = [route for route in product.router.routes if isinstance(route, APIRoute)]
    metrics.declare_routes((method, route.path) for route in routes for method in sorted(route.methods or ()))
    metrics.declare_cache(catalogue.CACHE)
    return metrics


def create_app(settings: Settings, redis: Redis, metrics: AppMetrics) -> FastAPI:
    """Return the API, ready to be served."""
    readiness = Readiness({"cache": redis.ping}, metrics)
    app = FastAPI(
        title="Lookout demo",
        version=settings.version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # A redirect has no route: the instrumentator would label it with the raw path, one series per URL.
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.services = Services(
        settings=settings,
        items=CachedItems(redis, metrics.cache_requests),
        analyses=StoredAnalyses(redis),
        readiness=readiness,
        switches=Switches(),
    )
    app.include_router(product.router)
    app.include_router(operations.router)
    app.add_exception_handler(RedisError, _redis_failed)
    metrics.instrument(app, bearer_guard(settings.metrics_token_file), also_ignored=[operations.SWITCH_PATH])
    app.add_middleware(RequestContextMiddleware, metrics=metrics)  # added last: outermost
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep the readiness checks going while the app serves."""
    services: Services = app.state.services
    if read_token(services.settings.metrics_token_file) is None:
        log.error("no metrics token: /metrics lets nobody in", file=str(services.settings.metrics_token_file))
    await services.readiness.results()  # so that the first scrape finds them
    refresher = asyncio.create_task(services.readiness.keep_fresh(services.settings.refresh_seconds))
    try:
        yield
    finally:
        refresher.cancel()
        with suppress(asyncio.CancelledError):
            await refresher


async def _redis_failed(_request: Request, error: Exception) -> JSONResponse:
    log.error("redis failed", dependency="cache", error_type=type(error).__name__)
    return JSONResponse({"detail": "the cache does not answer"}, 503, headers={"Retry-After": "5"})
