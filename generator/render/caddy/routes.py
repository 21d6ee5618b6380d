"""Caddy's routes to the parts, as the table of parts has them.

Owns how a row is written for Caddy: what it opens is let through, all else below its path is refused.
"""

from collections.abc import Iterable, Iterator

from generator.conventions import RUNBOOKS_PATH
from generator.parts.part import Opened, Part


def bare_paths(parts: Iterable[Part]) -> str:
    """The paths of pages without the slash in which they end: a person leaves it out."""
    return " ".join([*(part.path for part in parts if part.path and part.links), RUNBOOKS_PATH])


def upstreams(parts: Iterable[Part]) -> str:
    """A snippet for each part that is reached by its routes, of its name."""
    return "\n".join(_upstream(part) for part in parts if part.opened)


def handles(parts: Iterable[Part]) -> str:
    """What is let through, and what is refused."""
    return "".join(line for part in parts if part.opened for line in _handles(part))


def _upstream(part: Part) -> str:
    strip = f"\turi strip_prefix {part.path}\n" if part.strips else ""
    return f"""\
({part.name}) {{
{strip}	reverse_proxy {part.name}:{part.port} {{
		header_up -Authorization
	}}
}}
"""


def _handles(part: Part) -> Iterator[str]:
    for opened in part.opened:
        yield _matcher(part, opened)
    for opened in part.opened:
        yield f"\thandle @{opened.name} {{\n\t\timport {part.name}\n\t}}\n"
    yield f"\thandle {part.path}/* {{\n\t\terror 403\n\t}}\n"


def _matcher(part: Part, opened: Opened) -> str:
    lines = [f"\t@{opened.name} {{", f"\t\tmethod {' '.join(opened.methods)}", f"\t\tpath {_below(part, opened.paths)}"]
    if opened.without:
        lines.append(f"\t\tnot path {_below(part, opened.without)}")
    return "\n".join([*lines, "\t}", ""])


def _below(part: Part, paths: Iterable[str]) -> str:
    return " ".join(f"{part.path}{path}" for path in paths)
