"""Artifacts against the disk: what would change, and the writing of it, all or nothing.

generated.lock decides what is ours. A file it does not list is foreign and never touched; a listed file whose
hash differs was edited by hand and is not overwritten unasked. Nothing else in Lookout writes rendered files. How
several files become one change, and how a run that was cut off is put right, is the business of generator.disk.
"""

import contextlib
import difflib
import errno
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from generator.artifact import Artifact
from generator.conventions import LOCK_FILE
from generator.diagnostics import Diagnostic, Problems, Span
from generator.disk.atomic import sweep_drafts
from generator.disk.confined import Blocked, Tree
from generator.disk.journal import Unreadable, digest, read_journal
from generator.disk.leftovers import sweep_leftovers
from generator.disk.locks import LONGEST_WAIT, Say, held, tree_lock
from generator.disk.transaction import Meanwhile, Step, as_text, recover, replace_files
from generator.store.ownership import Ownership, adopt, cannot_recover, linked, lock_text, read_ownership

Action = Literal["create", "update", "delete", "unchanged", "edited", "foreign", "link", "unreadable"]
_HINTS: Final = {
    errno.ENOSPC: "make room on the disk, then run it again",
    errno.EDQUOT: "make room on the disk, then run it again",
    errno.EACCES: "run it as the owner of the folder",
    errno.EPERM: "run it as the owner of the folder",
    errno.EXDEV: "all folders of a rendered tree have to be on one file system",
}
# A file that changes again each time it is compared is left as it is.
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class FileChange:
    """What one path needs. `rendered` is what will be there, None for nothing.

    `found` is the text on disk where it is another one than that. `obstacle` is what stands in the way: the path of a
    link or of a foreign file, or why the file cannot be read.
    """

    action: Action
    path: str
    rendered: Artifact | None
    found: str | None = None
    obstacle: str = ""

    @property
    def before(self) -> str | None:
        """The text on disk, None where there is none."""
        return self.after if self.action == "unchanged" else self.found

    @property
    def after(self) -> str | None:
        """The rendered text, None where there is none."""
        return self.rendered.content if self.rendered else None

    def diff(self) -> str:
        """A unified diff from disk to rendered."""
        before, after = ((_shown(text or "")).splitlines(keepends=True) for text in (self.before, self.after))
        return "".join(
            difflib.unified_diff(list(before), list(after), f"{self.path} (on disk)", f"{self.path} (rendered)")
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that writing would do to one tree, sorted by path."""

    root: Path
    changes: tuple[FileChange, ...]
    owned: Ownership = field(default=Ownership(None, {}), repr=False)
    closed: tuple[str, ...] = ()
    """Files and folders of the tree that other users may not read, though containers run as such."""
    under: object = None
    """The hold of the tree's lock under which it was made; a plan made without one is compared again."""

    @property
    def pending(self) -> tuple[FileChange, ...]:
        """The changes that are not `unchanged`."""
        return tuple(change for change in self.changes if change.action != "unchanged")

    def diagnostics(self, force: bool = False) -> list[Diagnostic]:
        """Why the plan may not be written: edited files unless `force`, and always what is in the way."""
        found = (_problem(change) for change in self.changes if not (force and change.action == "edited"))
        return list(dict.fromkeys(problem for problem in found if problem))


@contextlib.contextmanager
def open_tree(root: Path, say: Say = lambda _: None, wait: float = LONGEST_WAIT) -> Iterator[None]:
    """Be the only one who writes the tree; what a run that was cut off has begun is put back first. Raises Problems."""
    with tree_lock(root, say, wait):
        if _recovered(root):
            say("a run was cut off here; what it had begun is put back")
        yield


def plan_tree(artifacts: Iterable[Artifact], root: Path) -> Plan:
    """Compare `artifacts` with the tree at `root`. Reads only. Raises Problems when it is not known what is ours."""
    wanted = {artifact.path: artifact for artifact in artifacts}
    with _opened(root) as tree:
        owned = read_ownership(tree)
        changes, closed = [], []
        for path in sorted({*wanted, *owned.hashes}):
            change, readable = _change(tree, owned, path, wanted.get(path))
            changes += [change] if change else []
            closed += [] if readable else [path]
        return Plan(root, tuple(changes), owned, (*sorted(tree.closed), *closed), held(root))


def write_plan(plan: Plan, force: bool = False) -> Plan:
    """Write everything or nothing; the plan that was carried out. Raises Problems, and then the tree is as it was.

    Files may have changed since the plan was made: it is made again where that may be, and an edit that the caller has
    not seen is a problem even with `force`.
    """
    with open_tree(plan.root):
        seen = {(change.path, change.before) for change in plan.changes if change.action == "edited"}
        current = plan if plan.under is not None and plan.under is held(plan.root) else _again(plan)
        for _ in range(_ATTEMPTS):
            news = (c for c in current.changes if c.action == "edited" and (c.path, c.before) not in seen)
            problems = [*current.diagnostics(force), *(found for c in news if force and (found := _problem(c)))]
            if problems:
                raise Problems(problems)
            try:
                _write(current)
            except Meanwhile:
                current = _again(plan)
                continue
            return current
    message = "the rendered files change while they are written; nothing was changed"
    raise Problems([Diagnostic("store/not-written", message, Span(LOCK_FILE, 1, 1, 1))])


def _again(plan: Plan) -> Plan:
    return plan_tree((c.rendered for c in plan.changes if c.rendered), plan.root)


def _write(plan: Plan) -> None:
    rendered = {change.path: change.rendered for change in plan.changes if change.rendered}
    lock = lock_text({path: digest(each.content.encode()) for path, each in rendered.items()})
    steps = [Step(c.path, c.found, c.rendered) for c in plan.pending if c.rendered]
    steps += [Step(c.path, c.found, None) for c in plan.pending if not c.rendered]
    # Last: until the lock says so, nothing of it counts.
    if lock != plan.owned.lock:
        before = None if plan.owned.lock is None else as_text(plan.owned.lock)
        steps.append(Step(LOCK_FILE, before, Artifact(LOCK_FILE, lock.decode())))
    with _opened(plan.root) as tree:
        try:
            if steps:
                replace_files(tree, steps)
            for path in plan.closed:
                tree.allow_reading(path)
        except (Blocked, OSError) as error:
            raise Problems([_not_written(tree, error)]) from error
        sweep_leftovers(tree, rendered, plan.owned.hashes)


@contextlib.contextmanager
def _opened(root: Path) -> Iterator[Tree]:
    try:
        tree = Tree(root)
    except OSError as error:
        message = f"{root} cannot be opened: {error.strerror}"
        raise Problems([Diagnostic("store/unreadable", message)]) from error
    with tree:
        yield tree


def _recovered(root: Path) -> bool:
    """Whether there was something to put back."""
    with _opened(root) as tree:
        sweep_drafts(root)
        try:
            return recover(tree, lambda hashes: adopt(tree, hashes))
        except (Unreadable, Blocked) as error:
            raise Problems([cannot_recover(error)]) from error
        except OSError as error:
            raise Problems([_not_written(tree, error)]) from error


def _change(tree: Tree, owned: Ownership, path: str, wanted: Artifact | None) -> tuple[FileChange | None, bool]:
    """What the path needs, None for nothing; and whether other users may read what is there."""
    try:
        found = tree.read(path)
    except Blocked as error:
        if error.obstacle == "link":
            return FileChange("link", path, wanted, obstacle=error.path), True
        # Where nothing is wanted, a folder in the place of a file that was ours is a user's.
        return FileChange("foreign", path, wanted, obstacle=error.path) if wanted else None, True
    except OSError as error:
        return FileChange("unreadable", path, wanted, obstacle=error.strerror or "unknown"), True
    if found is None:
        return FileChange("create", path, wanted) if wanted else None, True
    content, mode = found
    if wanted and content == wanted.content.encode():
        return FileChange("unchanged", path, wanted), mode & 0o444 == 0o444
    return FileChange(_action(owned, path, content, wanted), path, wanted, as_text(content)), True


def _action(owned: Ownership, path: str, content: bytes, wanted: Artifact | None) -> Action:
    if path not in owned.hashes:
        return "foreign"
    if digest(content) not in owned.hashes[path]:
        return "edited"
    return "update" if wanted else "delete"


def _problem(change: FileChange) -> Diagnostic | None:
    """Why a change may not be made; None when it may."""
    span = Span(change.path, 1, 1, 1)
    if change.action == "foreign":
        message = "this file is not Lookout's, and Lookout would write here; move it away"
        if change.obstacle and change.obstacle != change.path:
            message = "this file is not Lookout's, and Lookout needs a folder here; move it away"
        return Diagnostic("store/foreign", message, Span(change.obstacle or change.path, 1, 1, 1))
    if change.action == "edited":
        message = "this file was edited by hand; rendering would undo that (--force does)"
        return Diagnostic("store/edited", message, span, notes=tuple(change.diff().splitlines()))
    if change.action == "link":
        return linked(change.obstacle)
    if change.action == "unreadable":
        return Diagnostic("store/unreadable", f"this file cannot be read: {change.obstacle}", span)
    return None


def _not_written(tree: Tree, error: Exception) -> Diagnostic:
    if isinstance(error, Blocked):
        return linked(error.path)
    assert isinstance(error, OSError)
    begun = False
    with contextlib.suppress(OSError, Unreadable, Blocked):
        begun = read_journal(tree) is not None
    where = f"{error.filename}: " if error.filename else ""
    outcome = "the next run puts back what was begun" if begun else "nothing was changed"
    message = f"the rendered files could not be written: {where}{error.strerror or error}; {outcome}"
    return Diagnostic("store/not-written", message, Span(LOCK_FILE, 1, 1, 1), hint=_HINTS.get(error.errno or 0, ""))


def _shown(text: str) -> str:
    """For people: bytes that are no text as \\xff."""
    return text.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="backslashreplace")
