"""What a release asks of its users, out of CHANGELOG.md.

Owns the reading of that page. What is to be done stands under the heading "What you must do", a list item each.
"""

from collections.abc import Iterator
from typing import Final

FILE: Final = "CHANGELOG.md"
_HEADING: Final = "### What you must do"


def to_do(before: str, after: str) -> list[str]:
    """What `after` asks and `before` did not, a sentence or more each."""
    known = set(_items(before))
    return [item for item in _items(after) if item not in known]


def _items(text: str) -> Iterator[str]:
    inside, item = False, ""
    for line in (*text.splitlines(), "#"):
        begins = line.startswith(("- ", "#"))
        if begins and item:
            yield item
            item = ""
        if line.startswith("#"):
            inside = line.strip() == _HEADING
        elif inside and line.strip():
            item = f"{item} {line.strip()}".strip() if not begins else line[2:].strip()
