"""One file written in one step: a reader sees the old one or the new one, even if the writer is interrupted.

Owns the drafts that such a write needs and their removal. A draft is locked by its writer for as long as it lives, so
that one without a lock is a leftover of a process that was killed.
"""

import contextlib
import fcntl
import os
import re
import secrets
import time
from pathlib import Path
from typing import Final

# No name that a person would give a file.
_DRAFT: Final = re.compile(r"\.[0-9a-f]{8}\.lookout-draft")
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_AN_HOUR: Final = 3600.0


def write_file(path: Path, text: str, mode: int) -> None:
    """Put `text` at `path` with exactly `mode`, whatever the umask is. Raises OSError, and then nothing has changed.

    A symbolic link at `path` is replaced, never written through. Leftovers in the same folder are removed.
    """
    sweep_drafts(path.parent)
    while not _written(_draft_beside(path), path, text.encode(), mode):
        pass


def write_cached(path: Path, text: str) -> None:
    """Put `text` at `path` for its owner alone, in one step, but without waiting for the disk and without looking for
    leftovers: for one of thousands of files that can be made again. Their folder is swept by who owns it."""
    while not _written(_draft_beside(path), path, text.encode(), 0o600, durable=False):
        pass


def sweep_drafts(folder: Path, former: re.Pattern[str] | None = None) -> None:
    """Remove drafts in `folder` whose writer is gone; and those older than an hour that are named as `former` says."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if _DRAFT.fullmatch(name):
                _remove_unlocked(folder / name)
            elif former and former.fullmatch(name) and (folder / name).lstat().st_mtime < time.time() - _AN_HOUR:
                (folder / name).unlink()


def _draft_beside(path: Path) -> Path:
    return path.parent / f".{secrets.token_hex(4)}.lookout-draft"


def _written(draft: Path, path: Path, content: bytes, mode: int, durable: bool = True) -> bool:
    """False when a sweep was quicker than the draft's lock."""
    descriptor = os.open(draft, _NEW_FILE, 0o600)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if not os.fstat(descriptor).st_nlink:
            return False
        write_all(descriptor, content)
        os.fchmod(descriptor, mode)
        if durable:
            os.fsync(descriptor)
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    finally:
        os.close(descriptor)
    return True


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of `content`: one call may write less. Raises OSError."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _remove_unlocked(draft: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            draft.unlink()
        finally:
            os.close(descriptor)
