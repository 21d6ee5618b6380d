"""The edge of the app: gives each request an id, logs it once, and turns a crash into an answer.

Plain ASGI, so that it costs little and the context it binds reaches every log line of the request.
It must stay the outermost middleware: what is outside it has no request id.
"""

import re
import time
from typing import Final

import structlog
import uuid_utils
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.instrumentation.metrics import PROBES, UNMATCHED, AppMetrics, bounded_method

HEADER: Final = "X-Request-ID"
# Whatever a client sends ends up in logs: only short ids of harmless characters do.
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")

access_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("demo.access")
error_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("demo.error")


class RequestContextMiddleware:
    """Wraps an ASGI app; see the module."""

    def __init__(self, app: ASGIApp, metrics: AppMetrics) -> None:
        self._app = app
        self._in_progress = metrics.in_progress

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on what is not HTTP."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**_ids(Headers(scope=scope)))
        if scope["path"] in PROBES:
            await self._answer(scope, receive, send)
        else:
            with self._in_progress.track_inprogress():
                await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = structlog.contextvars.get_contextvars()["request_id"]
        started = time.perf_counter()
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            error_log.exception("unhandled exception", **_request(scope))
            if status is None:
                failed = JSONResponse({"detail": "internal error", "request_id": request_id}, 500)
                await failed(scope, receive, send_with_id)
        finally:
            _log_access(scope, status or 500, time.perf_counter() - started)


def _ids(headers: Headers) -> dict[str, str]:
    """Return our own id, which nobody outside can choose, and beside it the client's if it sent one."""
    ids = {"request_id": str(uuid_utils.uuid7())}
    given = headers.get(HEADER, "")
    if _CLIENT_ID.fullmatch(given):
        ids["client_request_id"] = given
    return ids


def _request(scope: Scope) -> dict[str, str]:
    route = getattr(scope.get("route"), "path", UNMATCHED)
    return {"method": bounded_method(scope["method"]), "route": route}


def _log_access(scope: Scope, status: int, seconds: float) -> None:
    # A probe that is answered as it should be is no news: it is there at debug level.
    quiet = scope["path"] in PROBES and status < 400
    write = access_log.debug if quiet else access_log.warning if status >= 500 else access_log.info
    write("request", **_request(scope), status=status, duration_ms=round(seconds * 1000, 2))
