"""A log call as data, and the values that the corpus is made of: always the same ones."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

ALPHABET: Final = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
RANDOM: Final = random.Random(20261121)


@dataclass(frozen=True)
class Call:
    """One log call. `error` is the text of an exception that is logged with it; `secret` is what must be gone."""

    name: str
    message: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    secret: str = ""

    def raw(self) -> str:
        """The line that an app without the library would write."""
        line: dict[str, Any] = {"level": "info", "message": self.message, **self.fields}
        if self.error:
            line["exception"] = f"Traceback (most recent call last):\n  …\nRuntimeError: {self.error}"
        return json.dumps(line, default=lambda value: value.decode() if isinstance(value, bytes) else repr(value))


def say(logger: Any, call: Call) -> None:
    """Make the log call, on a logger of structlog."""
    if not call.error:
        logger.info(call.message, **call.fields)
        return
    try:
        raise RuntimeError(call.error)
    except RuntimeError:
        logger.exception(call.message, **call.fields)


def letters(count: int, alphabet: str = ALPHABET) -> str:
    return "".join(RANDOM.choices(alphabet, k=count))


def digits(count: int) -> str:
    return letters(count, "0123456789")


def password() -> str:
    """As people and generators make them: letters, then something else, then anything."""
    return f"{letters(5)}{digits(2)}{letters(1, '!#$^*')}{letters(4)}"
