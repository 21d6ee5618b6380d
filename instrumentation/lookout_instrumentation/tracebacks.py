"""An exception as text, within bounds: of many causes, deep stacks and enormous messages a part is shown.

Owns how much of an exception is read. A usual one is written as Python does; its text is masked, whole messages
at a time, before any of it is left out.
"""

import re
import traceback
from collections.abc import Iterator
from typing import Any, Final

from lookout_instrumentation.redaction import MAX_RECORD, MAX_TEXT, bounded, excerpt, shortened, shown

# Exceptions that one has behind or within it; beyond that the ends of the chain are shown.
MAX_LINKS: Final = 20
_ENDS: Final = 4
# A chain is followed so far, and a stack looked at.
_FOLLOWED: Final = 10_000
MAX_FRAMES: Final = 200
_SHOWN_FRAMES: Final = 100
_FRAME: Final = re.compile(r"[ |+-]*(?:File \"|Traceback \(|Exception Group Traceback)")
_BETWEEN: Final = "\nDuring handling of the above exception, or because of it, another exception occurred:\n\n"


def formatted(error: BaseException, limit: int) -> str:
    """The traceback of `error` and what it came from, masked, of about `limit` characters at most. It never raises."""
    try:
        return _formatted(error, limit)
    except Exception:  # an exception of the app's may do anything when it is looked at
        return f"{_name(error)}: <it cannot be shown>"


def here() -> str:
    """The stack at hand, without what is the library's own."""
    return "".join(traceback.format_stack(limit=-_SHOWN_FRAMES))


def is_usual(error: BaseException) -> bool:
    """Whether `error` has few others behind and within it."""
    return _links(error, MAX_LINKS) <= MAX_LINKS


def _formatted(error: BaseException, limit: int) -> str:
    if not is_usual(error):
        return excerpt("".join(_ends(error)).rstrip("\n"), limit)
    frames = -_SHOWN_FRAMES if _is_deep(error) else None
    pieces = list(traceback.TracebackException.from_exception(error, limit=frames, compact=True).format())
    if sum(map(len, pieces)) <= MAX_RECORD:
        return excerpt("".join(pieces).rstrip("\n"), limit)
    parts = list(_parts(pieces))
    if len(parts) > 2 * _ENDS:
        parts = [*parts[:_ENDS], "… [more exceptions]\n", *parts[-_ENDS:]]
    return shortened("\n".join(bounded(part.rstrip("\n"), MAX_TEXT) for part in parts), limit)


def _parts(pieces: list[str]) -> Iterator[str]:
    """Messages apart from stacks: what belongs to one message is looked through as one text."""
    part: list[str] = []
    of_frames = False
    for piece in pieces:
        if part and bool(_FRAME.match(piece)) != of_frames:
            yield "".join(part)
            part = []
        of_frames = bool(_FRAME.match(piece))
        part.append(piece)
    yield "".join(part)


def _links(error: BaseException, most: int) -> int:
    """How many exceptions there are behind and within `error`, itself included; counted to a little over `most`."""
    seen, waiting = {id(error)}, [error]
    while waiting and len(seen) <= most:
        each = waiting.pop()
        inner: tuple[Any, ...] = each.exceptions[: most + 1] if isinstance(each, BaseExceptionGroup) else ()
        for other in (each.__cause__, each.__context__, *inner):
            if other is not None and id(other) not in seen:
                seen.add(id(other))
                waiting.append(other)
    return len(seen)


def _is_deep(error: BaseException) -> bool:
    """Whether a stack behind `error` is deeper than can be shown."""
    each: BaseException | None = error
    for _ in range(MAX_LINKS):
        if each is None:
            break
        trace, depth = each.__traceback__, 0
        while trace is not None:
            trace, depth = trace.tb_next, depth + 1
            if depth > MAX_FRAMES:
                return True
        each = _behind(each)
    return False


def _behind(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _ends(error: BaseException) -> Iterator[str]:
    """What is at both ends of a chain: where it began, and what came of it."""
    chain, seen = [error], {id(error)}
    while len(chain) < _FOLLOWED and (behind := _behind(chain[-1])) is not None and id(behind) not in seen:
        seen.add(id(behind))
        chain.append(behind)
    chain.reverse()
    for number, each in enumerate(chain):
        if number == _ENDS and len(chain) > 2 * _ENDS:
            yield f"… [{len(chain) - 2 * _ENDS} more exceptions]\n"
        if _ENDS <= number < len(chain) - _ENDS:
            continue
        if number:
            yield _BETWEEN
        yield "Traceback (most recent call last):\n"
        yield from traceback.format_tb(each.__traceback__, limit=-_SHOWN_FRAMES // 10)
        yield f"{_name(each)}: {bounded(_message(each), MAX_TEXT // 4)}\n"


def _name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return shown(error)
