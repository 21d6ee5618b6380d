"""Several files of one tree changed as one: all of them or none, wherever the run is cut off.

Owns the order in which a change happens. All that is needed is written beside the tree first; until the journal is in
place, nothing of the tree has changed. Until the journal is removed, all can be put back, by the run itself or by the
next one. What the files are and whose, is for the caller, who holds the tree's lock.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from generator.disk.confined import Blocked, Tree
from generator.disk.journal import (
    Entry,
    Journal,
    digest,
    end_journal,
    make_work,
    open_work,
    place_journal,
    read_journal,
    sweep_work,
    write_new,
)


class Rendered(Protocol):
    """What has a text, which may be read from a disk each time."""

    @property
    def content(self) -> str:
        """The text."""


@dataclass(frozen=True, slots=True)
class Step:
    """One file's text before, as `as_text` has it, and what it will be; None where there is no file."""

    path: str
    before: str | None
    after: Rendered | None


def as_text(content: bytes) -> str:
    """Text for any bytes: those that are no UTF-8 never equal a rendered text, and come back as they were."""
    return content.decode("utf-8", errors="surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogateescape")


class Meanwhile(Exception):
    """A file was changed between the comparison and the writing; the tree is as it was."""


def replace_files(tree: Tree, steps: Sequence[Step]) -> None:
    """Carry out the steps in their order, all or none.

    Raises Meanwhile when a file is not what its step says, Blocked and OSError; then the tree is as it was, or, where
    even that cannot be written, the journal stays and `recover` puts it back.
    """
    work = make_work(tree)
    try:
        try:
            journal = _stage(tree, work, steps)
        except BaseException:
            sweep_work(tree, work)
            raise
        try:
            place_journal(work, journal)
            _carry_out(tree, work, steps, journal)
            end_journal(work)
        except BaseException:
            _undo(tree, work, journal)
            sweep_work(tree, work)
            raise
        # What cannot be removed now is removed by the next run.
        with contextlib.suppress(OSError):
            sweep_work(tree, work)
    finally:
        os.close(work)


def recover(tree: Tree, adopt: Callable[[Mapping[str, str | None]], None]) -> bool:
    """Put back what a run that was cut off had begun, and remove what it left; whether there was anything to put back.

    Where what stood there before has been removed, the files stay, and `adopt` is called with the path and the SHA-256
    (None: no file) of all that the run had to do with. Raises Unreadable, Blocked and OSError; can be called again.
    """
    try:
        work = open_work(tree)
    except FileNotFoundError:
        return False
    try:
        journal = read_journal(tree)
        if journal and (kept := _undo(tree, work, journal)):
            adopt(kept)
        sweep_work(tree, work)
    finally:
        os.close(work)
    return journal is not None


def _stage(tree: Tree, work: int, steps: Sequence[Step]) -> Journal:
    """Write all that will be needed, so that a disk that is full is noticed before the tree is touched."""
    entries = []
    for number, step in enumerate(steps):
        before, after = None if step.before is None else digest(_bytes(step.before)), None
        if step.after is not None:
            content = _bytes(step.after.content)
            after = digest(content)
            # The last one is generated.lock: without it the others would be foreign files after a power cut.
            write_new(work, f"new-{number}", content, synced=number == len(steps) - 1)
            if step.before is not None:
                _keep(tree, work, step, f"old-{number}")
        entries.append(Entry(step.path, before, after))
    return Journal(tuple(entries), tuple(_missing_folders(tree, steps)))


def _keep(tree: Tree, work: int, step: Step, name: str) -> None:
    """What stands at the step's place, under another name as well; a copy where the file system has no such links."""
    at, original = tree.place(step.path)
    try:
        os.link(original, name, src_dir_fd=at, dst_dir_fd=work, follow_symlinks=False)
    except OSError:
        write_new(work, name, _bytes(step.before or ""))


def _missing_folders(tree: Tree, steps: Iterable[Step]) -> list[str]:
    """The folders that have to be made, outer ones first."""
    missing: dict[str, None] = {}
    seen: set[str] = set()
    for step in steps:
        parent = step.path.rpartition("/")[0]
        if step.after is None or parent in seen:
            continue
        seen.add(parent)
        parts = parent.split("/") if parent else []
        for folder in ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1)):
            if folder not in missing and tree.folder(folder) is None:
                missing[folder] = None
    return list(missing)


def _carry_out(tree: Tree, work: int, steps: Sequence[Step], journal: Journal) -> None:
    for folder in journal.folders:
        tree.make(folder)
    for number, step in enumerate(steps):
        found = tree.read(step.path)
        if (None if found is None else as_text(found[0])) != step.before:
            raise Meanwhile(step.path)
        at, name = tree.place(step.path)
        if step.after is None:
            os.rename(name, f"old-{number}", src_dir_fd=at, dst_dir_fd=work)
        else:
            os.rename(f"new-{number}", name, src_dir_fd=work, dst_dir_fd=at)
    for folder in sorted({step.path.rpartition("/")[0] for step in steps if step.after is None}, reverse=True):
        while folder and tree.remove_folder(folder):
            folder = folder.rpartition("/")[0]


def _undo(tree: Tree, work: int, journal: Journal) -> dict[str, str | None]:
    """Put back what was begun, the last first; a file that is neither the old nor the new one is a user's and stays.

    Returns nothing when all is put back, otherwise what is there now. Each step goes by what it finds, so that this may
    be cut off and begun again.
    """
    lost = False
    for number, entry in reversed(tuple(enumerate(journal.entries))):
        now, old = _digest_of(tree, entry.path), f"old-{number}"
        if entry.after is None:
            if now is None and _exists(work, old):
                tree.make(entry.path.rpartition("/")[0])
                _put_back(tree, work, old, entry.path)
        elif now == entry.after != entry.before:
            if entry.before is None:
                at, name = tree.place(entry.path)
                os.unlink(name, dir_fd=at)
            elif _exists(work, old):
                _put_back(tree, work, old, entry.path)
            else:
                lost = True
    for folder in reversed(journal.folders):
        tree.remove_folder(folder)
    now_there = {entry: _digest_of(tree, entry.path) for entry in journal.entries} if lost else {}
    return {entry.path: now for entry, now in now_there.items() if now in (entry.before, entry.after)}


def _put_back(tree: Tree, work: int, old: str, path: str) -> None:
    at, name = tree.place(path)
    os.rename(old, name, src_dir_fd=work, dst_dir_fd=at)


def _digest_of(tree: Tree, path: str) -> str | None:
    """The SHA-256 of what stands there, None for nothing; for what is no file, a word that is no SHA-256."""
    try:
        found = tree.read(path)
    except Blocked as error:
        return error.obstacle
    return None if found is None else digest(found[0])


def _exists(work: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=work, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
