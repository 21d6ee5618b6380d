"""Telegram's HTML as the Bot API reads it: few tags, each closed in order, four named entities.

Owns the reading and the descriptions of what is wrong, worded as the Bot API words them.
"""

import html
import re
from typing import Final

SUPPORTED: Final = {
    *("b", "strong", "i", "em", "u", "ins", "s", "strike", "del"),
    *("a", "code", "pre", "span", "blockquote", "tg-spoiler", "tg-emoji"),
}
_ENTITY: Final = re.compile(r"&(?:lt|gt|amp|quot|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_TAG: Final = re.compile(r"<(?P<close>/?)(?P<name>[^\s<>/]*)(?P<attributes>[^<>]*)>")
_ATTRIBUTE: Final = re.compile(r"""\s+(?P<name>[A-Za-z-]+)\s*=\s*("[^"]*"|'[^']*'|[A-Za-z0-9./-]+)""")


class EntityError(Exception):
    """Why the Bot API would refuse the text."""


def parse(text: str) -> str:
    """The text as people see it. Raises EntityError."""
    plain: list[str] = []
    opened: list[str] = []
    position = 0
    while position < len(text):
        start = text.find("<", position)
        if start < 0:
            break
        plain.append(_decode(text[position:start]))
        position = _read_tag(text, start, opened)
    plain.append(_decode(text[position:]))
    if opened:
        raise EntityError(f'Can\'t find end tag corresponding to start tag "{opened[-1]}"')
    return "".join(plain)


def _read_tag(text: str, start: int, opened: list[str]) -> int:
    """The position behind the tag at `start`."""
    offset = len(text[:start].encode())
    tag = _TAG.match(text, start)
    if tag is None:
        raise EntityError(f"Unclosed start tag at byte offset {offset}")
    name = tag["name"].lower()
    if tag["close"]:
        if not opened:
            raise EntityError(f"Unexpected end tag at byte offset {offset}")
        if opened[-1] != name:
            expected = f'expected "</{opened[-1]}>", found "</{name}>"'
            raise EntityError(f"Unmatched end tag at byte offset {offset}, {expected}")
        opened.pop()
        return tag.end()
    if name not in SUPPORTED:
        raise EntityError(f'Unsupported start tag "{name}" at byte offset {offset}')
    if _ATTRIBUTE.sub("", tag["attributes"]).strip():
        raise EntityError(f'Empty attribute name in the tag "{name}" at byte offset {offset}')
    opened.append(name)
    return tag.end()


def _decode(text: str) -> str:
    """Known entities become characters; any other ampersand stays as it is."""
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
