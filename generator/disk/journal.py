"""The folder of a change under way, and the journal in it that says what goes where.

Owns `.lookout-write` at a tree's root: drafts of what is to be written (`new-0`), what stood there before (`old-0`),
and the journal's form. Another file in that folder is not ours. When the journal counts, and what is done by it, is
for generator.disk.transaction.
"""

import contextlib
import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass
from typing import Final

from generator.disk.atomic import write_all
from generator.disk.confined import FILE_MODE, Blocked, Tree, inside

WORK: Final = ".lookout-write"
JOURNAL: Final = f"{WORK}/journal"
_VERSION: Final = 1
_OURS: Final = re.compile(r"journal(\.new)?|(new|old)-\d+")
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: the SHA-256 of its bytes before and after, in hexadecimal digits; None where there is no file."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Journal:
    """What was begun: the entries in their order, and the folders that are made for them, outer ones first."""

    entries: tuple[Entry, ...]
    folders: tuple[str, ...]


class Unreadable(Exception):
    """The journal is not one that this version wrote."""


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def make_work(tree: Tree) -> int:
    """The descriptor of the folder, made if it is missing. Raises Blocked, OSError."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(WORK, 0o700, dir_fd=tree.top)
        os.chmod(WORK, 0o700, dir_fd=tree.top)
    return open_work(tree)


def open_work(tree: Tree) -> int:
    """The descriptor of the folder. Raises FileNotFoundError when there is none, Blocked, OSError."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(WORK, flags, dir_fd=tree.top)
    except NotADirectoryError as error:
        mode = os.stat(WORK, dir_fd=tree.top, follow_symlinks=False).st_mode
        raise Blocked(WORK, "link" if stat.S_ISLNK(mode) else "no folder") from error


def write_new(work: int, name: str, content: bytes, synced: bool = False) -> None:
    """A new file in the folder, readable for all whatever the umask is: containers of other users read it where it is
    put. `synced`: on the disk when this returns. Raises OSError."""
    descriptor = os.open(name, _NEW_FILE, FILE_MODE, dir_fd=work)
    try:
        write_all(descriptor, content)
        os.fchmod(descriptor, FILE_MODE)
        if synced:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def place_journal(work: int, journal: Journal) -> None:
    """Put the journal in place, in one step. Raises OSError."""
    rows = [(entry.path, entry.before, entry.after) for entry in journal.entries]
    content = json.dumps({"version": _VERSION, "folders": journal.folders, "entries": rows}).encode()
    write_new(work, "journal.new", content + b"\n" + digest(content).encode() + b"\n", synced=True)
    os.rename("journal.new", "journal", src_dir_fd=work, dst_dir_fd=work)


def end_journal(work: int) -> None:
    """Remove the journal: what it says counts no longer. Raises OSError."""
    os.unlink("journal", dir_fd=work)


def read_journal(tree: Tree) -> Journal | None:
    """The journal of a run that was cut off, or is under way; None when there is none.

    Raises Unreadable, Blocked and OSError.
    """
    found = tree.read(JOURNAL)
    if found is None:
        return None
    content, _, end = found[0].removesuffix(b"\n").rpartition(b"\n")
    try:
        if digest(content).encode() != end:
            raise Unreadable("it is not whole")
        loaded = json.loads(content)
        if loaded["version"] != _VERSION:
            raise Unreadable("another version of Lookout wrote it")
        journal = Journal(tuple(Entry(*row) for row in loaded["entries"]), tuple(loaded["folders"]))
        if not all(inside(path) for path in (*(entry.path for entry in journal.entries), *journal.folders)):
            raise Unreadable("it names a file outside the tree")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unreadable("it is no journal") from error
    return journal


def sweep_work(tree: Tree, work: int) -> None:
    """Remove what is ours in the folder, the journal first, and the folder unless something else is in it."""
    for name in sorted(name for name in os.listdir(work) if _OURS.fullmatch(name)):
        os.unlink(name, dir_fd=work)
    with contextlib.suppress(OSError):
        os.rmdir(WORK, dir_fd=tree.top)
