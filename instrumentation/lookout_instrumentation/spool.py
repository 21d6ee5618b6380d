"""A folder in which error reports wait until the tracker has them.

Owns the files: whole or not there, bounded in number and size. A lock on a file says who is sending it: several
processes share a folder, and the lock of one that died is gone with it.
"""

import os
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final

try:
    import fcntl
except ImportError:  # no such locks on Windows: one process a folder there
    fcntl = None  # type: ignore[assignment]

MAX_FILES: Final = 1000
MAX_BYTES: Final = 20 * 2**20
_SUFFIX: Final = ".envelope"
# A file that was not finished in this time never will be: its process died over it.
_ABANDONED: Final = 3600.0


class Kept:
    """A report in a file that only this process may send for now."""

    def __init__(self, path: Path, file: int, body: bytes) -> None:
        self.body = body
        self._path = path
        self._file = file

    def done(self) -> None:
        """It need not be kept any longer."""
        self._path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Leave it for later, to whichever process comes first."""
        os.close(self._file)


class Spool:
    """A folder of reports, bounded in number and size. What comes when it is full is not taken: the first reports of an
    incident say more than the thousandth."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError when there is no such folder that belongs to us alone."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if folder.is_symlink() or (hasattr(os, "getuid") and found.st_uid != os.getuid()):
            raise PermissionError(f"{folder} belongs to another user")
        folder.chmod(0o700)
        tempfile.TemporaryFile(dir=folder).close()
        self._folder = folder
        for part in folder.glob("*.part"):
            with suppress(OSError):
                if time.time() - part.stat().st_mtime > _ABANDONED:
                    part.unlink()

    def keep(self, body: bytes) -> Kept | None:
        """Write a report, whole or not at all; None when there is no room for it."""
        waiting = self._files()
        size = 0
        for path in waiting:
            with suppress(OSError):  # sent in this moment
                size += path.stat().st_size
        if len(waiting) >= MAX_FILES or size + len(body) > MAX_BYTES:
            return None
        path = self._folder / f"{time.time_ns():020}-{uuid.uuid4().hex}{_SUFFIX}"
        part = path.with_suffix(".part")
        try:
            file = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        except OSError:
            return None
        try:
            with os.fdopen(file, "wb", closefd=False) as stream:
                stream.write(body)
            _lock(file)
            part.replace(path)
        except OSError:  # the disk is full
            os.close(file)
            part.unlink(missing_ok=True)
            return None
        return Kept(path, file, body)

    def claim(self) -> Kept | None:
        """The oldest report that is not being sent."""
        for path in self._files():
            try:
                file = os.open(path, os.O_RDWR)
            except OSError:
                continue
            # Sent and deleted by another process between the look and the lock: no name is left.
            if _lock(file) and os.fstat(file).st_nlink:
                with suppress(OSError):
                    return Kept(path, file, path.read_bytes())
            os.close(file)
        return None

    def waiting(self) -> int:
        """How many reports there are."""
        return len(self._files())

    def _files(self) -> list[Path]:
        """By name, which begins with the time."""
        try:
            return sorted(path for path in self._folder.iterdir() if path.suffix == _SUFFIX)
        except OSError:
            return []


def _lock(file: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
