"""The verb as a function over the folder of an installation: from what was asked for to lines of text.

It needs neither a valid services.yaml nor the compiler, which would take longer than the search: of services.yaml only
the public address is read, if it can be.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from generator.clients.loki import endpoint, loki_url
from generator.diagnostics import Problems
from generator.source.read import load_source
from generator.verbs.logs.query import Search
from generator.verbs.logs.search import find
from generator.verbs.logs.show import explore_link, machine_lines, summary, table
from generator.verbs.logs.user_hash import read_key, user_hash


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: as Search, with a user's own id; how far back, in nanoseconds, and how many lines."""

    request_id: str = ""
    services: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    user: str | None = None
    since: int | None = None
    limit: int = 500


@dataclass(frozen=True, slots=True)
class Shown:
    """The lines to print, and what is said below them."""

    lines: tuple[str, ...]
    closing: str


def find_lines(file: Path, wanted: Wanted, as_json: bool, colour: bool, say: Callable[[str], None]) -> Shown:
    """Search, and make text of what was found. Raises Problems."""
    root = file.absolute().parent
    fields = wanted.fields
    if wanted.user is not None:
        fields += (("user_id", user_hash(read_key(root), wanted.user)),)
    search = Search(wanted.request_id, wanted.services, fields)
    found = find(loki_url(root), search, wanted.since, wanted.limit, say)
    if not found.records:
        return Shown((), f"nothing found; {summary(found, wanted.limit)}")
    if as_json:
        return Shown(tuple(machine_lines(found.records)), "")
    lines = tuple(table(found.records, colour, wanted.request_id))
    return Shown(lines, f"{summary(found, wanted.limit)}\n{explore_link(base_url(file), found)}")


def base_url(file: Path) -> str:
    """Where people reach Grafana: the public address, if `file` has one, otherwise the local endpoint."""
    with suppress(Problems, OSError, UnicodeDecodeError):
        data = load_source(file.read_text(encoding="utf-8-sig"), str(file)).data
        stack = data.get("stack") if isinstance(data, dict) else None
        if isinstance(stack, dict) and stack.get("domain"):
            return f"https://{stack['domain']}"
    return endpoint(file.absolute().parent)
