"""One run at a time: two at once would build the same things in the same places."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from images import CACHE
from images.progress import show


@contextmanager
def alone() -> Iterator[None]:
    """Wait for another run to end, and say so."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "images.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            show("another run is at work; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
