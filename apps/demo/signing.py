"""Signatures of webhooks: HMAC-SHA256 over the body, as payment providers do it.

Fails closed: without a key nothing is genuine. The key is read each time, so that a changed one needs no restart.
"""

import hashlib
import hmac
from pathlib import Path
from typing import Final

HEADER: Final = "X-Signature"
_SCHEME: Final = "sha256="


def read_key(file: Path | None) -> bytes | None:
    """The key in `file`, or None when there is none."""
    if file is None:
        return None
    try:
        return file.read_bytes().strip() or None
    except OSError:
        return None


def sign(body: bytes, key: bytes) -> str:
    """The header's value for `body`."""
    return _SCHEME + hmac.new(key, body, hashlib.sha256).hexdigest()


def is_genuine(body: bytes, signature: str, key: bytes | None) -> bool:
    """Was `body` signed with `key`?"""
    return key is not None and hmac.compare_digest(signature.encode(), sign(body, key).encode())
