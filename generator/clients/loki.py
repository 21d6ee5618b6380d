"""One question to Loki and its answer, over the local endpoint of the stack. Reads only."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from generator.clients.docker import local_url
from generator.clients.http import Server, TooLarge
from generator.clients.windows import Window
from generator.conventions import LOCAL_PORT
from generator.diagnostics import Problems

# Longer than the longest query that Loki lets run.
_TIMEOUT: Final = 75.0
# The answers of Loki and of the endpoint before it to a query that is too large, not wrong.
_TOO_LARGE: Final = ("query would read too many bytes", "context deadline exceeded", "query timed out", "max_query")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line: when, what, and everything that Loki keeps beside it."""

    at: int
    line: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LogLines:
    """What was found in one window, and how much Loki read for it."""

    records: tuple[LogLine, ...]
    lines_read: int
    bytes_read: int


def loki_url(root: Path) -> str:
    """Where Loki is reached: $LOKI_ADDR, or the local endpoint of the stack in `root`."""
    return os.environ.get("LOKI_ADDR", "").rstrip("/") or f"{endpoint(root)}/loki"


def endpoint(root: Path) -> str:
    """The local endpoint of the stack in `root`, at the port that compose reads."""
    return local_url(root, "LOOKOUT_PORT", LOCAL_PORT)


def ask(url: str, query: str, window: Window, limit: int) -> LogLines:
    """The newest `limit` lines in `window`. Raises TooLarge, and Problems when Loki gives no answer."""
    parameters = {
        "query": query,
        "start": str(window.start),
        "end": str(window.end),
        "limit": str(limit),
        "direction": "backward",
    }
    server, data = Server("Loki", url), read(url, "query_range", parameters)
    try:
        return _answer(data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise server.not_it() from error


def read(url: str, path: str, parameters: Mapping[str, Any]) -> Any:
    """The `data` of /loki/api/v1/<path>. Raises TooLarge, and Problems when Loki gives no answer."""
    server = Server("Loki", url)
    response = server.get(f"/loki/api/v1/{path}", parameters, _TIMEOUT)
    if not response.ok:
        text = response.text.strip().splitlines()[0][:300] if response.text.strip() else response.reason
        if response.status_code == 504 or any(word in text for word in _TOO_LARGE):
            raise TooLarge(text)
        raise refused(url, f"{response.status_code}: {text}")
    try:
        return response.json()["data"]
    except (ValueError, KeyError, TypeError) as error:
        raise server.not_it() from error


def _answer(data: Any) -> LogLines:
    records = tuple(
        LogLine(int(at), str(line), dict(stream["stream"]))
        for stream in data["result"]
        for at, line in stream["values"]
    )
    summary = data.get("stats", {}).get("summary", {})
    return LogLines(records, summary.get("totalLinesProcessed", 0), summary.get("totalBytesProcessed", 0))


def refused(url: str, text: str) -> Problems:
    """Loki answered, and not with lines."""
    return Server("Loki", url).no_answer(f"answers {text}")
