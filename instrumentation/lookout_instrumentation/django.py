"""Django: one line in settings.py makes a project observable, under WSGI and ASGI.

    MIDDLEWARE = ["lookout_instrumentation.django.LookoutMiddleware", ...]  # first
    LOOKOUT_CHECKS = {"db": "lookout_instrumentation.django.database"}      # the dependencies of /ready

Code of the project reaches what it counts by itself through `lookout()`. Nothing is started by importing settings: only
a process that serves has a handle, management commands have none.
"""

import logging
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings as project
from django.core.signals import got_request_exception
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.module_loading import import_string

from lookout_instrumentation import context
from lookout_instrumentation.core import Lookout
from lookout_instrumentation.health import Check, CheckResult
from lookout_instrumentation.http import GONE, UNMATCHED, HttpMetrics, log_access, log_crash
from lookout_instrumentation.probes import CHECKED, PROBES
from lookout_instrumentation.settings import Settings

_lookout: Lookout | None = None


def init(
    checks: Mapping[str, Check | str] | None = None, *, settings: Settings | None = None, logging: bool = True
) -> Lookout:
    """Make the process's handle; the middleware does it by itself, with LOOKOUT_CHECKS, unless it was done before.

    `checks` are the dependencies that /ready reports, as functions or as dotted paths to them.
    """
    global _lookout
    found = {name: _check(check) for name, check in (checks or {}).items()}
    _lookout = Lookout(settings, found, logging=logging)
    _replace_request_lines()
    got_request_exception.connect(_on_exception, weak=False, dispatch_uid="lookout")
    return _lookout


def lookout() -> Lookout:
    """The process's handle; in a Celery worker the one that `lookout_instrumentation.celery.init` made."""
    return _lookout or Lookout.worker or init(getattr(project, "LOOKOUT_CHECKS", None))


def database() -> None:
    """A check for LOOKOUT_CHECKS: the project's database answers."""
    from django.db import connection

    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()  # each check has its own thread, so it must close its connection itself


class LookoutMiddleware:
    """Counts, logs and times every request, and answers /health, /ready, /status and /metrics; sync and async."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
        self._lookout = lookout()
        self._declared = False

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer one request."""
        if self._is_async:
            return self._answer_async(request)
        request_id = context.begin(request.headers.get(context.HEADER, ""))
        path = request.path_info
        if path in PROBES:
            began = time.perf_counter()
            results = self._lookout.health.results_now() if path in CHECKED else {}
            return self._probe(request, request_id, results, began)
        exchange = self._begin(request, request_id)
        try:
            response = self._get_response(request)
        except BaseException:
            exchange.end(GONE)
            raise
        return exchange.answered(response)

    async def _answer_async(self, request: HttpRequest) -> HttpResponseBase:
        request_id = context.begin(request.headers.get(context.HEADER, ""))
        path = request.path_info
        if path in PROBES:
            began = time.perf_counter()
            results = await self._lookout.health.results() if path in CHECKED else {}
            return self._probe(request, request_id, results, began)
        exchange = self._begin(request, request_id)
        try:
            response = await self._get_response(request)
        except BaseException:  # Django makes an answer of every exception: this is the client that went away
            exchange.end(GONE)
            raise
        return exchange.answered(response)

    def _begin(self, request: HttpRequest, request_id: str) -> "_Exchange":
        self._declare()
        return _Exchange(self._lookout.http, request, request_id)

    def _declare(self) -> None:
        if not self._declared:  # the project's urls can be imported now
            self._declared = True
            self._lookout.http.declare(_routes(get_resolver().url_patterns))

    def _probe(
        self, request: HttpRequest, request_id: str, results: Mapping[str, CheckResult], began: float
    ) -> HttpResponse:
        method, path = str(request.method), request.path_info
        if path == "/metrics":
            self._declare()
        address = request.META.get("REMOTE_ADDR", "")
        token, accept = request.headers.get("Authorization", ""), request.headers.get("Accept", "")
        answer = self._lookout.probes.answer(method, path, token, address, results, accept=accept)
        log_access(method, path, answer.status, time.perf_counter() - began, probe=True)
        headers = {**dict(answer.headers()), context.HEADER: request_id}
        return HttpResponse(b"" if method == "HEAD" else answer.body, status=answer.status, headers=headers)


