"""PromQL cut into tokens, to change an expression at one place and leave the rest as it was written.

Owns the words of the language. promql-parser, which knows what an expression means, knows no positions and must not
print; only what it has accepted is read here.
"""

import re
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
    |(?P<duration>(?:\d+(?:ms|[smhdwy]))+(?![\w.]))
    |(?P<number>0x[0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>:?[A-Za-z_][\w:]*)
    |(?P<mark>==|!=|>=|<=|=~|!~|.)""",
    re.VERBOSE | re.DOTALL,
)
# Each comparison, and what it is with its sides exchanged.
MIRRORED: Final = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}
COMPARISONS: Final = tuple(MIRRORED)
# What makes one series of many, and differs from the others only in what it makes of different ones.
AGGREGATIONS: Final = ("sum", "max", "min", "avg", "count")
# Words before a list of labels.
GROUPINGS: Final = ("by", "without")
MATCHINGS: Final = ("on", "ignoring", "group_left", "group_right")
_OPEN: Final = "([{"
_CLOSE: Final = ")]}"


@dataclass(frozen=True, slots=True)
class Token:
    """One string, duration, number, word or mark, where it stands, and how many brackets are open around it."""

    kind: str
    text: str
    start: int
    depth: int

    @property
    def end(self) -> int:
        """Where the next one may begin."""
        return self.start + len(self.text)


def tokens(expr: str) -> list[Token]:
    """The tokens of an expression, white space and comments left out."""
    found, depth = [], 0
    for match in _TOKEN.finditer(expr):
        kind, text = str(match.lastgroup), match[0]
        if kind == "mark" and text in _CLOSE:
            depth -= 1
        if kind != "space":
            found.append(Token(kind, text, match.start(), depth))
        if kind == "mark" and text in _OPEN:
            depth += 1
    return found


def uncommented(expr: str) -> str:
    """`expr` without its comments."""
    return _TOKEN.sub(lambda match: " " if match[0].startswith("#") else match[0], expr).strip()
