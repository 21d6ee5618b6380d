"""FastAPI and Starlette: one call makes an app observable."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Host, Mount, compile_path

from lookout_instrumentation import context
from lookout_instrumentation.asgi import LookoutMiddleware, Scope
from lookout_instrumentation.core import Lookout
from lookout_instrumentation.health import Check
from lookout_instrumentation.http import UNMATCHED
from lookout_instrumentation.probes import crashed
from lookout_instrumentation.settings import Settings


def init(
    app: Starlette,
    checks: Mapping[str, Check] | None = None,
    *,
    settings: Settings | None = None,
    logging: bool = True,
) -> Lookout:
    """Count, log and time every request of `app`, and give it /health, /ready, /status and /metrics.

    Call it once, before the app serves. `checks` are the dependencies that /ready reports.
    """
    lookout = Lookout(settings, checks, logging=logging)
    build = app.build_middleware_stack

    def outermost() -> LookoutMiddleware:
        # Around everything, the app's answer to a crash included; only then is it known that it has none of its own.
        if not {500, Exception} & app.exception_handlers.keys():
            app.exception_handlers[Exception] = _crashed
        return LookoutMiddleware(build(), lookout.http, lookout.probes, Templates(app))

    app.build_middleware_stack = outermost  # type: ignore[method-assign]
    app.router.lifespan_context = _with_checks(app.router.lifespan_context, app, lookout)
    return lookout


async def _crashed(_request: Request, _error: Exception) -> JSONResponse:
    answer = crashed(context.request_id())
    return JSONResponse(json.loads(answer.body), answer.status)


class Templates:
    """Returns the template of the route that answered, with its mount prefix; never a raw path."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._mounts: list[tuple[re.Pattern[str], str]] | None = None
        self._routes: list[BaseRoute] | None = None

    def __call__(self, scope: Scope, root: str) -> str:
        """The template; `root` is the root path that the server gave: Starlette adds to it what a mount has matched."""
        route = scope.get("route") or self._of_endpoint(scope, scope.get("root_path", "")[len(root) :])
        if route is None:
            return UNMATCHED
        # FastAPI keeps the prefix that a router is included under apart from the router's own routes.
        included = scope.get("fastapi", {}).get("effective_route_context")
        if included is not None and getattr(included, "original_route", None) is route:
            route = included
        # Something mounted that has no routes, or none that matched: the prefix is all there is to say.
        template = "" if isinstance(route, Mount) else str(getattr(route, "path", ""))
        mounted = scope.get("root_path", "")[len(root) :]
        return (self._prefix(mounted) + template if mounted else template) or UNMATCHED

    def _of_endpoint(self, scope: Scope, mounted: str) -> BaseRoute | None:
        """The route, where Starlette does not have it: before version 1 it provided only the endpoint."""
        endpoint = scope.get("endpoint")
        if endpoint is None or "route" in scope:
            return None
        if self._routes is None:
            self._routes = list(_all_routes(self._app.router.routes))
        path = scope.get("path", "").removeprefix(scope.get("root_path", "")).removeprefix(mounted)
        fitting = [route for route in self._routes if _answers(route) is endpoint]
        exact = (route for route in fitting if _is_exact(route, path))
        return next(exact, fitting[0] if len(fitting) == 1 else None)

    def _prefix(self, mounted: str) -> str:
        if self._mounts is None:
            self._mounts = [(compile_path(path)[0], path) for path in _mounts(self._app.router.routes)]
        return next((path for pattern, path in self._mounts if pattern.match(mounted)), "")


def _answers(route: BaseRoute) -> Any:
    return getattr(route, "endpoint", getattr(route, "app", None))


def _is_exact(route: BaseRoute, path: str) -> bool:
    pattern: re.Pattern[str] | None = getattr(route, "path_regex", None)
    return pattern is not None and pattern.match(path) is not None


def _all_routes(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    for route in _flat(routes):
        yield route
        if isinstance(route, Mount | Host):
            yield from _all_routes(route.routes)


def _mounts(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[str]:
    for route in _flat(routes):
        if isinstance(route, Mount):
            yield f"{prefix}{route.path}"
            yield from _mounts(route.routes, f"{prefix}{route.path}")


def _with_checks(lifespan: Any, app: Starlette, lookout: Lookout) -> Any:
    """The app's lifespan, with the checks kept going and every declared route started at zero."""

    @asynccontextmanager
    async def wrapped(inner: Any) -> AsyncIterator[Any]:
        if lookout.logs:
            lookout.logs.adopt()  # of a server that sets up its logging after it has loaded the app
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
