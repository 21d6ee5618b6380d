"""Grafana's own types as a judge: what they would lose, and what is not of the type they name.

Decoding alone proves nothing, because the SDK drops what it does not know and keeps whatever it is given. So the
dashboard is decoded and encoded again and compared, and every decoded value is held against its annotation.
"""

import enum
import sys
import types
import typing
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

import orjson

MOST_FINDINGS: Final = 5


def lost_keys(data: Mapping[str, Any]) -> list[str]:
    """What is lost or changed between the dashboard and its own round trip; what the SDK adds does not count."""
    from generator.render.sdk import decode, encode

    try:
        again = orjson.loads(encode(decode(dict(data))))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return [f"Grafana's types cannot read it: {type(error).__name__}: {error}"]
    return _first(_differences(data, again, ""))


def wrong_types(data: Mapping[str, Any]) -> list[str]:
    """Values that are not of the type, or not one of the words, that the SDK names for their place."""
    from generator.render.sdk import decode

    try:
        decoded = decode(dict(data))
    except (AttributeError, KeyError, TypeError, ValueError):
        return []
    return _first(_walk(decoded, "", _index_of(decoded)))


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


def _index_of(value: Any) -> Mapping[str, Any]:
    """The names that annotations of the value's module may mention."""
    return vars(sys.modules[type(value).__module__])


@cache
def _annotations(kind: Any) -> Mapping[str, Any]:
    return typing.get_type_hints(kind, vars(sys.modules[kind.__module__]))


def _walk(value: Any, where: str, names: Mapping[str, Any]) -> Iterator[str]:
    """Problems of an SDK object and of everything in it."""
    hints = _annotations(typing.cast(Hashable, type(value)))
    for name, inner in vars(value).items():
        if name in hints:
            yield from _check(inner, hints[name], f"{where}.{_json_name(name)}".lstrip("."), names)


def _check(value: Any, hint: Any, where: str, names: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(hint, str):
        hint = names.get(hint, object)
    if hasattr(value, "to_json") and not isinstance(value, type):
        yield from _walk(value, where, _index_of(value))
    elif not _fits(value, hint):
        yield f"'{where}' is {value!r}, not {_words(hint)}"
    elif isinstance(value, list):
        inner = _item_hint(hint)
        for index, each in enumerate(value):
            yield from _check(each, inner, f"{where}[{index}]", names)


def _fits(value: Any, hint: Any) -> bool:
    origin = typing.get_origin(hint)
    if hint in (object, Any):
        return True
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, each) for each in typing.get_args(hint))
    if origin is typing.Literal:
        return value in typing.get_args(hint)
    if origin is list:
        return isinstance(value, list)
    if origin is dict:
        return isinstance(value, dict)
    if hint is type(None):
        return value is None
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return value in [each.value for each in hint]
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint in (str, bool):
        return isinstance(value, hint)
    # The SDK leaves some objects as they were in the file.
    return isinstance(value, dict | hint) if isinstance(hint, type) else True


def _item_hint(hint: Any) -> Any:
    for each in (hint, *typing.get_args(hint)):
        if typing.get_origin(each) is list:
            return typing.get_args(each)[0]
    return object


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
