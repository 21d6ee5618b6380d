"""Hands the request's id on to other services, with the clients that the app has.

One call when a client is made: `client = hand_on(httpx.AsyncClient())`, `session = hand_on(requests.Session())`. It is
meant for your own services: the app decides what it sends to others. A header that the app has set itself
is left alone.
"""

from collections.abc import MutableMapping
from typing import Any, TypeVar

from lookout_instrumentation.context import outgoing_headers

C = TypeVar("C")


def hand_on(client: C) -> C:
    """Make every call of an httpx Client or AsyncClient, or of a requests Session, carry X-Request-ID and traceparent.

    Raises TypeError for what is neither.
    """
    known: Any = client
    if hasattr(known, "event_hooks"):
        hooks = known.event_hooks
        hook = httpx_async_hook if hasattr(known, "aclose") else httpx_hook
        known.event_hooks = {**hooks, "request": [*hooks.get("request", ()), hook]}
    elif hasattr(known, "prepare_request"):
        _extend_requests(known)
    else:
        raise TypeError(f"{type(client).__name__} is neither a client of httpx nor a session of requests")
    return client


def httpx_hook(request: Any) -> None:
    """A request hook of httpx.Client."""
    _add_to(request.headers)


async def httpx_async_hook(request: Any) -> None:
    """A request hook of httpx.AsyncClient."""
    _add_to(request.headers)


def _extend_requests(session: Any) -> None:
    prepare = session.prepare_request

    def prepared(request: Any) -> Any:
        ready = prepare(request)
        _add_to(ready.headers)
        return ready

    session.prepare_request = prepared


def _add_to(headers: MutableMapping[str, str]) -> None:
    for name, value in outgoing_headers().items():
        headers.setdefault(name, value)
