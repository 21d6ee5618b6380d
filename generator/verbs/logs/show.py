"""What was found, as text for people or for machines. Pure: what it is given goes in, lines come out."""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import click

from generator.clients.loki import LogLine
from generator.clients.windows import SECOND
from generator.conventions import DATASOURCE_LOKI, GRAFANA_PATH
from generator.verbs.logs.search import Found, clock

_MESSAGES: Final = ("message", "event", "msg")
_TRACES: Final = ("exception", "traceback", "exc_info", "stack")
# Shown behind the message, in this order, when a line has them.
_SHOWN: Final = ("logger", "method", "route", "status", "duration_ms", "error_type", "task", "request_id")
_LEVELS: Final = {"fatal": "bright_red", "error": "red", "warn": "yellow", "debug": "bright_black"}
# A line may hold what moves a terminal's cursor, or more.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_INDENT: Final = "    "


def table(records: Sequence[LogLine], colour: bool, without: str = "") -> Iterator[str]:
    """A line of text for each record, tracebacks indented below it. `without` is the request id that all share."""
    width = max((len(_service(record)) for record in records), default=0)
    for record in records:
        data = _parsed(record.line)
        level = _level(record)
        head = f"{_time(record.at)} {level:<7} {_service(record):<{width}}  "
        text, rest = _message(record.line, data)
        fields = _fields(record, data, without)
        shown = clean(text) + (f"  {fields}" if fields else "")
        yield (click.style(head, fg=_LEVELS.get(level)) + shown) if colour else head + shown
        for line in rest:
            yield f"{_INDENT}{clean(line)}"


def machine_lines(records: Sequence[LogLine]) -> Iterator[str]:
    """One JSON object a record."""
    for record in records:
        data = {"time": _time(record.at), "service": _service(record), "level": _level(record), "line": record.line}
        yield json.dumps({**data, "fields": dict(record.fields)}, ensure_ascii=False)


def summary(found: Found, limit: int) -> str:
    """How much was found and what it cost, in one line."""
    services = len({_service(record) for record in found.records})
    lines = "the newest " if found.more else ""
    lines += (
        f"{len(found.records):,} line{'s' * (len(found.records) != 1)} of {services} service{'s' * (services != 1)}"
    )
    more = f"; there are more: --limit {limit * 10:,}".replace(",", "") if found.more else ""
    read = f"Loki read {found.lines_read:,} lines ({found.bytes_read / 1e6:,.0f} MB) in {found.seconds:.1f} s"
    return f"{lines}{more}, from {clock(found.start)} to {clock(found.end)}; {read}"


def explore_link(base_url: str, found: Found) -> str:
    """The address of the same search in Grafana."""
    query = {"refId": "A", "expr": found.query, "datasource": {"type": "loki", "uid": DATASOURCE_LOKI}}
    span = {"from": str(found.start // 10**6), "to": str(found.end // 10**6)}
    panes = {"logs": {"datasource": DATASOURCE_LOKI, "queries": [query], "range": span}}
    return f"{base_url}{GRAFANA_PATH}/explore?schemaVersion=1&panes={quote(json.dumps(panes, separators=(',', ':')))}"


def clean(text: str) -> str:
    """The text with what a terminal would obey made visible."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def _time(at: int) -> str:
    seconds, nanos = divmod(at, SECOND)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanos // 10**6:03}Z"


def _service(record: LogLine) -> str:
    return clean(record.fields.get("service_name", "unknown"))


def _level(record: LogLine) -> str:
    return clean(record.fields.get("detected_level", "unknown"))


def _parsed(line: str) -> Mapping[str, Any]:
    if not line.lstrip().startswith("{"):
        return {}
    try:
        data = json.loads(line)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _message(line: str, data: Mapping[str, Any]) -> tuple[str, list[str]]:
    """What a line says, and the lines below it."""
    for name in _MESSAGES:
        if isinstance(data.get(name), str):
            first, *rest = data[name].splitlines() or [""]
            traces = (data[key] for key in _TRACES if isinstance(data.get(key), str))
            return first, [*rest, *(each for trace in traces for each in trace.splitlines())]
    first, *rest = line.splitlines() or [""]
    return first, rest


def _fields(record: LogLine, data: Mapping[str, Any], without: str) -> str:
    pairs = []
    for name in _SHOWN:
        value = record.fields.get(name) or data.get(name)
        if value in (None, "") or (name == "request_id" and value == without):
            continue
        pairs.append(f"duration={value}ms" if name == "duration_ms" else f"{name}={value}")
    return clean(" ".join(pairs))
