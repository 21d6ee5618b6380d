"""Recording rules that change, and the alerts that read what they record.

Owns the way from a recording rule to an alert. Both are of one service.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from generator.changes.rules import AlertState
from generator.changes.values import Pairs, changed_numbers, in_words

Expressions = Mapping[tuple[str, str], tuple[str, ...]]

_NAME: Final = re.compile(r"[A-Za-z_][\w:]*")


@dataclass(frozen=True, slots=True)
class Records:
    """By service, the names of what is recorded in another way now, each with the values that differ."""

    changed: Mapping[str, Mapping[str, Pairs]]


def changed_records(before: Expressions, after: Expressions) -> Records:
    """What differs between two trees, and what is recorded from it."""
    changed: dict[str, dict[str, Pairs]] = {}
    for service, name in sorted({*before} & {*after}):
        old, new = before[service, name], after[service, name]
        if old != new:
            pairs = [pair for a, b in zip(old, new, strict=False) for pair in changed_numbers(a, b)]
            changed.setdefault(service, {})[name] = tuple(dict.fromkeys(pairs))
    for service, names in changed.items():
        _follow(names, {name: exprs for (of, name), exprs in after.items() if of == service})
    return Records(changed)


def measured(alert: AlertState, records: Records) -> Iterator[str]:
    """The words for an alert that reads what is recorded in another way now."""
    known = records.changed.get(alert.service, {})
    if read := {*_NAME.findall(alert.expr)} & {*known}:
        values = in_words(tuple(pair for name in sorted(read) for pair in known[name]))
        yield f"what it measures changes{f' ({values})' if values else ''}"


def _follow(changed: dict[str, Pairs], expressions: Mapping[str, tuple[str, ...]]) -> None:
    """Add what is recorded from what changed, until there is no more."""
    found = True
    while found:
        found = False
        for name, exprs in expressions.items():
            read = {each for expr in exprs for each in _NAME.findall(expr)} & {*changed}
            if read and name not in changed:
                changed[name] = tuple(dict.fromkeys(pair for each in sorted(read) for pair in changed[each]))
                found = True
