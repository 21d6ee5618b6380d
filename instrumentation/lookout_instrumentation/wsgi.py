"""The edge of a WSGI app: what `asgi` is for the other protocol.

Must be the outermost layer. An answer is over when the server closes it, so a stream is in progress until then.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from types import TracebackType
from typing import Any

import structlog

from lookout_instrumentation import context
from lookout_instrumentation.http import HttpMetrics, log_access, log_crash
from lookout_instrumentation.probes import CHECKED, PROBES, Answer, Probes, crashed

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]
# The template of the route that answered; its second argument is the script name that the server gave.
RouteOf = Callable[[Environ, str], str]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None


class LookoutMiddleware:
    """Wraps a WSGI app; see the module."""

    def __init__(self, app: App, http: HttpMetrics, probes: Probes, route_of: RouteOf) -> None:
        self._app = app
        self._http = http
        self._probes = probes
        self._route_of = route_of

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request_id = context.begin(environ.get("HTTP_X_REQUEST_ID", ""))
        path = environ.get("PATH_INFO", "")
        if path in PROBES:
            return self._probe(environ, path, request_id, start_response)
        exchange = _Exchange(self._http, self._route_of, environ, request_id, start_response)
        try:
            exchange.body = self._app(environ, exchange.start)
        except Exception:
            return exchange.crashed()
        except BaseException:
            exchange.close()
            raise
        return exchange

    def _probe(self, environ: Environ, path: str, request_id: str, start_response: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()
        results = self._probes.health.results_now() if path in CHECKED else {}
        method, address = environ["REQUEST_METHOD"], environ.get("REMOTE_ADDR", "")
        token, accept = environ.get("HTTP_AUTHORIZATION", ""), environ.get("HTTP_ACCEPT", "")
        answer = self._probes.answer(method, path, token, address, results, accept=accept)
        log_access(method, path, answer.status, time.perf_counter() - started, probe=True)
        return _respond(start_response, answer, request_id, method)


class _Exchange:
    """One request: the body of its answer, with what is known of how it ends."""

    def __init__(
        self, http: HttpMetrics, route_of: RouteOf, environ: Environ, request_id: str, start_response: StartResponse
    ) -> None:
        self.body: Iterable[bytes] = ()
        self._chunks: Iterator[bytes] | None = None
        self._http = http
        self._route_of = route_of
        self._environ = environ
        # Middleware that mounts apps adds to it on its way.
        self._script = environ.get("SCRIPT_NAME", "")
        self._id = request_id
        self._start_response = start_response
        self._status = 0
        self._ended = False
        http.in_progress.inc()
        if http.traces:
            http.traces.begin(environ.get("HTTP_TRACEPARENT", ""))
        self._started = time.perf_counter()

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo = None) -> Any:
        """The server's start_response, with the id among the headers."""
        self._status = int(status[:3])
        more = () if exc_info is None else (exc_info,)
        return self._start_response(status, [*headers, (context.HEADER, self._id)], *more)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._chunks is None:
            self._chunks = iter(self.body)
        try:
            return next(self._chunks)
        except StopIteration:
            raise
        except Exception:
            self._crash()
            raise  # the server breaks off what it has begun to send

    def crashed(self) -> Iterable[bytes]:
        """The answer for an app that raised instead of giving one."""
        replaced = sys.exc_info() if self._status else None
        self._crash()
        self.close()
        return _respond(self._start_response, crashed(self._id), self._id, self._method(), replaced)

    def _crash(self) -> None:
        log_crash(self._method(), self._route())
        self._status = 500

    def close(self) -> None:
        """Count and log, once: the server calls it when the answer is sent, or when the client has disconnected."""
        try:
            if hasattr(self.body, "close"):
                self.body.close()
        finally:
            if not self._ended:
                self._ended = True
                seconds = time.perf_counter() - self._started
                self._http.end(self._method(), self._route(), self._status or 500, seconds)
                structlog.contextvars.clear_contextvars()  # the thread goes on to something else

    def _method(self) -> str:
        return str(self._environ["REQUEST_METHOD"])

    def _route(self) -> str:
        return self._route_of(self._environ, self._script)


def _respond(
    start_response: StartResponse, answer: Answer, request_id: str, method: str, replaced: ExcInfo = None
) -> Iterable[bytes]:
    line = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    more = () if replaced is None else (replaced,)
    start_response(line, [*answer.headers(), (context.HEADER, request_id)], *more)
    return [] if method == "HEAD" else [answer.body]
