"""How a block of the app's that talks to something else went: how long it took, and how it ended.

Owns the four results that calls are counted by, and the making of a label's value from a text that comes from outside.
Exceptions are distinguished by their shape, because every client has its own classes.
"""

import asyncio
import time
from types import TracebackType
from typing import Any, Final, Literal, Self

from lookout_instrumentation.careful import left_out
from lookout_instrumentation.redaction import shown_text

Result = Literal["ok", "error", "rate_limited", "timeout"]
RESULTS: Final[tuple[Result, ...]] = ("ok", "error", "rate_limited", "timeout")
# Longer values of labels are cut: they are made up, or no names.
MAX_VALUE: Final = 60

_TOO_MANY: Final = ("ratelimit", "toomanyrequests", "throttl", "resourceexhausted")
_TOO_LATE: Final = ("timeout", "deadlineexceeded")


class Timed:
    """A block that is timed, in `with` or `async with`. What is raised in it goes on unchanged."""

    _began = 0.0

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._ended(error, time.perf_counter() - self._began)
        except Exception as mistake:  # of the counting, never the block's
            left_out(type(self).__qualname__, mistake)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _ended(self, error: BaseException | None, seconds: float) -> None:
        """Count the block, once."""
        raise NotImplementedError


def result_of(error: BaseException | None) -> Result:
    """What a call that ended with this exception counts as.

    A call that was cancelled counts as a timeout: so end the calls that outlast a limit set around them. A generator
    that is not read to its end (a streamed answer) has not failed.
    """
    if error is None or isinstance(error, GeneratorExit):
        return "ok"
    if isinstance(error, TimeoutError | asyncio.CancelledError):
        return "timeout"
    status = status_of(error)
    if status is not None and status >= 400:
        return result_of_status(status)
    names = [kind.__name__.lower() for kind in type(error).__mro__]
    if any(sign in name for name in names for sign in _TOO_MANY):
        return "rate_limited"
    if any(sign in name for name in names for sign in _TOO_LATE):
        return "timeout"
    return "error"


def result_of_status(status: int) -> Result:
    """What an answer with this HTTP status counts as."""
    if status == 429:
        return "rate_limited"
    if status in (408, 504):
        return "timeout"
    return "error" if status >= 400 else "ok"


def status_of(thing: Any) -> int | None:
    """The HTTP status that an answer or an exception carries, if it does."""
    try:
        for holder in (thing, getattr(thing, "response", None)):
            for name in ("status_code", "status", "code"):
                status = getattr(holder, name, None)
                if isinstance(status, int) and 100 <= status < 600:
                    return int(status)
    except Exception:  # an exception of the app's may do anything when it is asked
        return None
    return None


def bounded(value: object, most: int = MAX_VALUE) -> str:
    """`value` as the value of a label: in one line, not longer than `most`, and text that can be printed."""
    try:
        text = str(value)
    except Exception:
        text = shown_text(value)
    text = " ".join(text[: 4 * most].split())[:most]
    # Half of a surrogate pair, which JSON can hold, would make the whole exposition fail.
    return text.encode("utf-8", "replace").decode() or "none"
