"""Programs that are put on the machine: one is there whole or not at all, even if the run is cut off.

What is text goes through generator.disk; a program is made by a compiler, or copied, and is not read into memory here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def made_whole(path: Path) -> Iterator[Path]:
    """Where to make the program; it goes to `path` when the block has ended well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    half.unlink(missing_ok=True)
    yield half
    half.replace(path)
