"""Rendered texts beyond what memory should hold, in a file without a name that ends with the process.

Owns where they lie. A disk that takes nothing costs memory alone.
"""

import os
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import IO, Final

# What is held in memory, in characters: all of a site of some hundred services.
HELD: Final = 48 * 2**20


class Spool:
    """One file, made when it is needed first. Many threads may read; one writes."""

    def __init__(self, held: int = HELD) -> None:
        self._room = held
        self._end = 0
        self._file: IO[bytes] | None = None

    def put(self, text: str) -> Callable[[], str] | None:
        """What returns `text` again; None where memory holds it."""
        if self._room >= len(text):
            self._room -= len(text)
            return None
        content, start = text.encode(), self._end
        with suppress(OSError):
            # What is written in part is written over by the next one.
            if os.pwrite(self._descriptor(), content, start) == len(content):
                self._end += len(content)
                return partial(self._read, start, len(content))
        return None

    def _descriptor(self) -> int:
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # for as long as its texts are wanted
            weakref.finalize(self, self._file.close)
        return self._file.fileno()

    def _read(self, start: int, size: int) -> str:
        return os.pread(self._descriptor(), size, start).decode()
