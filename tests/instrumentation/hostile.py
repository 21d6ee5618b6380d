"""Texts that are made to keep a pattern busy, derived from the patterns themselves.

Owns the making. From each repetition of a pattern comes a text that leads up to it, then all that it repeats, many
times over, and then nothing that would let the pattern end well; and the way to it, again and again.
"""

import random
import re
from collections.abc import Iterator
from typing import Any

Tree = Any  # what re's parser makes of a pattern
# Beyond the longest bound, so that what is stated is the growth without bounds.
_FULL = 3
_SOME = 24


def hostile(pattern: str, generator: random.Random) -> Iterator[str]:
    """Pieces to repeat: each way up to and through a repetition of `pattern`, and what such a one repeats."""
    tree = re._parser.parse(pattern, re.ASCII)  # type: ignore[attr-defined]
    yield from _pumps(list(tree), "", generator)


def _pumps(nodes: list[Any], before: str, generator: random.Random) -> Iterator[str]:
    for place, (kind, value) in enumerate(nodes):
        name = str(kind)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            least, _most, inner = value
            bodies = sorted({_sample(inner, generator) for _ in range(6)})
            for body in bodies:
                if body:
                    yield body
                    yield before + body * max(least, _FULL)
                    yield before + body * _SOME
            yield from _pumps(list(inner), before, generator)
        elif name == "SUBPATTERN":
            yield from _pumps(list(value[-1]), before, generator)
        elif name == "BRANCH":
            for branch in value[1]:
                yield from _pumps(list(branch), before, generator)
        if before:
            yield before
        before += _sample(nodes[place : place + 1], generator)
    yield before
    yield before[:-1]


def _sample(nodes: Any, generator: random.Random) -> str:
    """A short text that these nodes match."""
    return "".join(_one(kind, value, generator) for kind, value in nodes)


def _one(kind: Any, value: Any, generator: random.Random) -> str:
    name = str(kind)
    if name == "LITERAL":
        return chr(value)
    if name == "ANY":
        return "a"
    if name == "NOT_LITERAL":
        return "a" if value != ord("a") else "b"
    if name == "IN":
        return _of_set(value, generator)
    if name in ("MAX_REPEAT", "MIN_REPEAT"):
        least, most, inner = value
        return "".join(_sample(inner, generator) for _ in range(min(max(least, 1), most)))
    if name == "SUBPATTERN":
        return _sample(value[-1], generator)
    if name == "BRANCH":
        return _sample(generator.choice(value[1]), generator)
    return ""  # an anchor


def _of_set(items: Any, generator: random.Random) -> str:
    wanted = re.compile(_written(items), re.ASCII)
    found = [chr(code) for code in range(9, 127) if wanted.fullmatch(chr(code))]
    return generator.choice(found) if found else "a"


def _written(items: Any) -> str:
    """A set of characters as its pattern was written."""
    parts = []
    for kind, value in items:
        name = str(kind)
        if name == "NEGATE":
            parts.append("^")
        elif name == "LITERAL":
            parts.append(re.escape(chr(value)))
        elif name == "RANGE":
            parts.append(f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}")
        else:
            parts.append({"CATEGORY_DIGIT": r"\d", "CATEGORY_SPACE": r"\s", "CATEGORY_WORD": r"\w",
                          "CATEGORY_NOT_DIGIT": r"\D", "CATEGORY_NOT_SPACE": r"\S"}[str(value)])  # fmt: skip
    return f"[{''.join(parts)}]"
