"""Keeps secrets out of whatever leaves the process: by the name of a field, and by the shape of a value.

Owns the Python reading of the rule table. The table is redaction.json, which the log shipper's rules are rendered from
as well: what slips past the one is looked for by the same patterns in the other. `redact` is for text, `scrub` for any
structure; both leave what is no secret as it is.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

REDACTED: Final = "[redacted:secret]"
# Deeper structures than this are no log fields but data.
MAX_DEPTH: Final = 6
# So are longer ones.
MAX_ITEMS: Final = 100
# So is a longer text.
MAX_TEXT: Final = 8 * 1024
# More than any secret is long: so much beside a cut is left out with it, as half a secret is not known for one.
_MARGIN: Final = 1024
# Texts that come again and again (names, routes, methods) are looked through once. Only harmless ones are remembered.
_REMEMBERED: Final = 5_000
_SHORT: Final = 200
# A number shorter than this is no card number.
LONG_NUMBER: Final = 10**11

_GROUP: Final = re.compile(r"\$\{(\d)\}")
_DIGIT: Final = re.compile(r"\d", re.ASCII)
_NOT_DIGIT: Final = re.compile(r"%20|\D", re.ASCII)


def luhn(found: str) -> bool:
    """Tell whether the digits of `found` are a card number; three more at the end may be the code on its back."""
    digits = [int(each) for each in _NOT_DIGIT.sub("", found)]
    return any(_sum(part) % 10 == 0 for part in {tuple(digits), tuple(digits[:16])})


def _sum(digits: tuple[int, ...]) -> int:
    doubled = (2 * digit - 9 * (digit > 4) for digit in digits[-2::-2])
    return sum(digits[-1::-2]) + sum(doubled)


class _Rule:
    """One rule of the table, compiled."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.gate: str = told["gate"]
        self.hints: tuple[str, ...] = tuple(told["hints"])
        self.checked: bool = told["check"] == "luhn"
        self._pattern = re.compile(told["pattern"], re.ASCII)
        self._mask = _GROUP.sub(r"\\g<\1>", told["mask"])

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
        """Tell whether a field of this name holds a secret, in snake_case, camelCase or Header-Case."""
        return self._names(name) is not None


def _has_any(text: str, words: tuple[str, ...]) -> bool:
    for word in words:  # noqa: SIM110  # done for every new text, and any() costs twice as much
        if word in text:
            return True
    return False


REDACTOR: Final = Redactor(json.loads(Path(__file__).with_name("redaction.json").read_text(encoding="utf-8")))

redact: Final[Callable[[str], str]] = REDACTOR.text
is_secret: Final[Callable[[str], bool]] = lru_cache(maxsize=4096)(REDACTOR.is_secret)


harmless: Final[set[str]] = set()


def clean(text: str) -> str:
    """`text` as it may stand in a field: without secrets, and not too long."""
    if text in harmless:
        return text
    done = bounded(text, MAX_TEXT)
    if done == text and len(text) <= _SHORT:
        if len(harmless) >= _REMEMBERED:
            harmless.clear()
        harmless.add(text)
    return done


def bounded(text: str, limit: int, *, head: int = 0) -> str:
    """`text` without secrets; of one that is longer than `limit` the end is left out, or what follows its `head`."""
    if len(text) <= limit:
        return redact(text)
    said = f"… [{len(text) - limit} more characters]"
    if not head:
        return redact(text[: limit + _MARGIN])[:-_MARGIN] + said
    tail = redact(text[head - limit - _MARGIN :])[_MARGIN:]
    return f"{redact(text[: head + _MARGIN])[:-_MARGIN]}\n{said}\n{tail}"


def scrub(value: Any, depth: int = MAX_DEPTH) -> Any:
    """`value` without secrets and as plain data: what JSON cannot say becomes the text that Python shows of it.

    It never raises. Structures that are deep or long are cut, and say so.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, bytes | bytearray):
        return clean(bytes(value[: 2 * MAX_TEXT]).decode("utf-8", "backslashreplace"))
    try:
        if isinstance(value, Mapping):
            return _mapping(value, depth)
        if isinstance(value, list | tuple | set | frozenset):
            return _sequence(value, depth)
    except Exception:  # an app's own collection may do anything, even while it is read
        return clean(shown(value))
    return clean(shown(value))


def shown(value: Any) -> str:
    """`repr(value)`, whatever that does."""
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"


def _number(value: int | float) -> Any:
    if isinstance(value, float):
        return float(value) if float("-inf") < value < float("inf") else str(value)
    if -LONG_NUMBER < value < LONG_NUMBER:
        return int(value)
    try:
        text = str(int(value))
    except ValueError:  # of more digits than Python turns into text
        return "[a very long number]"
    masked = redact(text)
    return int(value) if masked == text else masked


def _mapping(value: Mapping[Any, Any], depth: int) -> Any:
    if depth == 0:
        return "[deeper]"
    clean: dict[str, Any] = {}
    for number, (key, item) in enumerate(value.items()):
        if number == MAX_ITEMS:
            clean["…"] = f"{len(value) - MAX_ITEMS} more"
            break
        name = key if isinstance(key, str) else shown(key)
        clean[redact(name)] = hidden(name, item, depth)
    return clean


def _sequence(value: Any, depth: int) -> Any:
    if depth == 0:
        return "[deeper]"
    if _is_pair(value):
        return [scrub(value[0], depth - 1), REDACTED]
    clean = []
    for number, item in enumerate(value):
        if number == MAX_ITEMS:
            clean.append(f"… {len(value) - MAX_ITEMS} more")
            break
        clean.append(scrub(item, depth - 1))
    return clean


def _is_pair(value: Any) -> bool:
    """A name and its value, as frameworks keep headers."""
    if not (isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[0], str | bytes)):
        return False
    name = value[0] if isinstance(value[0], str) else value[0].decode("latin-1")
    return isinstance(value[1], str | bytes) and is_secret(name)


def hidden(name: str, value: Any, depth: int = MAX_DEPTH) -> Any:
    """`value` as it may stand under `name`: masked whole under that of a secret, else scrubbed.

    Whether there is a secret may be told (true, false, null). Under the plural of a secret's name numbers stay: they
    are counts.
    """
    if is_secret(name):
        return value if value is None or isinstance(value, bool) else REDACTED
    if name[-1:] in "sS" and is_secret(name[:-1]):
        return _plural(value, depth - 1)
    return scrub(value, depth - 1)


def _plural(value: Any, depth: int) -> Any:
    if isinstance(value, str | bytes):
        return value if isinstance(value, str) and value.isdigit() and len(value) < 12 else REDACTED
    if isinstance(value, Mapping) and depth > 0:
        return {redact(str(key)): _plural(item, depth - 1) for key, item in list(value.items())[:MAX_ITEMS]}
    if isinstance(value, list | tuple | set | frozenset) and depth > 0:
        items = [_plural(item, depth - 1) for item in list(value)[:MAX_ITEMS]]
        return REDACTED if REDACTED in items else items
    return scrub(value, max(depth, 0))
