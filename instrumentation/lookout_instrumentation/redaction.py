"""Keeps secrets out of whatever leaves the process, within bounds of size and of time, whatever it is given.

Owns how much is looked through, and the way through structures and objects of the app's; what is a secret is the
business of `patterns`. `clean` is for a text, `scrub` for any structure; both leave what is no secret as it is. Nothing
here raises, and nothing waits for long: an object that shows itself slowly is from then on shown by its type alone.
"""

import re
import time
from collections.abc import Mapping, Set
from itertools import islice
from typing import Any, Final

from lookout_instrumentation.patterns import REDACTOR, Redactor, is_secret, luhn, redact

# What is found here as well, and made elsewhere.
__all__ = ["REDACTOR", "Redactor", "is_secret", "luhn", "redact"]

REDACTED: Final = "[redacted:secret]"
# Deeper structures than this are no log fields but data.
MAX_DEPTH: Final = 6
# So are longer ones.
MAX_ITEMS: Final = 100
# So is a longer text.
MAX_TEXT: Final = 8 * 1024
# What is looked through of one line or report, all its texts and structures together: a little more than a line holds;
# and for how long, as an app's own collection may ask a database for each item.
MAX_RECORD: Final = 17 * MAX_TEXT
MAX_NODES: Final = 5_000
MAX_SECONDS: Final = 0.25
# A name of a field.
MAX_NAME: Final = 200
# This many characters beyond a cut are read, to find a secret that crosses it, and then left out.
_MARGIN: Final = 4 * 1024
# What a secret in one piece does not hold.
_BREAK: Final = re.compile(r"[\s\"'\\/]")
# Texts that come again and again (names, routes, methods) are looked through once. Only harmless ones are remembered.
_REMEMBERED: Final = 5_000
_SHORT: Final = 200
# A number shorter than this is no card number.
LONG_NUMBER: Final = 10**11
_DEEPER: Final = "[deeper]"
_LEFT_OUT: Final = "[left out: the line is too long]"
# A type whose repr took longer is not asked for so long.
_SLOW_SECONDS: Final = 0.1
_FORGIVEN_SECONDS: Final = 300.0
_MOST_SLOW: Final = 1000
_slow: Final[dict[type, float]] = {}
# Texts that were found to hold no secret.
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


def bounded(text: str, limit: int) -> str:
    """`text` without secrets; of one that is longer than `limit` the end is left out, which is said."""
    if len(text) <= limit:
        return redact(text)
    said = f"… [{len(text) - limit} more characters]"
    read = text[: limit + _MARGIN]
    if len(read) == len(text):
        done = redact(read)
        return done if len(done) <= limit else done[:limit] + said
    if _BREAK.search(read, limit):
        # Of a secret across the cut either the end was read as well, or it is masked up to where reading ended.
        return redact(read)[:-_MARGIN] + said
    # One piece goes on beyond all that was read: what it is, is unknown, so it is left out from its beginning.
    return redact(read[: _piece_begins(read, limit)]) + said


def excerpt(text: str, limit: int) -> str:
    """`text` without secrets; of one that is longer than `limit` the middle is left out, of an enormous one the end."""
    return shortened(redact(text), limit) if len(text) <= MAX_RECORD else bounded(text, limit)


def shortened(masked: str, limit: int) -> str:
    """A text that is masked already, without its middle when it is longer than `limit`."""
    if len(masked) <= limit:
        return masked
    head = limit // 3
    return f"{masked[:head]}\n… [{len(masked) - limit} more characters]\n{masked[head - limit :]}"


def _piece_begins(text: str, before: int) -> int:
    """Where the unbroken piece begins that `before` lies in."""
    return max((text.rfind(each, 0, before) for each in " \t\r\n\f\v\"'\\/"), default=-1) + 1


class Budget:
    """What may still be read for one line or one report."""

    __slots__ = ("characters", "nodes", "seconds", "until")

    def __init__(self, times: int = 1) -> None:
        """As much as a line has, or so many times as much."""
        self.characters = times * MAX_RECORD
        self.nodes = times * MAX_NODES
        self.seconds = times * MAX_SECONDS
        self.until = 0.0

    def clean(self, text: str) -> str:
        """`text` without secrets, as long as there is room for it."""
        if len(text) > self.characters and self.characters < MAX_TEXT:
            return f"[left out: {len(text)} characters]"
        self.characters -= min(len(text), MAX_TEXT)
        return clean(text)

    def scrub(self, value: Any) -> Any:
        """`value` without secrets, as far as there is room for it."""
        return scrub(value, budget=self)

    def spent(self) -> bool:
        """Count one more item; whether the limit is reached."""
        now = time.perf_counter()
        self.until = self.until or now + self.seconds
        self.nodes -= 1
        return self.nodes < 0 or self.characters <= 0 or now > self.until


def scrub(value: Any, depth: int = MAX_DEPTH, budget: Budget | None = None) -> Any:
    """`value` without secrets and as plain data: what JSON cannot say becomes the text that Python shows of it.

    It never raises. Structures that are deep or long are cut, and say so.
    """
    budget = budget or Budget()
    try:
        return _scrubbed(value, depth, budget)
    except Exception:  # an app's own collection may do anything, even while it is read
        return budget.clean(shown(value))


