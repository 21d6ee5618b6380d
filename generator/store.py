"""Artifacts against the disk: what would change, and the writing of it, all or nothing.

generated.lock decides what is ours. A file it does not list is foreign and never touched; a listed file whose
hash differs was edited by hand and is not overwritten unasked. Nothing else in Lookout writes rendered files.
"""

import contextlib
import difflib
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from generator.artifact import Artifact
from generator.conventions import LOCK_FILE
from generator.diagnostics import Diagnostic, Problems, Span

Action = Literal["create", "update", "delete", "unchanged", "edited", "foreign"]
_HEADER: Final = "# The files that lookout rendered, with their SHA-256. What is not listed here is never touched.\n"


@dataclass(frozen=True, slots=True)
class Change:
    """What one path needs. `before` is the text on disk, `after` the rendered one; None where there is none."""

    action: Action
    path: str
    before: str | None
    after: str | None

    def diff(self) -> str:
        """A unified diff from disk to rendered."""
        before, after = ((text or "").splitlines(keepends=True) for text in (self.before, self.after))
        return "".join(
            difflib.unified_diff(list(before), list(after), f"{self.path} (on disk)", f"{self.path} (rendered)")
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that writing would do to one tree, sorted by path."""

    root: Path
    changes: tuple[Change, ...]

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that are not `unchanged`."""
        return tuple(change for change in self.changes if change.action != "unchanged")

    def diagnostics(self, force: bool = False) -> list[Diagnostic]:
        """Why the plan may not be written: foreign files always, edited ones unless `force`."""
        found = []
        for change in self.changes:
            span = Span(change.path, 1, 1, 1)
            if change.action == "foreign":
                message = "this file is not Lookout's, and Lookout would write here; move it away"
                found.append(Diagnostic("store/foreign", message, span))
            elif change.action == "edited" and not force:
                message = "this file was edited by hand; rendering would undo that (--force does)"
                found.append(Diagnostic("store/edited", message, span, notes=tuple(change.diff().splitlines())))
        return found


def plan_tree(artifacts: Iterable[Artifact], root: Path) -> Plan:
    """Compare `artifacts` with the tree at `root`. Reads only."""
    lock = _read_lock(root)
    wanted = {artifact.path: artifact.content for artifact in artifacts}
    changes = [_change(root, lock, path, text) for path, text in sorted(wanted.items())]
    changes += [change for path in sorted(set(lock) - set(wanted)) if (change := _removal(root, lock, path))]
    return Plan(root, tuple(sorted(changes, key=lambda change: change.path)))


def write_plan(plan: Plan, force: bool = False) -> None:
    """Write everything or nothing: new files are staged beside their places first, then renamed one by one.

    A run that is cut off between two renames leaves whole files, and the next run completes it. Raises Problems.
    """
    problems = plan.diagnostics(force)
    if problems:
        raise Problems(problems)
    try:
        _write(plan)
    except OSError as error:
        span = Span(LOCK_FILE, 1, 1, 1)
        raise Problems([Diagnostic("store/stale", f"could not write the rendered files: {error}", span)]) from error


def _write(plan: Plan) -> None:
    kept = {change.path: change.after for change in plan.changes if change.after is not None}
    with contextlib.ExitStack() as stack:
        staged = [
            (stack.enter_context(_staged(plan.root / change.path, change.after)), plan.root / change.path)
            for change in plan.pending
            if change.after is not None
        ]
        lock = _lock_text(kept)
        lock_path = plan.root / LOCK_FILE
        if not lock_path.is_file() or lock_path.read_text(encoding="utf-8") != lock:
            staged.append((stack.enter_context(_staged(lock_path, lock)), lock_path))
        for temporary, final in staged:
            temporary.replace(final)
    for change in plan.pending:
        if change.after is None:
            (plan.root / change.path).unlink(missing_ok=True)
            _remove_empty_folders(plan.root, (plan.root / change.path).parent)


@contextlib.contextmanager
def _staged(final: Path, text: str) -> Iterator[Path]:
    """A temporary file beside `final` holding `text`; gone afterwards unless it was renamed."""
    final.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{final.name}.", dir=final.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        temporary.chmod(0o644)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _change(root: Path, lock: Mapping[str, str], path: str, text: str) -> Change:
    if (root / path).is_dir():
        return Change("foreign", path, None, text)
    before = _read(root / path)
    if before is None:
        return Change("create", path, None, text)
    if before == text:
        return Change("unchanged", path, before, text)
    if path not in lock:
        return Change("foreign", path, before, text)
    action: Action = "update" if _digest(before) == lock[path] else "edited"
    return Change(action, path, before, text)


def _removal(root: Path, lock: Mapping[str, str], path: str) -> Change | None:
    before = None if (root / path).is_dir() else _read(root / path)
    if before is None:
        return None
    return Change("delete" if _digest(before) == lock[path] else "edited", path, before, None)


def _read(path: Path) -> str | None:
    """The text at `path`; None when there is no such file. Undecodable bytes never equal a rendered text."""
    try:
        return path.read_bytes().decode("utf-8", errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", errors="surrogateescape")).hexdigest()


def _lock_text(files: Mapping[str, str]) -> str:
    return _HEADER + "".join(f"{_digest(text)}  {path}\n" for path, text in sorted(files.items()))


def _read_lock(root: Path) -> dict[str, str]:
    text = _read(root / LOCK_FILE) or ""
    rows = (line.split("  ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {row[1]: row[0] for row in rows if len(row) == 2 and ".." not in row[1].split("/")}


def _remove_empty_folders(root: Path, folder: Path) -> None:
    while folder != root and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
