"""Signatures of webhooks: HMAC-SHA256 over the body, as payment providers do it.

Fails closed: without a key nothing is genuine. The key is read each time, so that a changed one needs no restart.
"""

import hashlib
import hmac
from pathlib import Path
from typing import Final

from lookout_instrumentation.secret_file import read_secret

HEADER: Final = "X-Signature"
_SCHEME: Final = "sha256="


def read_key(file: Path | None) -> bytes | None:
    """The key in `file`, or None when there is none."""
    return read_secret(file) or None


def sign(body: bytes, key: bytes) -> str:
    """The header's value for `body`."""
    return _SCHEME + hmac.new(key, body, hashlib.sha256).hexdigest()


def is_genuine(body: bytes, signature: str, key: bytes | None) -> bool:
    """Was `body` signed with `key`?"""
    return key is not None and hmac.compare_digest(signature.encode(), sign(body, key).encode())
