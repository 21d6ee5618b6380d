"""Which files of a rendered tree are ours, and in which state we know them.

Owns generated.lock, the list of rendered files with their SHA-256, and what the journal of a run under way adds to it.
A list that cannot be trusted is a problem, never a shorter list: what is missing from it would become a user's file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from generator.conventions import LOCK_FILE, PRODUCT, SPEC_FILE
from generator.diagnostics import Diagnostic, Problems, Span
from generator.disk.atomic import write_file
from generator.disk.confined import FILE_MODE, Blocked, Tree, inside
from generator.disk.journal import JOURNAL, WORK, Unreadable, read_journal

_HEADER: Final = "# The files that lookout rendered, with their SHA-256. What is not listed here is never touched.\n"
_ROW: Final = re.compile(r"([0-9a-f]{64})  (.+)")
# Never rendered, whatever a list says: what is in there only the user has.
_NEVER_OURS: Final = (".git", "secrets", SPEC_FILE, LOCK_FILE, WORK)
_MERGE: Final = ("<<<<<<< ", "=======", ">>>>>>> ", "||||||| ")
_RESTORE: Final = f"`git checkout {LOCK_FILE}` brings back the last good one"


@dataclass(frozen=True, slots=True)
class Ownership:
    """`lock` is generated.lock as it stands, None for none; `hashes` are, by path, those of the texts that are ours."""

    lock: bytes | None
    hashes: Mapping[str, frozenset[str]]


def read_ownership(tree: Tree) -> Ownership:
    """What the lock lists, and what the journal of a run that was cut off has begun. Raises Problems."""
    lock = _lock_bytes(tree)
    listed = parse_lock(lock or b"")
    # An older Lookout rendered some of what is the product's own now: that stays, and is no longer listed.
    hashes = {path: frozenset({known}) for path, known in listed.items() if not path.startswith(PRODUCT)}
    try:
        journal = read_journal(tree)
    except (Unreadable, Blocked, OSError) as error:
        raise Problems([cannot_recover(error)]) from error
    for entry in journal.entries if journal else ():
        if entry.path != LOCK_FILE:
            known = {each for each in (entry.before, entry.after) if each}
            hashes[entry.path] = hashes.get(entry.path, frozenset()) | known
    return Ownership(lock, hashes)


def parse_lock(content: bytes) -> dict[str, str]:
    """The SHA-256 by path. Raises Problems with each line that is none of ours."""
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise Problems([_bad_line(number, "this line is not UTF-8 text")]) from error
    found: dict[str, str] = {}
    problems = []
    for number, line in enumerate((line.removesuffix("\r") for line in lines), 1):
        if not line or line.startswith("#"):
            continue
        row = _ROW.fullmatch(line)
        if reason := _objection(line, row, found):
            problems.append(_bad_line(number, reason))
        elif row:
            found[row[2]] = row[1]
    if problems:
        raise Problems(problems)
    return found


def lock_text(hashes: Mapping[str, str]) -> bytes:
    """generated.lock for these files: SHA-256 by path."""
    return (_HEADER + "".join(f"{known}  {path}\n" for path, known in sorted(hashes.items()))).encode()


def adopt(tree: Tree, hashes: Mapping[str, str | None]) -> None:
    """List files that are ours in a state that the lock does not know; None: no file. Raises Problems, OSError."""
    listed = {**parse_lock(_lock_bytes(tree) or b""), **hashes}
    known = {path: each for path, each in listed.items() if each is not None and path != LOCK_FILE}
    write_file(tree.root / LOCK_FILE, lock_text(known).decode(), FILE_MODE)


def cannot_recover(error: Exception) -> Diagnostic:
    """What to say of a journal that cannot be followed."""
    span = Span(JOURNAL, 1, 1, 1)
    if isinstance(error, Blocked):
        return linked(error.path)
    reason = error.strerror if isinstance(error, OSError) else str(error)
    message = f"a run was cut off, and its journal cannot be read: {reason}; nothing was changed"
    hint = f"remove {WORK}/, bring the rendered files back with git, and render"
    return Diagnostic("store/unreadable", message, span, hint=hint)


def linked(path: str) -> Diagnostic:
    """What to say of a symbolic link in the way."""
    message = "this is a symbolic link; Lookout writes nothing and removes nothing through one"
    return Diagnostic("store/link", message, Span(path, 1, 1, 1), hint="put a plain file or folder in its place")


def _lock_bytes(tree: Tree) -> bytes | None:
    span = Span(LOCK_FILE, 1, 1, 1)
    try:
        found = tree.read(LOCK_FILE)
    except Blocked as error:
        if error.obstacle == "link":
            raise Problems([linked(LOCK_FILE)]) from error
        raise Problems([Diagnostic("store/unreadable", "this is no file", span, hint=_RESTORE)]) from error
    except OSError as error:
        message = f"this file cannot be read: {error.strerror}"
        raise Problems([Diagnostic("store/unreadable", message, span)]) from error
    return None if found is None else found[0]


def _objection(line: str, row: re.Match[str] | None, found: Mapping[str, str]) -> str:
    """Why a line cannot be believed, or an empty string."""
    if line.startswith(_MERGE):
        return "this is left of a merge in git"
    if row is None:
        return "this line is not a SHA-256, two spaces and a path"
    if not inside(row[2]):
        return "this path leads out of the tree"
    if row[2].split("/")[0] in _NEVER_OURS:
        return f"Lookout never renders {row[2].split('/')[0]}"
    if row[2] in found:
        return "this path is listed twice"
    return ""


def _bad_line(number: int, reason: str) -> Diagnostic:
    return Diagnostic(
        "store/unreadable", f"{reason}; nothing was changed", Span(LOCK_FILE, number, 1, 1), hint=_RESTORE
    )
