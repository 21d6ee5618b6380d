"""A user's id as it stands in log lines: the first 16 hex digits of HMAC-SHA256(key, id in UTF-8).

The key is the value in secrets/user_hash_key; apps hash with the same key. A line does not show who the user was,
and who knows the id finds the lines.
"""

import hashlib
import hmac
from pathlib import Path
from typing import Final

from generator.conventions import USER_HASH_KEY
from generator.diagnostics import Diagnostic, Problems
from generator.secrets.values import FOLDER, MissingSecret, UnreadableSecret, needed_value

HASH_DIGITS: Final = 16


def user_hash(key: bytes, user: str) -> str:
    """The hash of `user` under `key`."""
    return hmac.new(key, user.encode(), hashlib.sha256).hexdigest()[:HASH_DIGITS]


def read_key(root: Path) -> bytes:
    """The key of the installation in `root`. Raises Problems when there is none."""
    path = f"{FOLDER}/{USER_HASH_KEY}"
    try:
        return needed_value(root / path).encode()
    except MissingSecret as error:
        hint = "`make secrets` makes it"
        raise Problems([Diagnostic("apply/secret-missing", f"{path} {error}", hint=hint)]) from None
    except UnreadableSecret as error:
        raise Problems([Diagnostic("apply/secret-form", f"{path} {error}")]) from None
