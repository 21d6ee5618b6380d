"""services.yaml in the words of the new version: keys that were renamed are written as they are called now.

Owns the rewriting of a user's file. Comments and formatting stay, in every line that is not concerned; the meaning is
the same before and after.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

# Of a name in a flat `params:` and the kinds of its service: the kind and the name under it, None for no other place.
Place = Callable[[str, tuple[str, ...]], tuple[str, str] | None]

_INDENTS: Final = (2, 4, 3, 6, 8)


def rewrite(text: str, place: Place) -> tuple[str, tuple[str, ...]]:
    """The text with every key at its place, and a sentence for each that was moved. A text that is no YAML stays."""
    try:
        data, plain = _loaded(text), _loaded(text)
    except YAMLError:
        return text, ()
    moved = tuple(_move_all(data, place)) if isinstance(data, CommentedMap) else ()
    if not moved:
        return text, ()
    indent = _indent(text, plain)
    whole = _dumped(data, indent)
    spared = _merged(text, _dumped(plain, indent), whole)
    return (spared if _means(spared) == _means(whole) else whole), moved


def _move_all(data: Mapping[str, Any], place: Place) -> Iterator[str]:
    for where, entry in _entries(data):
        params = entry.get("params")
        if isinstance(params, CommentedMap):
            kinds = entry.get("kind", ())
            yield from _move(where, params, (kinds,) if isinstance(kinds, str) else tuple(kinds), place)


def _entries(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(data.get("stack"), Mapping):
        yield "stack", data["stack"]
    for group in ("services", "hosts"):
        entries = data.get(group)
        for name, entry in entries.items() if isinstance(entries, Mapping) else ():
            if isinstance(entry, Mapping):
                yield f"{group}.{name}", entry


def _move(where: str, params: CommentedMap, kinds: tuple[str, ...], place: Place) -> Iterator[str]:
    flat = {name: place(str(name), kinds) for name, value in params.items() if not isinstance(value, Mapping)}
    found = {name: to for name, to in flat.items() if to is not None}
    # One that is called like its kind makes room for the kind first.
    for name, (kind, new) in sorted(found.items(), key=lambda item: item[0] != item[1][0]):
        if isinstance(params.get(kind), Mapping) and new in params[kind]:
            # Said twice: which one is meant, `check` asks the user.
            continue
        position = list(params).index(name)
        comment, value = params.ca.items.pop(name, None), params.pop(name)
        if kind not in params:
            params.insert(position, kind, _empty(params.fa.flow_style()))
        params[kind][new] = value
        if comment is not None:
            params[kind].ca.items[new] = comment
        yield f"{where}: params.{name} is params.{kind}.{new} now"


def _empty(flow: bool | None) -> CommentedMap:
    made = CommentedMap()
    if flow:
        made.fa.set_flow_style()
    return made


def _yaml(indent: int) -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10**6
    yaml.indent(mapping=indent, sequence=indent, offset=indent - 2)
    return yaml


def _loaded(text: str) -> Any:
    return _yaml(2).load(text)


def _dumped(data: Any, indent: int) -> str:
    stream = io.StringIO()
    _yaml(indent).dump(data, stream)
    return stream.getvalue()


def _indent(text: str, data: Any) -> int:
    """How far the text indents: with it, the most lines come out as they are."""
    lines = set(text.splitlines())
    return max(_INDENTS, key=lambda indent: len(lines & set(_dumped(data, indent).splitlines())))


def _merged(text: str, plain: str, moved: str) -> str:
    """What differs between the two dumps, put into the text: lines that the dump alone would change stay."""
    rows, before, after = (each.splitlines(keepends=True) for each in (text, plain, moved))
    place = {
        block.a + number: block.b + number
        for block in SequenceMatcher(None, before, rows, autojunk=False).get_matching_blocks()
        for number in range(block.size)
    }
    place |= {-1: -1, len(before): len(rows)}
    found: list[str] = []
    done = 0
    for action, start, end, other, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if action == "equal":
            continue
        # The lines around it that the dump changed by itself are the dump's: they cannot be distinguished.
        first = start if start in place and end > start else max(n for n in place if n < start) + 1
        beyond = end if end - 1 in place and end > start else min(n for n in place if n >= end)
        begin = place[first] if first in place else place[first - 1] + 1
        stop = place[beyond - 1] + 1 if beyond - 1 in place else place[beyond]
        if begin < done:
            return moved
        found += [*rows[done:begin], *before[first:start], *after[other:last], *before[end:beyond]]
        done = stop
    return "".join([*found, *rows[done:]])


def _means(text: str) -> Any:
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        return None
