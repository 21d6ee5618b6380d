"""Keeps secrets out of log records, by the name of the field that carries them.

Works on names only: it is the first of two nets, the log shipper's patterns on values are the second.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from structlog.typing import EventDict, WrappedLogger

REDACTED: Final = "[redacted]"
# Deeper structures than this are not log fields but data, and are left out whole.
MAX_DEPTH: Final = 6

# Whole words of a name: `access_token` and `Set-Cookie` are secrets, `tokens_used` is a count.
_SECRET: Final = re.compile(
    r"(?:^|_)(?:password|passwd|pwd|passphrase|secret|token|jwt|authorization|api_?key|private_?key"
    r"|cookie|credentials?|dsn|card_?number|cvv|email|phone)(?:_|$)"
)
_WORD_BREAK: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Tell whether a field of this name holds a secret, in snake_case, camelCase or Header-Case."""
    return _SECRET.search(_WORD_BREAK.sub("_", name).lower()) is not None


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Structlog processor: replace the value of every secret field, however deeply it is nested."""
    return {name: REDACTED if is_secret(name) else _clean(value, MAX_DEPTH) for name, value in event.items()}


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        if depth == 0:
            return REDACTED
        return {k: REDACTED if is_secret(str(k)) else _clean(v, depth - 1) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item, depth - 1) for item in value] if depth else REDACTED
    return value
