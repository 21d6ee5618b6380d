"""Reads through a cache: found, not found, or not answered; and how long the cache takes."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from lookout_instrumentation.careful import careful
from lookout_instrumentation.metrics import Metrics
from lookout_instrumentation.outcome import Timed, bounded

RESULTS: Final = ("hit", "miss", "error")

F = TypeVar("F", bound=Callable[..., Any])


class Caches:
    """The caches of one app; called with a name, it gives the one of that name."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._caches: dict[str, Cache] = {}

    def __call__(self, name: str) -> "Cache":
        """The recorder of the cache `name`; its series start at zero."""
        name = bounded(name)
        if name not in self._caches:
            self._caches[name] = Cache(self._metrics, name)
        return self._caches[name]


class Cache:
    """Counts and times the operations of one cache."""

    def __init__(self, metrics: Metrics, name: str) -> None:
        requests = metrics.get("cache_requests_total")
        self._results = {result: requests.labels(name, result) for result in RESULTS}
        self._duration = metrics.get("cache_operation_duration_seconds").labels(name)

    def read(self) -> "Read":
        """A block that reads once, and says with `hit` whether it found something."""
        return Read(self)

    def write(self) -> "Write":
        """A block that writes once: timed, and counted when it fails."""
        return Write(self)

    def reads(self, function: F) -> F:
        """Decorate a function, plain or async, that reads once and returns None when it finds nothing."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def answer_later(*args: Any, **kwargs: Any) -> Any:
                with self.read() as read:
                    found = await function(*args, **kwargs)
                    read.hit(found is not None)
                    return found

            return cast(F, answer_later)

        @functools.wraps(function)
        def answer(*args: Any, **kwargs: Any) -> Any:
            with self.read() as read:
                found = function(*args, **kwargs)
                read.hit(found is not None)
                return found

        return cast(F, answer)

    def _count(self, result: str | None, seconds: float) -> None:
        if result:
            self._results[result].inc()
        self._duration.observe(seconds)


@careful()
class Read(Timed):
    """One read. Without a result, it is a miss."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._result = "miss"

    def hit(self, found: bool = True) -> None:
        """Say whether something was found."""
        self._result = "hit" if found else "miss"

    def _ended(self, error: BaseException | None, seconds: float) -> None:
        self._cache._count("error" if error else self._result, seconds)


class Write(Timed):
    """One write."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def _ended(self, error: BaseException | None, seconds: float) -> None:
        self._cache._count("error" if error else None, seconds)
