"""Grafana's own types as a judge: what they would lose, and what is not of the type they name.

Decoding alone proves nothing, because the SDK drops what it does not know and keeps whatever it is given. So the
dashboard is decoded and encoded again and compared, and every decoded value is held against its annotation.
"""

import enum
import sys
import types
import typing
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import orjson

MOST_FINDINGS: Final = 5


def lost_keys(data: Mapping[str, Any]) -> list[str]:
    """What is lost or changed between the dashboard and its own round trip; what the SDK adds does not count."""
    from generator.render.grafana.sdk import decode, encode

    try:
        again = orjson.loads(encode(decode(dict(data))))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return [f"Grafana's types cannot read it: {type(error).__name__}: {error}"]
    return _first(_differences(data, again, ""))


def wrong_types(data: Mapping[str, Any]) -> list[str]:
    """Values that are not of the type, or not one of the words, that the SDK names for their place."""
    from generator.render.grafana.sdk import decode

    try:
        decoded = decode(dict(data))
    except (AttributeError, KeyError, TypeError, ValueError):
        return []
    return _first(_walk(decoded, ""))


def _first(problems: Iterator[str]) -> list[str]:
    found = []
    for problem in problems:
        found.append(problem)
        if len(found) == MOST_FINDINGS:
            break
    return found


def _differences(before: Any, after: Any, where: str) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in before:
            here = f"{where}.{key}".lstrip(".")
            if key in after:
                yield from _differences(before[key], after[key], here)
            elif before[key] is not None:
                yield f"Grafana does not know '{here}'"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(one, other, f"{where}[{index}]")
    elif before != after:
        yield f"Grafana reads '{where}' as {after!r}, not {before!r}"


@dataclass(frozen=True, slots=True)
class _Field:
    """One attribute of an SDK class: what fits there, and what fits inside when it is a list."""

    name: str
    json: str
    hint: Any
    fits: Callable[[Any], bool]
    item: "_Field | None"


@cache
def _fields(kind: Hashable) -> tuple[_Field, ...]:
    """The attributes that a class is annotated with. Made once for each class: there are thousands of values."""
    assert isinstance(kind, type)
    hints = typing.get_type_hints(kind, vars(sys.modules[kind.__module__]))
    return tuple(_field(name, hint) for name, hint in hints.items())


def _field(name: str, hint: Any) -> _Field:
    lists = [each for each in (hint, *typing.get_args(hint)) if typing.get_origin(each) is list]
    item = _field("", typing.get_args(lists[0])[0]) if lists else None
    return _Field(name, _json_name(name), hint, _predicate(hint), item)


def _walk(value: Any, where: str) -> Iterator[str]:
    """Problems of an SDK object and of everything in it."""
    held = vars(value)
    for each in _fields(typing.cast(Hashable, type(value))):
        inner = held.get(each.name)
        if inner is not None:
            yield from _check(inner, each, f"{where}.{each.json}" if where else each.json)


def _check(value: Any, field: _Field, where: str) -> Iterator[str]:
    if hasattr(value, "to_json"):
        yield from _walk(value, where)
    elif not field.fits(value):
        yield f"'{where}' is {value!r}, not {_words(field.hint)}"
    elif field.item and isinstance(value, list):
        for index, each in enumerate(value):
            yield from _check(each, field.item, f"{where}[{index}]")


def _predicate(hint: Any) -> Callable[[Any], bool]:
    """Whether a value is of an annotated type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        any_of = [_predicate(each) for each in arguments]
        return lambda value: any(fits(value) for fits in any_of)
    if origin is typing.Literal:
        return lambda value: value in arguments
    if origin in (list, dict):
        return lambda value: isinstance(value, origin)
    if not isinstance(hint, type) or hint is object:
        return lambda value: True
    if issubclass(hint, enum.Enum):
        words = frozenset(each.value for each in hint)
        return lambda value: isinstance(value, Hashable) and value in words
    if hint is float:
        return lambda value: isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return lambda value: isinstance(value, int) and not isinstance(value, bool)
    if hint in (str, bool, type(None)):
        return lambda value: isinstance(value, hint)
    # The SDK leaves some objects as they were in the file.
    return lambda value: isinstance(value, dict | hint)


def _words(hint: Any) -> str:
    parts: Sequence[Any] = typing.get_args(hint) or (hint,)
    names = []
    for part in parts:
        if isinstance(part, type) and issubclass(part, enum.Enum):
            names += [repr(each.value) for each in part]
        elif part is not type(None):
            names.append(getattr(part, "__name__", str(part)))
    return " or ".join(names)


def _json_name(name: str) -> str:
    first, *rest = name.removesuffix("_val").split("_")
    return first + "".join(part.capitalize() for part in rest)