def hidden(name: str, value: Any, depth: int = MAX_DEPTH, budget: Budget | None = None) -> Any:
    """`value` as it may stand under `name`: masked whole under that of a secret, else scrubbed.

    true, false and null about a secret may stay. Under the plural of a secret's name numbers stay: they
    are counts.
    """
    budget = budget or Budget()
    if is_secret(name[-MAX_NAME:]):
        return value if value is None or value is True or value is False else REDACTED
    if name[-1:] in "sS" and is_secret(name[-MAX_NAME:-1]):
        try:
            return _plural(value, depth - 1, budget)
        except Exception:  # as above
            return REDACTED
    return scrub(value, depth - 1, budget)


def named(name: Any) -> str:
    """The name of a field, as text without secrets."""
    return bounded(shown_text(name), MAX_NAME)


def shown(value: Any) -> str:
    """`repr(value)`, whatever that does; not for a type that took long to show."""
    kind = type(value)
    until = _slow.get(kind)
    began = time.perf_counter()
    if until is not None and began < until:
        return f"<{_name(kind)}, not shown: that took too long before>"
    try:
        text = plain_text(repr(value))
    except Exception as error:
        text = f"<{_name(kind)} that cannot be shown: {_name(type(error))}>"
    ended = time.perf_counter()
    if ended - began > _SLOW_SECONDS:
        if len(_slow) >= _MOST_SLOW:
            _slow.clear()
        _slow[kind] = ended + _FORGIVEN_SECONDS
    return text


def shown_text(value: Any) -> str:
    """A text as it is, all else as Python shows it."""
    try:
        return plain_text(value) if isinstance(value, str) else shown(value)
    except Exception:  # a proxy without its object may not even have a class
        return shown(value)


def plain_text(text: str) -> str:
    """`text` itself, of a subclass that may do anything as well."""
    return text if type(text) is str else str.__str__(text)


def _name(kind: type) -> str:
    return str(type.__getattribute__(kind, "__name__"))


def _scrubbed(value: Any, depth: int, budget: Budget) -> Any:
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return budget.clean(plain_text(value))
    if isinstance(value, int):
        return _integer(int.__int__(value))
    if isinstance(value, float):
        number = float.__float__(value)
        return number if float("-inf") < number < float("inf") else str(number)
    if isinstance(value, bytes | bytearray):
        return budget.clean(bytes(value[: 2 * MAX_TEXT]).decode("utf-8", "backslashreplace"))
    if isinstance(value, Mapping):
        return _mapping(value, depth, budget)
    if isinstance(value, list | tuple | Set):
        return _sequence(value, depth, budget)
    return budget.clean(shown(value))


def _integer(value: int) -> Any:
    if -LONG_NUMBER < value < LONG_NUMBER:
        return value
    try:
        text = str(value)
    except ValueError:  # of more digits than Python turns into text
        return "[a very long number]"
    masked = redact(text)
    return value if masked == text else masked


def _mapping(value: Mapping[Any, Any], depth: int, budget: Budget) -> Any:
    if depth <= 0:
        return _DEEPER
    clean: dict[str, Any] = {}
    for number, (key, item) in enumerate(value.items()):
        if number == MAX_ITEMS:
            clean["…"] = f"{len(value) - MAX_ITEMS} more"
            break
        if budget.spent():
            clean["…"] = _LEFT_OUT
            break
        name = named(key)
        clean[name] = hidden(plain_text(key) if isinstance(key, str) else name, item, depth, budget)
    return clean


def _sequence(value: Any, depth: int, budget: Budget) -> Any:
    if depth <= 0:
        return _DEEPER
    if _is_pair(value):
        return [scrub(value[0], depth - 1, budget), REDACTED]
    clean: list[Any] = []
    for number, item in enumerate(value):
        if number == MAX_ITEMS:
            clean.append(f"… {len(value) - MAX_ITEMS} more")
            break
        if budget.spent():
            clean.append(_LEFT_OUT)
            break
        clean.append(scrub(item, depth - 1, budget))
    return clean


def _is_pair(value: Any) -> bool:
    """A name and its value, as frameworks keep headers."""
    if not (isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[0], str | bytes)):
        return False
    name = plain_text(value[0]) if isinstance(value[0], str) else value[0][:MAX_NAME].decode("latin-1")
    return isinstance(value[1], str | bytes) and is_secret(name[-MAX_NAME:])


def _plural(value: Any, depth: int, budget: Budget) -> Any:
    if isinstance(value, str | bytes):
        return value if isinstance(value, str) and len(value) < 12 and value.isdigit() else REDACTED
    if budget.spent():
        return REDACTED
    if isinstance(value, Mapping) and depth > 0:
        items = islice(value.items(), MAX_ITEMS)
        return {named(key): _plural(item, depth - 1, budget) for key, item in items}
    if isinstance(value, list | tuple | set | frozenset) and depth > 0:
        parts = [_plural(item, depth - 1, budget) for item in islice(value, MAX_ITEMS)]
        return REDACTED if REDACTED in parts else parts
    return scrub(value, max(depth, 0), budget)