class _Exchange:
    """One request in progress."""

    def __init__(self, http: HttpMetrics, request: HttpRequest, request_id: str) -> None:
        self._http = http
        self._request = request
        self._id = request_id
        self._ended = False
        http.in_progress.inc()
        if http.traces:
            http.traces.begin(request.headers.get("traceparent", ""))
        self._started = time.perf_counter()

    def answered(self, response: HttpResponseBase) -> HttpResponseBase:
        """The response, with the id; a stream is in progress until it is read or closed."""
        response[context.HEADER] = self._id
        if isinstance(response, StreamingHttpResponse):
            self._follow(response)
        else:
            self.end(response.status_code)
        return response

    def end(self, status: int) -> None:
        """Count and log, once."""
        if not self._ended:
            self._ended = True
            seconds = time.perf_counter() - self._started
            self._http.end(str(self._request.method), template(self._request), status, seconds)

    def _follow(self, response: StreamingHttpResponse) -> None:
        close = response.close

        def close_and_end() -> None:
            close()
            self.end(response.status_code)

        response.close = close_and_end
        if not isinstance(response, FileResponse):  # the server may send a file itself; its own errors are not ours
            content: Any = response.streaming_content
            stream = self._read_async(content, response) if response.is_async else self._read(content, response)
            response.streaming_content = cast(Any, stream)

    def _read(self, content: Iterable[bytes], response: StreamingHttpResponse) -> Iterator[bytes]:
        try:
            yield from content
        except Exception:
            self._crash()
            raise
        finally:
            self.end(response.status_code)

    async def _read_async(self, content: AsyncIterable[bytes], response: StreamingHttpResponse) -> AsyncIterator[bytes]:
        try:
            async for chunk in content:
                yield chunk
        except Exception:
            self._crash()
            raise
        finally:
            self.end(response.status_code)

    def _crash(self) -> None:
        log_crash(str(self._request.method), template(self._request))
        self.end(500)


def template(request: HttpRequest) -> str:
    """The route that matched, those it is included under before it; never a raw path."""
    match = request.resolver_match
    return UNMATCHED if match is None else _path(match.route)


def _path(route: str) -> str:
    """A route as a path: without the anchors of a regular expression."""
    return f"/{route.removeprefix('^').removesuffix('$')}"


def _routes(patterns: Iterable[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        route = prefix + (str(pattern.pattern).removeprefix("^") if prefix else str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        else:
            for method in _methods(pattern.callback):
                yield method, _path(route)


def _methods(view: Any) -> list[str]:
    """What a view answers: a class says it, of a function no more than GET is known."""
    kind = getattr(view, "view_class", getattr(view, "cls", None))
    if kind is None:
        return ["GET"]
    names = getattr(view, "actions", None) or [name for name in kind.http_method_names if hasattr(kind, name)]
    return sorted({name.upper() for name in names} - {"HEAD", "OPTIONS"})


def _check(check: Check | str) -> Check:
    if not isinstance(check, str):
        return check
    return lambda: import_string(check)()


def _on_exception(sender: object, request: HttpRequest | None = None, **_: object) -> None:
    if request is not None:
        log_crash(str(request.method), template(request))


def _replace_request_lines() -> None:
    """Leave out Django's own lines about 4xx and 5xx, which have raw paths, unless they are mailed."""
    if not project.ADMINS:
        logging.getLogger("django.request").addFilter(_is_no_answer)


def _is_no_answer(record: logging.LogRecord) -> bool:
    return not hasattr(record, "status_code")
