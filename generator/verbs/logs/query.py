"""The search as LogQL. Knows which fields Loki keeps beside a line; sends no request."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from generator.render.collector.records import FIELDS

# What people call a level, and what Loki calls it.
_LEVELS: Final = {"warning": "warn", "critical": "fatal", "err": "error"}
_FIELD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
# Beside a line whatever service it is of: Loki's labels, and what the collector sets.
_BESIDE: Final = frozenset({*FIELDS, "environment", "host_name", "container", "compose_project"})
# The name of a field that is read out of a line; no field is called so.
_READ: Final = "lookout_read_{}"


@dataclass(frozen=True, slots=True)
class Search:
    """One search: lines for which all of it is true."""

    request_id: str = ""
    services: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()


def parse_condition(text: str) -> tuple[str, str]:
    """FIELD=VALUE as a pair. Raises ValueError."""
    field, equals, value = text.partition("=")
    if not equals or not value or not _FIELD.fullmatch(field):
        raise ValueError(f"'{text}' is not FIELD=VALUE, such as tenant=acme")
    return field, value


def logql(search: Search) -> str:
    """The query."""
    # Beside a line, which costs nothing, and within it, for which it is parsed: only what the first leaves.
    beside, read, within = [_selector(search.services)], [], []
    if search.request_id:
        wanted = json.dumps(search.request_id, ensure_ascii=False)
        # The id that a client sent, and got back, works like ours.
        beside.append(f"request_id={wanted} or client_request_id={wanted}")
    for number, (field, value) in enumerate(search.fields):
        wanted = json.dumps(value, ensure_ascii=False)
        if field == "level":
            beside.append(f"detected_level={json.dumps(_LEVELS.get(value.lower(), value.lower()))}")
        elif field in _BESIDE:
            beside.append(f"{field}={wanted}")
        else:
            name = _READ.format(number)
            read.append(f'{name}="{field}"')
            # Of a pushed line every field is beside it.
            within.append(f"{name}={wanted} or {field.replace('.', '_')}={wanted}")
    parsed = [f"json {', '.join(read)}"] if read else []
    return " | ".join([*beside, *parsed, *within])


def _selector(services: Sequence[str]) -> str:
    if not services:
        return '{service_name=~".+"}'
    if len(services) == 1:
        return f"{{service_name={json.dumps(services[0])}}}"
    return f"{{service_name=~{json.dumps('|'.join(re.escape(name) for name in services))}}}"
