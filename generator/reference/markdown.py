"""What the pages in docs/reference/ share: the packs that they are about, their first line, tables and cells."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from generator.artifact import Artifact
from generator.conventions import REFERENCE, REFERENCE_NOTE
from generator.packs import Pack

Packs = Mapping[str, Pack]

# From a page in docs/reference/ to the folder of packs.
PACKS: Final = "../../packs"


def with_rules(packs: Packs) -> list[Pack]:
    """The packs with rules of their own, rather than those of the pack that they are based on."""
    return [pack for name, pack in packs.items() if pack.source == name]


def page(name: str, parts: Iterable[str]) -> Artifact:
    """docs/reference/`name`.md; each part is a paragraph, a heading or a table."""
    body = "\n\n".join(part.strip("\n") for part in parts if part)
    return Artifact(f"{REFERENCE}{name}.md", f"<!-- {REFERENCE_NOTE} -->\n{body}\n")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, or nothing where there are no rows."""
    lines = [f"| {' | '.join(cell(each) for each in row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines]) if lines else ""


def cell(text: str) -> str:
    """A text as a cell: one line, its bars escaped."""
    return " ".join(text.split()).replace("|", "\\|")
