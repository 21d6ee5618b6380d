"""What a program shows on a terminal."""

import os
from contextlib import suppress


def all_of(ours: int) -> bytes:
    """All that comes through our end of a pseudo-terminal until the other one is closed. Closes ours."""
    shown = b""
    with suppress(OSError):  # the other end is closed
        while piece := os.read(ours, 4096):
            shown += piece
    os.close(ours)
    return shown
