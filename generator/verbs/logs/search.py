"""A search from beginning to end: look, look further when nothing is there, stop when there is enough."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from generator.clients.http import TooLarge
from generator.clients.loki import LogLine, ask, refused
from generator.clients.windows import SECOND, Window, halves, looks, pieces, time_of
from generator.verbs.logs.query import Search, logql

# What is shown of a search that takes long: how far it has looked.
Say = Callable[[str], None]
_PROGRESS_EVERY: Final = 2.0


@dataclass(slots=True)
class Found:
    """What a search found, oldest first, where it looked, and what it cost."""

    query: str
    records: list[LogLine] = field(default_factory=list)
    start: int = 0
    end: int = 0
    more: bool = False
    lines_read: int = 0
    bytes_read: int = 0
    seconds: float = 0


def find(url: str, search: Search, since: int | None, limit: int, say: Say) -> Found:
    """Search. `since` is in nanoseconds, None for the usual. Raises Problems when Loki gives no answer."""
    began = time.monotonic()
    found = Found(logql(search))
    for number, windows in enumerate(looks(time.time_ns(), since, time_of(search.request_id))):
        if number:
            say(f"nothing from {clock(found.start)} to {clock(found.end)}; looking further around it")
        _look(url, windows, limit, found, say, began)
        if found.records:
            break
    found.records.sort(key=lambda record: record.at)
    found.seconds = time.monotonic() - began
    return found


def clock(at: int) -> str:
    """A moment for people, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at / SECOND)) + "Z"


def _look(url: str, windows: Sequence[Window], limit: int, found: Found, say: Say, began: float) -> None:
    """Look into windows, newest pieces first, until there are `limit` lines."""
    ahead = [piece for window in windows for piece in pieces(window)]
    shown_at = time.monotonic()
    while ahead and not found.more:
        piece = ahead.pop(0)
        # One line more than wanted says that there are more.
        wanted = limit - len(found.records) + 1
        try:
            answer = ask(url, found.query, piece, wanted)
        except TooLarge as error:
            if piece.end - piece.start <= SECOND:
                raise refused(url, str(error)) from error
            ahead[:0] = halves(piece)
            continue
        newest = sorted(answer.records, key=lambda record: record.at, reverse=True)
        found.more = len(newest) >= wanted
        found.records += newest[: wanted - 1]
        found.lines_read += answer.lines_read
        found.bytes_read += answer.bytes_read
        found.start = min(found.start or piece.start, piece.start)
        found.end = max(found.end, piece.end)
        now = time.monotonic()
        if ahead and now - began > _PROGRESS_EVERY and now - shown_at > _PROGRESS_EVERY:
            say(f"looked back to {clock(found.start)}, {len(found.records)} lines so far")
            shown_at = now
