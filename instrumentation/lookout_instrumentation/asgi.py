"""The edge of an ASGI app: an id for each request, one log line, one count, and an answer for a crash.

Plain ASGI in one pass, because it is paid for by every request. It must stay the outermost middleware: what is outside
of it has no request id and is not counted.
"""

import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import structlog

from lookout_instrumentation import context
from lookout_instrumentation.guard import CHALLENGE, refusal
from lookout_instrumentation.http import PROBES, UNMATCHED, HttpMetrics, bounded_method, log_access

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_HEADER: Final = context.HEADER.lower().encode()

error_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("lookout.error")


class LookoutMiddleware:
    """Wraps an ASGI app; see the module. /metrics is answered here, before any other middleware of the app."""

    def __init__(self, app: App, http: HttpMetrics) -> None:
        self._app = app
        self._http = http

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on what is not HTTP."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = context.begin(_header(scope, _HEADER))
        if scope["path"] in PROBES:
            inner = self._metrics if scope["path"] == "/metrics" else self._app
            await self._answer(inner, request_id, scope, receive, send, counted=False)
            return
        self._http.in_progress.inc()
        try:
            await self._answer(self._app, request_id, scope, receive, send, counted=True)
        finally:
            self._http.in_progress.dec()

    async def _answer(
        self, app: App, request_id: str, scope: Scope, receive: Receive, send: Send, *, counted: bool
    ) -> None:
        started = time.perf_counter()
        status = 0
        root = scope.get("root_path", "")

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (_HEADER, request_id.encode())]
            await send(message)

        try:
            await app(scope, receive, send_with_id)
        except Exception:
            method, route = bounded_method(scope["method"]), route_of(scope, root)
            error_log.exception("unhandled exception", method=method, route=route)
            if not status:
                body = json.dumps({"detail": "internal error", "request_id": request_id}).encode()
                await _respond(send_with_id, 500, body, b"application/json", {})
        finally:
            seconds = time.perf_counter() - started
            method, route, status = bounded_method(scope["method"]), route_of(scope, root), status or 500
            if counted:
                self._http.observe(method, route, status, seconds)
            log_access(method, scope["path"] if not counted else route, status, seconds, probe=not counted)

    async def _metrics(self, scope: Scope, _receive: Receive, send: Send) -> None:
        address = (scope.get("client") or ("",))[0]
        refused = refusal(self._http.metrics.settings, _header(scope, b"authorization"), address)
        if refused:
            body = json.dumps({"detail": refused[1]}).encode()
            await _respond(send, refused[0], body, b"application/json", CHALLENGE)
        else:
            body = self._http.metrics.exposition()
            await _respond(send, 200, body, b"text/plain; version=0.0.4; charset=utf-8", {})


def route_of(scope: Scope, root: str) -> str:
    """The template of the route that answered, the prefix it is mounted under included; never a raw path.

    `root` is the root path that the server gave: Starlette adds to it what a mount has matched.
    """
    route = scope.get("route")
    # FastAPI keeps the prefix that a router is included under apart from the router's own routes.
    included = scope.get("fastapi", {}).get("effective_route_context")
    if included is not None and getattr(included, "original_route", None) is route:
        route = included
    template = getattr(route, "path", None)
    if template is None:
        return UNMATCHED
    mounted = scope.get("root_path", "")[len(root) :]
    if not mounted:
        return str(template)
    # A mount with parameters: their values stand in the prefix.
    names = {str(value): f"{{{name}}}" for name, value in scope.get("path_params", {}).items()}
    prefix = "/".join(names.get(part, part) for part in mounted.split("/"))
    return f"{prefix}{template}"


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


async def _respond(send: Send, status: int, body: bytes, kind: bytes, headers: dict[str, str]) -> None:
    fields = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    fields += [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})
