"""The rule table as Python reads it: what is masked in a text, and which names are those of secrets.

Owns the reading of redaction.json, which the log shipper's rules are rendered from as well: what slips past the one is
looked for by the same patterns in the other. How much text they are given is the business of `redaction`.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

_GROUP: Final = re.compile(r"\$\{(\d)\}")
_DIGIT: Final = re.compile(r"\d", re.ASCII)
_NOT_DIGIT: Final = re.compile(r"%20|\D", re.ASCII)


def luhn(found: str) -> bool:
    """Whether the digits of `found` are a card number; three more at the end may be the code on its back."""
    digits = [int(each) for each in _NOT_DIGIT.sub("", found)]
    return any(_sum(part) % 10 == 0 for part in {tuple(digits), tuple(digits[:16])})


def _sum(digits: tuple[int, ...]) -> int:
    doubled = (2 * digit - 9 * (digit > 4) for digit in digits[-2::-2])
    return sum(digits[-1::-2]) + sum(doubled)


class _Rule:
    """One rule of the table, compiled."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.gate: str = row["gate"]
        self.hints: tuple[str, ...] = tuple(row["hints"])
        self.checked: bool = row["check"] == "luhn"
        self._pattern = re.compile(row["pattern"], re.ASCII)
        self._mask = _GROUP.sub(r"\\g<\1>", row["mask"])

    def all(self, text: str) -> str:
        """`text` with every match masked."""
        return self._pattern.sub(self._mask, text)

    def true(self, text: str) -> str:
        """`text` with every match masked that passes the check; a match that does not hides none that overlaps it."""
        done, start, parts = 0, 0, []
        while found := self._pattern.search(text, start):
            if luhn(found[0]):
                parts += [text[done : found.start()], found.expand(self._mask)]
                done = start = found.end()
            else:
                digit = _DIGIT.search(text, found.start())
                start = digit.end() if digit else found.end()
        return "".join([*parts, text[done:]]) if parts else text


class Redactor:
    """The table of rules, ready for use."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._rules = [_Rule(rule) for rule in table["rules"]]
        self._words: tuple[str, ...] = tuple(table["words"])
        self._digits = re.compile(table["digits"], re.ASCII).search
        self._free = tuple(hint for rule in self._rules if not rule.gate for hint in rule.hints)
        self._names = re.compile(table["names"], re.ASCII).search

    def text(self, text: str, *, checked: bool = True) -> str:
        """`text` with everything masked that the table names; redacted twice it stays as it is.

        `checked=False` reads the table as the collector does, which cannot check: it masks every number that looks
        like that of a card.
        """
        lower = text.lower()
        named = _has_any(lower, self._words)
        digits = self._digits(lower) is not None
        if not (named or digits or _has_any(lower, self._free)):
            return text
        is_open = {"": True, "named": named, "digits": digits}
        for rule in self._rules:
            if is_open[rule.gate] and (not rule.hints or _has_any(lower, rule.hints)):
                text = rule.true(text) if checked and rule.checked else rule.all(text)
        return text

    def is_secret(self, name: str) -> bool:
        """Whether a field of this name holds a secret, in snake_case, camelCase or Header-Case."""
        return self._names(name) is not None


def _has_any(text: str, words: tuple[str, ...]) -> bool:
    for word in words:  # noqa: SIM110  # done for every new text, and any() costs twice as much
        if word in text:
            return True
    return False


REDACTOR: Final = Redactor(json.loads(Path(__file__).with_name("redaction.json").read_text(encoding="utf-8")))

# For texts that are known to be short: `redaction.clean` is for all others.
redact: Final[Callable[[str], str]] = REDACTOR.text
is_secret: Final[Callable[[str], bool]] = lru_cache(maxsize=4096)(REDACTOR.is_secret)
