"""The newest dump in a folder: which it is, how old, how large, and whether it is what was written.

Owns the files; it changes none of them. What Postgres makes of a dump is for backup.scratch to say.
"""

import gzip
import hashlib
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Literal

Format = Literal["custom", "plain"]

SIDECAR: Final = ".sha256"
_UNFINISHED: Final = (SIDECAR, ".part", ".tmp")
_MAGIC: Final = b"PGDMP"
_GZIP: Final = b"\x1f\x8b"
# How scripts/dump.sh calls a dump, and the files beside it.
_MADE: Final = re.compile(r"(?P<service>.+)-\d{8}T\d{6}Z\.dump(?:\.sha256|\.part)?", re.ASCII)
# What pg_dump writes last into a plain dump.
_COMPLETE: Final = b"PostgreSQL database dump complete"


@dataclass(frozen=True, slots=True)
class Dump:
    """One file that pg_dump made. `written` is a time since the epoch."""

    path: Path
    written: float
    size: int


def find_dumps(folder: Path, pattern: str, service: str = "") -> list[Dump]:
    """The finished dumps of `folder`, the newest last; without those that scripts/dump.sh made of another service than
    `service`, when that is given."""
    files = [path for path in folder.glob(pattern) if path.is_file() and not path.name.startswith(".")]
    if service:
        made = ((path, _MADE.fullmatch(path.name)) for path in files)
        files = [path for path, match in made if match is None or match["service"] == service]
    found = [(path, path.stat()) for path in files if not path.name.endswith(_UNFINISHED)]
    return sorted((Dump(path, stat.st_mtime, stat.st_size) for path, stat in found), key=lambda dump: dump.written)


def checksum_problem(dump: Dump) -> str:
    """Why the dump is not known to be what was written; empty when it is."""
    sidecar = dump.path.with_name(dump.path.name + SIDECAR)
    try:
        words = sidecar.read_text(encoding="ascii", errors="replace").split()
    except FileNotFoundError:
        return f"{sidecar.name} is missing"
    with dump.path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return "" if words and words[0].lower() == found else f"{sidecar.name} says another checksum"


def format_of(dump: Dump) -> Format:
    """The format of the dump, from its first bytes."""
    with dump.path.open("rb") as file:
        return "custom" if file.read(len(_MAGIC)) == _MAGIC else "plain"


def plain_problem(dump: Dump) -> str:
    """Why a plain dump is not whole; empty when it ends as pg_dump ends one."""
    tail = b""
    try:
        with gzip.open(dump.path) if _is_gzip(dump) else dump.path.open("rb") as file:
            while block := file.read(2**20):
                tail = (tail + block)[-4096:]
    except (EOFError, OSError) as error:
        return f"cannot be unpacked: {error}"
    if _COMPLETE in tail:
        return ""
    return "is empty" if not tail.strip() else "does not end as a dump ends"


@contextmanager
def opened(dump: Dump) -> Iterator[IO[bytes]]:
    """The dump as Postgres reads it, unpacked if need be; gigabytes pass through a pipe, not through memory."""
    if not _is_gzip(dump):
        with dump.path.open("rb") as file:
            yield file
        return
    with subprocess.Popen(["gzip", "--decompress", "--stdout", str(dump.path)], stdout=subprocess.PIPE) as unpacking:
        assert unpacking.stdout is not None
        yield unpacking.stdout


def _is_gzip(dump: Dump) -> bool:
    with dump.path.open("rb") as file:
        return file.read(len(_GZIP)) == _GZIP
