"""Guards an endpoint with a bearer token kept in a file.

Fails closed: no file, an empty file or a file that cannot be read lets nobody in. The token is read
anew for each request (a scrape every few seconds), so that a changed secret needs no restart.
"""

import hmac
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from fastapi import Header, HTTPException


def read_token(file: Path | None) -> bytes | None:
    """Return the token in `file`, or None when there is none."""
    if file is None:
        return None
    try:
        return file.read_bytes().strip() or None
    except OSError:
        return None


def bearer_guard(file: Path | None) -> Callable[[str | None], None]:
    """Return a FastAPI dependency that lets in who presents the token in `file`."""

    def guard(authorization: Annotated[str | None, Header()] = None) -> None:
        scheme, _, given = (authorization or "").partition(" ")
        expected = read_token(file)
        known = expected is not None and hmac.compare_digest(given.strip().encode(), expected)
        if not (known and scheme.lower() == "bearer"):
            raise HTTPException(401, "a bearer token is needed", headers={"WWW-Authenticate": "Bearer"})

    return guard
