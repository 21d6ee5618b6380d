"""FastAPI and Starlette: one call makes an app observable."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route

from lookout_instrumentation.asgi import LookoutMiddleware
from lookout_instrumentation.core import Lookout
from lookout_instrumentation.health import Check
from lookout_instrumentation.settings import Settings


def init(
    app: Starlette,
    checks: Mapping[str, Check] | None = None,
    *,
    settings: Settings | None = None,
    logging: bool = True,
) -> Lookout:
    """Count, log and time every request of `app`, and give it /health, /ready, /status and /metrics.

    Call it once, after the app's own middleware has been added. `checks` are the dependencies that /ready tells of.
    Raises SettingsError for settings that cannot be used.
    """
    lookout = Lookout(settings, checks, logging=logging)
    # First, so that no route of the app with a parameter takes them.
    app.router.routes[:0] = _routes(lookout)
    app.add_middleware(LookoutMiddleware, http=lookout.http)
    app.router.lifespan_context = _with_checks(app.router.lifespan_context, app, lookout)
    return lookout


def _routes(lookout: Lookout) -> list[Route]:
    health = lookout.health

    async def alive(_request: Request) -> JSONResponse:
        return _json(health.alive())

    async def status(_request: Request) -> JSONResponse:
        return _json(health.status())

    async def ready(_request: Request) -> JSONResponse:
        return _json(health.ready(await health.results()))

    async def database(_request: Request) -> JSONResponse:
        return _json(health.database(await health.results()))

    endpoints = {"/health": alive, "/healthz": alive, "/status": status, "/ready": ready, "/health/db": database}
    return [Route(path, endpoint, include_in_schema=False) for path, endpoint in endpoints.items()]


def _json(answer: tuple[int, dict[str, Any]]) -> JSONResponse:
    return JSONResponse(answer[1], answer[0])


def _with_checks(lifespan: Any, app: Starlette, lookout: Lookout) -> Any:
    """The app's lifespan, with the checks kept going and every declared route started at zero."""

    @asynccontextmanager
    async def wrapped(inner: Any) -> AsyncIterator[Any]:
        lookout.http.declare(_declared(app.router.routes))
        await lookout.health.refresh()  # so that the first scrape finds them
        refresher = asyncio.create_task(lookout.health.keep_fresh())
        try:
            async with lifespan(inner) as state:
                yield state
        finally:
            refresher.cancel()
            with suppress(asyncio.CancelledError):
                await refresher

    return wrapped


def _declared(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and template of every route that is the app's own, those of included and mounted ones too."""
    for route in _flat(routes):
        if isinstance(route, Mount):
            yield from _declared(route.routes, f"{prefix}{route.path}")
        elif getattr(route, "include_in_schema", False):
            for method in sorted((getattr(route, "methods", None) or set()) - {"HEAD"}):
                yield method, f"{prefix}{getattr(route, 'path', '')}"


def _flat(routes: Iterable[BaseRoute]) -> Iterable[Any]:
    """The routes, those of routers that FastAPI includes only when they are asked for unpacked."""
    try:
        from fastapi.routing import iter_route_contexts
    except ImportError:  # a Starlette app needs no FastAPI
        return routes
    contexts = iter_route_contexts(list(routes))
    return [context.route if isinstance(context.route, Mount) else context for context in contexts]
