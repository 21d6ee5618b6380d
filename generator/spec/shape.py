"""What pydantic says of a file's shape, in our words and with the place of the key or value that is wrong.

Owns the words; the shape itself is the business of generator.spec.keys.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from generator.diagnostics import Diagnostic, did_you_mean
from generator.source.read import Path, Source

_NAME_RULE: Final = "use up to 32 lower-case letters, digits, - and _, a letter first"
# What is said of the keys of some mappings instead.
_KEY_RULES: Final = {
    "alerts": "begin with a capital and use letters and digits, such as QueueTooLong",
    "latency": "write a percentile, such as p95 or p99.9",
}
_WORDS: Final = (
    ("input should be", "this should be"),
    ("dictionary", "mapping of keys to values"),
    ("a string", "text"),
    ("a integer", "a whole number"),
)


def shape_problem(root: type[BaseModel], source: Source, error: ErrorDetails) -> Diagnostic:
    """One of pydantic's complaints about `source`, read as a `root`."""
    is_key = error["loc"][-1:] == ("[key]",)
    path: Path = tuple(part for part in error["loc"] if part != "[key]")
    kind = error["type"]
    value = source.value_span(path)
    if kind == "extra_forbidden":
        word = str(path[-1])
        hint = did_you_mean(word, _fields_at(root, path[:-1]))
        known = f"known here: {', '.join(_fields_at(root, path[:-1]))}"
        return Diagnostic(
            "spec/unknown-key",
            f"'{word}' is not a known key",
            source.key_span(path),
            hint=hint,
            notes=(known,),
        )
    if kind == "missing":
        place = source.key_span(path[:-1])
        return Diagnostic("spec/missing-key", f"'{path[-1]}' is missing", place)
    if is_key:
        rule = _KEY_RULES.get(str(path[-2]) if len(path) > 1 else "", _NAME_RULE)
        return Diagnostic("spec/bad-name", f"'{path[-1]}' cannot be a name; {rule}", source.key_span(path))
    if "/" in kind:
        return Diagnostic(kind, error["msg"], value)
    code = "spec/wrong-type" if kind.endswith(("_type", "_parsing")) else "spec/bad-value"
    expected = str(error.get("ctx", {}).get("expected", "")).replace("'", "")
    hint = did_you_mean(str(error["input"]), re.split(r", | or ", expected)) if kind == "literal_error" else ""
    return Diagnostic(code, _sentence(error), value, hint=hint)


def _sentence(error: ErrorDetails) -> str:
    """Pydantic's words in ours: no class names, no Python types."""
    message = error["msg"][0].lower() + error["msg"][1:]
    message = re.sub(r" or instance of \w+", "", message).replace("a valid ", "a ")
    for theirs, ours in _WORDS:
        message = message.replace(theirs, ours)
    return message


def _fields_at(root: type[BaseModel], path: Path) -> tuple[str, ...]:
    """The keys that the model at `path` knows."""
    model: type[BaseModel] | None = root
    names: Mapping[str, Any] = root.model_fields
    for part in path:
        if model is None:
            break
        field = model.model_fields.get(str(part))
        annotation = field.annotation if field else model.__annotations__.get("__pydantic_extra__")
        if annotation is None:
            continue
        model = _model_in(annotation)
        names = model.model_fields if model else {}
    return tuple(field.alias or name for name, field in names.items())


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The first model named in a type such as dict[Name, ServiceSpec | None] | None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if found:
            return found
    return None
