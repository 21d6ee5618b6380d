"""Reads messages as a person does: which alerts of which service a text says to fire, and which to be over."""

import re
from typing import Final

Alert = tuple[str, str]

_HEADLINE: Final = re.compile(
    r"^(?P<icon>🔴|🟠|🔵|⚪|✅) (?:RESOLVED )?(?:P\d )?[A-Z]* · (?P<service>[^·]*) · "
    r"(?:(?P<name>\w+)(?: \W\d+)?|\d+ alerts)$",
    re.MULTILINE,
)
_LINE: Final = re.compile(r"^• (?P<name>\w+) since ", re.MULTILINE)
_OVER: Final = "✅"


def firing(text: str) -> set[Alert]:
    """The alerts (name, service) that a message says to fire; empty for a message about what is over.

    A group of several kinds has their number in its headline and a line for each of the first eight.
    """
    headline = _HEADLINE.search(text)
    if headline is None or headline["icon"] == _OVER:
        return set()
    names = {headline["name"]} if headline["name"] else set(_LINE.findall(text))
    return {(name, headline["service"]) for name in names}
