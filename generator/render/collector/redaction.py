"""The readings of the rule table: statements for the collector, and the files that the libraries read, Python's and the
browser's.

The table itself is generator.render.collector.redaction_rules.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from generator.artifact import Artifact
from generator.conventions import REFERENCE_NOTE
from generator.render.collector.redaction_rules import DIGITS, NAMES, PHONE_NAMES, RULES, WORDS

PATH: Final = "instrumentation/lookout_instrumentation/redaction.json"
BROWSER: Final = "instrumentation/browser/redaction.js"
# From how many on a bound is there for engines that backtrack.
_FOR_BACKTRACKING: Final = 40
_BOUND: Final = re.compile(r"\{(\d+),(\d+)\}")
# Names whose whole value is a secret.
_SECRET_NAMES: Final = rf"(?i)(?:{NAMES}|{PHONE_NAMES}|^pass)\]?$"


def library_tables() -> tuple[Artifact, ...]:
    """The table as the libraries read it: source of theirs, made by `make docs`."""
    return (Artifact(PATH, json.dumps(table(), indent=1) + "\n"), Artifact(BROWSER, _module()))


def table() -> dict[str, Any]:
    """The table as plain data."""
    rules = [
        {
            "name": rule.name,
            "pattern": rule.pattern,
            "mask": rule.mask,
            "hints": list(rule.hints),
            "gate": rule.gate,
            "check": rule.check,
        }
        for rule in RULES
    ]
    return {"": REFERENCE_NOTE, "names": _SECRET_NAMES, "words": list(WORDS), "digits": DIGITS, "rules": rules}


def _module() -> str:
    """The table as a module for browsers: hints and gates, which save time over a million lines, are left out."""
    rules = [{key: getattr(rule, key) for key in ("name", "pattern", "mask", "check")} for rule in RULES]
    content = json.dumps({"names": _SECRET_NAMES, "rules": rules}, indent=1)
    return f"// {REFERENCE_NOTE}\nexport const TABLE = {content};\n"


def ottl_statements(record: str = "log", texts: Sequence[str] = ("body",)) -> list[str]:
    """The table as statements of the collector's transform processor: each rule on the attributes of a record and on
    its texts, which is the body of a log record."""
    text, named, digits = (f'{record}.cache["{name}"]' for name in ("text", "named", "digits"))
    fields = [f"{record}.{name}" for name in texts]
    everything = ", ".join([*fields, f"String({record}.attributes)"])
    gates = {"named": f"{named} == true", "digits": f"{digits} == true"}
    statements = [
        f'set({text}, ToLowerCase(Concat([{everything}], " ")))',
        *_unescaped(text, f'{record}.cache["plain"]'),
        f"set({named}, true) where {_any_of(text, WORDS)}",
        f"set({digits}, true) where IsMatch({text}, {ottl_string(DIGITS)})",
    ]
    for number, rule in enumerate(RULES):
        tests = [gates[rule.gate]] if rule.gate else []
        tests += [f"({_any_of(text, rule.hints)})"] if rule.hints else []
        arguments = f"{ottl_string(unbounded(rule.pattern))}, {ottl_string(rule.mask)}"
        tried = f'{record}.cache["{number}"]'
        statements += [
            f"set({tried}, true) where {' and '.join(tests)}",
            *(f"replace_pattern({field}, {arguments}) where {tried} == true" for field in fields),
            f'replace_all_patterns({record}.attributes, "value", {arguments}) where {tried} == true',
        ]
    return statements


def unbounded(pattern: str) -> str:
    """`pattern` for an engine that does not backtrack: each bound would cost it a state, and saves it nothing."""

    def without(match: re.Match[str]) -> str:
        least, most = int(match[1]), int(match[2])
        if most < _FOR_BACKTRACKING:
            return match[0]
        return "*" if least == 0 else "+" if least == 1 else f"{{{least},}}"

    return _BOUND.sub(without, pattern)


def _unescaped(text: str, plain: str) -> list[str]:
    """Attributes as text are JSON, in which a quote in a value is two characters and `<` is six: hints would not be
    found in them. So that they are, what is escaped is there once more as it was."""
    escapes = {r'\\+"': '"', r"\\u003c": "<", r"\\u003e": ">", r"\\u0026": "&"}
    return [
        f"set({plain}, {text}) where Index({text}, {ottl_string(chr(92))}) >= 0",
        *(
            f"replace_pattern({plain}, {ottl_string(escape)}, {ottl_string(character)}) where {plain} != nil"
            for escape, character in escapes.items()
        ),
        f'set({text}, Concat([{text}, {plain}], " ")) where {plain} != nil',
    ]


def ottl_secret_names() -> str:
    """A pattern of names whose whole value is a secret."""
    return ottl_string(_SECRET_NAMES)


def ottl_string(text: str) -> str:
    """`text` as a string literal of OTTL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'


def _any_of(text: str, hints: tuple[str, ...]) -> str:
    return " or ".join(f"Index({text}, {ottl_string(hint)}) >= 0" for hint in hints)
