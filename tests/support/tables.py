"""Tables of docs/measurements.md: printed by the tests that measured them, and written by them when that is asked for.

Owns what stands between a table's marks, and what is said of an aim: met, or missed. Figures are in CPU seconds where
they can be: whatever else a machine does makes a second of its time longer, and one of the program's own hardly.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PAGE: Final = REPOSITORY / "docs" / "measurements.md"
OPTION: Final = "--write-tables"
BEGIN, END = "<!-- printed by `{command}`: {name} -->", "<!-- end of {name} -->"
_TABLE: Final = re.compile(
    r"<!-- printed by `(?P<command>[^`]+)`: (?P<name>.+?) -->\n(?P<text>.*?)<!-- end of (?P=name) -->", re.S
)


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure is to be at most."""

    figure: float
    aim: float
    unit: str = "s"

    @property
    def met(self) -> bool:
        """Whether it is."""
        return round(self.figure, 2) <= self.aim

    def cells(self) -> tuple[str, str, str]:
        """The figure, the aim, and the verdict."""
        return f"{self.figure:.2f} {self.unit}", f"{self.aim:g} {self.unit}", "met" if self.met else "missed"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def circumstances() -> str:
    """When, at which commit and on what this is printed."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    ).stdout.strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, after commit {commit or 'unknown'}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{os.getloadavg()[0]:.1f} other processes at work when it began."
    )


def written(text: str, name: str, body: str) -> str:
    """The page with another body between the marks of one table."""
    found = [match for match in _TABLE.finditer(text) if match["name"] == name]
    if len(found) != 1:
        raise ValueError(f"docs/measurements.md has {len(found)} tables called '{name}'")
    (match,) = found
    return text[: match.start("text")] + f"\n{body}\n" + text[match.end("text") :]


def tables(text: str) -> dict[str, tuple[str, str]]:
    """The command and the body of every table, by name."""
    return {match["name"]: (match["command"], match["text"].strip("\n")) for match in _TABLE.finditer(text)}
