"""The edge of an ASGI app: an id for each request, one log line, one count, and an answer for a crash.

Plain ASGI in one pass, because it is paid for by every request. It must be the outermost layer: what is outside of it
has no request id and is not counted.
"""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from lookout_instrumentation import context
from lookout_instrumentation.http import GONE, HttpMetrics, log_access, log_crash
from lookout_instrumentation.probes import CHECKED, PROBES, Answer, Probes, crashed

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
# The template of the route that answered; its second argument is the root path that the server gave.
RouteOf = Callable[[Scope, str], str]

_HEADER: Final = context.HEADER.lower().encode()


class LookoutMiddleware:
    """Wraps an ASGI app; see the module."""

    def __init__(self, app: App, http: HttpMetrics, probes: Probes, route_of: RouteOf) -> None:
        self._app = app
        self._http = http
        self._probes = probes
        self._route_of = route_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on what is not HTTP; a WebSocket has an id as well."""
        kind = scope["type"]
        if kind != "http":
            if kind == "websocket":
                context.begin(_header(scope, _HEADER))
            await self._app(scope, receive, send)
            return
        request_id = context.begin(_header(scope, _HEADER))
        root = scope.get("root_path", "")
        path = scope["path"].removeprefix(root) if root else scope["path"]
        if path in PROBES:
            await self._probe(scope, path, request_id, send)
            return
        exchange = _Exchange(self._http, self._route_of, scope, root, request_id, receive, send)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception as error:
            await exchange.failed(error)
        finally:
            exchange.end()

    async def _probe(self, scope: Scope, path: str, request_id: str, send: Send) -> None:
        started = time.perf_counter()
        results = await self._probes.health.results() if path in CHECKED else {}
        address = (scope.get("client") or ("",))[0]
        method = scope["method"]
        token, accept = _header(scope, b"authorization"), _header(scope, b"accept")
        answer = self._probes.answer(method, path, token, address, results, accept=accept)
        await _respond(send, answer, request_id, head=method == "HEAD")
        log_access(method, path, answer.status, time.perf_counter() - started, probe=True)


class _Exchange:
    """One request: what was sent of its answer, and how it ended."""

    __slots__ = (
        "_ended",
        "_gone",
        "_http",
        "_id",
        "_receive",
        "_root",
        "_route_of",
        "_scope",
        "_send",
        "_started",
        "_status",
    )

    def __init__(
        self,
        http: HttpMetrics,
        route_of: RouteOf,
        scope: Scope,
        root: str,
        request_id: str,
        receive: Receive,
        send: Send,
    ) -> None:
        self._http = http
        self._route_of = route_of
        self._scope = scope
        self._root = root
        self._id = request_id
        self._receive = receive
        self._send = send
        self._status = 0
        self._gone = self._ended = False
        http.in_progress.inc()
        if http.traces:
            http.traces.begin(_header(scope, b"traceparent"))
        self._started = time.perf_counter()

    async def receive(self) -> Message:
        """The next message of the client; remembers that it went away."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._gone = True
        return message

    async def send(self, message: Message) -> None:
        """Send on, with the id; the request ends with the last of its answer, not with what the app does after it."""
        kind = message["type"]
        if kind == "http.response.start":
            self._status = GONE if self._gone else message["status"]
            message["headers"] = [*message.get("headers", ()), (_HEADER, self._id.encode())]
        try:
            await self._send(message)
        except OSError:
            self._gone = True
            raise
        if kind == "http.response.body" and not message.get("more_body", False):
            self.end()

    async def failed(self, error: Exception) -> None:
        """The app raised: say so, and answer if there is no answer yet."""
        if self._gone and (isinstance(error, OSError) or type(error).__name__ == "ClientDisconnect"):
            self._status = GONE
            return
        log_crash(self._scope["method"], self._route_of(self._scope, self._root))
        if self._ended:
            return
        if not self._status:
            await _respond(self._send, crashed(self._id), self._id, head=self._scope["method"] == "HEAD")
        self._status = 500  # a broken answer is no answer, whatever its first line said

    def end(self) -> None:
        """Count and log, once. An answer that never began is one that no client waited for."""
        if self._ended:
            return
        self._ended = True
        seconds = time.perf_counter() - self._started
        scope = self._scope
        self._http.end(scope["method"], self._route_of(scope, self._root), self._status or GONE, seconds)


def _header(scope: Scope, name: bytes) -> str:
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return ""


async def _respond(send: Send, answer: Answer, request_id: str, *, head: bool) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers()]
    headers.append((_HEADER, request_id.encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})
