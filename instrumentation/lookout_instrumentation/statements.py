"""Reads SQL statements: what they do, which of them are the same, and which errors are a time limit.

A fingerprint holds no values, as they can be anybody's: literals and comments are removed, long ones are cut.
"""

import asyncio
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, get_args

Operation = Literal["select", "insert", "update", "delete", "other"]
OPERATIONS: Final[tuple[Operation, ...]] = get_args(Operation)
MAX_FINGERPRINT: Final = 300
# What of a statement is read: bulk inserts are megabytes long.
_READ: Final = 2000
_KNOWN: Final = 1024

_QUOTED: Final = r"[bBnNxX]?'(?:[^']|'')*(?:'|\Z)"
_ESCAPED: Final = r"[eE]'(?:[^'\\]|''|\\.)*(?:'|\Z)"
_ESCAPED_EVERYWHERE: Final = r"'(?:[^'\\]|''|\\.)*(?:'|\Z)|\"(?:[^\"\\]|\"\"|\\.)*(?:\"|\Z)"
_DOLLARS: Final = r"\$(?P<tag>[A-Za-z_]\w*|)\$.*?(?:\$(?P=tag)\$|\Z)"
# Not the number of a parameter ($1, :1, %(id_1)s), nor a digit in a name.
_NUMBER: Final = r"(?<![\w$:%.])\d[\w.]*"
_COMMENT: Final = re.compile(r"--[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)

_STANDARD: Final = re.compile(rf"{_COMMENT.pattern}|{_ESCAPED}|{_QUOTED}|{_DOLLARS}|{_NUMBER}", re.DOTALL)
# MySQL's kind: a backslash escapes in every string, and strings can stand in double quotes.
_MYSQL: Final = re.compile(rf"{_COMMENT.pattern}|#[^\n]*|{_ESCAPED_EVERYWHERE}|{_NUMBER}", re.DOTALL)

_LIST: Final = re.compile(r"\b(IN\s*)\((?!\s*(?:SELECT|WITH)\b)(?:[^()]|\([^()]*\))*(?:\)|\Z)", re.IGNORECASE)
_FIRST_WORD: Final = re.compile(r"[\s(]*([A-Za-z]+)")
_WRITES: Final = re.compile(
    r"\b(?:(INSERT)\s+INTO|(UPDATE)\s+\S+(?:\s+AS\s+\S+)?\s+SET|(DELETE)\s+FROM)\b", re.IGNORECASE
)

# SQLSTATE: query_canceled, lock_not_available. Of MySQL: lock wait, and the limits of MariaDB and MySQL.
_SQLSTATES: Final = frozenset({"57014", "55P03"})
_ERRNOS: Final = frozenset({1205, 1969, 3024})


@dataclass(frozen=True, slots=True)
class Statement:
    """The metrics of a statement."""

    operation: Operation
    fingerprint: str


def described(statement: str, dialect: str) -> Statement:
    """What `statement` is, in the words of SQLAlchemy's dialect of that name."""
    return _described(statement if len(statement) <= _READ else statement[:_READ], dialect in ("mysql", "mariadb"))


@lru_cache(maxsize=_KNOWN)
def _described(statement: str, is_mysql: bool) -> Statement:
    bare = (_MYSQL if is_mysql else _STANDARD).sub(_without_value, statement)
    text = _LIST.sub(r"\1(…)", " ".join(bare.split()))
    return Statement(_operation(text), text[:MAX_FINGERPRINT])


def _without_value(match: re.Match[str]) -> str:
    return " " if match[0].startswith(("--", "/*", "#")) else "?"


def _operation(text: str) -> Operation:
    match = _FIRST_WORD.match(text)
    word = match[1].lower() if match else ""
    if word == "with":
        writes = _WRITES.search(text)
        word = next(filter(None, writes.groups())).lower() if writes else "select"
    return next((operation for operation in OPERATIONS if operation == word), "other")


def is_timeout(error: BaseException | None) -> bool:
    """Whether a statement ran into a time limit: the server's, the driver's, or one that the app set around it."""
    if error is None:
        return False
    if isinstance(error, TimeoutError | asyncio.CancelledError):
        return True
    states: set[Any] = {getattr(error, "sqlstate", None), getattr(error, "pgcode", None)}
    number = error.args[0] if error.args else None
    name = str(getattr(error, "sqlite_errorname", ""))
    is_own = bool(states & _SQLSTATES) or name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
    return is_own or (isinstance(number, int) and number in _ERRNOS) or is_timeout(error.__cause__)
