"""The urls of the small Django project that tests run; see `apps`."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import include, path, re_path


def item(_request: HttpRequest, item_id: int, tenant: str = "") -> HttpResponse:
    if item_id > 99:
        raise Http404("no such item")
    return HttpResponse(f"item {item_id}")


async def slow_item(_request: HttpRequest, item_id: int) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse(f"item {item_id}")


def crash(_request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken")


def _chunks() -> Iterator[bytes]:
    yield from (b"one ", b"two ", b"three")


async def _chunks_async() -> AsyncIterator[bytes]:
    for chunk in _chunks():
        yield chunk


def _broken_chunks() -> Iterator[bytes]:
    yield b"one "
    raise RuntimeError("broken")


async def _broken_chunks_async() -> AsyncIterator[bytes]:
    yield b"one "
    raise RuntimeError("broken")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(_chunks_async() if hasattr(request, "scope") else _chunks())


def broken_stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(_broken_chunks_async() if hasattr(request, "scope") else _broken_chunks())


urlpatterns = [
    path("items/<int:item_id>", item),
    path("async-items/<int:item_id>", slow_item),
    path("crash", crash),
    path("stream", stream),
    path("broken-stream", broken_stream),
    path("shop/<slug:tenant>/", include([path("baskets/<int:item_id>", item)])),
    re_path(r"^years/(?P<year>[0-9]{4})$", lambda _request, year: HttpResponse(year)),
]
