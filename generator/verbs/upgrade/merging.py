"""The user's clone and another version of Lookout as one tree, made aside: rendered files never conflict.

Owns what becomes of each file. What Lookout rendered, on either side, is set to the state in which both began, so that
the new version's wins, and is rendered again afterwards. services.yaml is the user's wholly. All else is merged as git
merges it. Nothing here touches the user's work tree.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.conventions import LOCK_FILE, SPEC_FILE
from generator.diagnostics import Diagnostic, Problems, Span
from generator.store.ownership import parse_lock
from generator.verbs.upgrade.git import Git

# Where kinds lie, and where they lay before.
_PACKS: Final = "packs"
_PACKS_ONCE: Final = "generator/packs"


@dataclass(frozen=True, slots=True)
class Sides:
    """What is merged, as commits. `work` is HEAD with changes that are not committed; `base` is where both began."""

    head: str
    work: str
    target: str
    base: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A file of the user's that git does not know, and where the new version looks for it."""

    old: str
    new: str


def snapshot(clone: Git) -> str:
    """HEAD with the user's changes of tracked files, as a commit that no branch knows. HEAD itself without any."""
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        known = Path(clone.root, clone.text("rev-parse", "--git-path", "index"))
        if known.is_file():
            shutil.copyfile(known, index)
        env = {"GIT_INDEX_FILE": str(index)}
        clone.text("add", "--update", env=env)
        tree = clone.text("write-tree", env=env)
    if tree == clone.text("rev-parse", "HEAD^{tree}"):
        return clone.text("rev-parse", "HEAD")
    return clone.commit(tree, ["HEAD"], "Keep what was not committed before the upgrade of Lookout")


def sides_of(clone: Git, target: str) -> Sides:
    """What is to be merged. Raises Problems while a merge is under way, and without a common history."""
    if clone.text("ls-files", "--unmerged") or clone.works("rev-parse", "--quiet", "--verify", "MERGE_HEAD"):
        message = "a merge is under way here; nothing was changed"
        raise Problems([Diagnostic("upgrade/refused", message, hint="`git merge --abort` ends it")])
    if not clone.works("merge-base", "HEAD", target):
        message = "this clone and that version have no common history; nothing was changed"
        raise Problems([Diagnostic("upgrade/refused", message, hint="clone Lookout with its history: docs/upgrade.md")])
    base = clone.text("merge-base", "HEAD", target)
    return Sides(clone.text("rev-parse", "HEAD"), snapshot(clone), clone.text("rev-parse", target), base)


def merge(clone: Git, aside: Git, sides: Sides, keep: Iterable[str]) -> tuple[Moved, ...]:
    """Make the work tree `aside` the merged one, committed nowhere; what has to move in the clone itself. Raises
    Problems with every file in the way."""
    rendered = _rendered(clone, sides)
    _check_foreign(clone, sides)
    base = clone.files(sides.base)
    rows = [
        f"{base[path][0]} {base[path][1]}\t{path}" if path in base else f"0 {'0' * 40}\t{path}" for path in rendered
    ]
    aside.text("read-tree", sides.work)
    aside.text("update-index", "--index-info", given="".join(f"{row}\n" for row in rows))
    started = aside.commit(aside.text("write-tree"), [sides.work], "Rendered files as they were")
    aside.text("checkout", "--quiet", "--force", "--detach", started)
    if not aside.works("merge", "--quiet", "--no-commit", "--no-ff", sides.target):
        _settle(aside, sides, set(keep))
    _move_own_kinds(aside, sides.target)
    own = clone.content(sides.work, SPEC_FILE)
    if own is not None and own != clone.content(sides.base, SPEC_FILE):
        (aside.root / SPEC_FILE).write_bytes(own)
    return _copy_untracked(clone, aside, sides.target)


def commit(clone: Git, aside: Git, sides: Sides, version: str) -> str:
    """The merged tree as a commit. Without anything of the user's it is the new version itself."""
    listed = parse_lock((aside.root / LOCK_FILE).read_bytes())
    aside.text("add", "--update")
    names = "".join(f"{path}\0" for path in (*listed, LOCK_FILE))
    aside.text("add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul", given=names)
    tree = aside.text("write-tree")
    if tree == clone.text("rev-parse", f"{sides.target}^{{tree}}") and sides.work == sides.base:
        return sides.target
    return clone.commit(tree, [sides.work, sides.target], f"Upgrade Lookout to {version}")


def _rendered(clone: Git, sides: Sides) -> list[str]:
    """What was rendered on the user's side, and what the new version renders."""
    locks = [clone.content(commit, LOCK_FILE) or b"" for commit in (sides.work, sides.base, sides.target)]
    return sorted({LOCK_FILE, SPEC_FILE, *(path for lock in locks for path in parse_lock(lock))})


def _check_foreign(clone: Git, sides: Sides) -> None:
    """A file that only the user has, where the new version renders one."""
    theirs = parse_lock(clone.content(sides.target, LOCK_FILE) or b"")
    known = parse_lock(clone.content(sides.work, LOCK_FILE) or b"")
    mine, base = clone.files(sides.work), clone.files(sides.base)
    if problems := [_foreign(path) for path in theirs if path in mine and path not in known and path not in base]:
        raise Problems(problems)


def _settle(aside: Git, sides: Sides, keep: set[str]) -> None:
    """Files that both sides changed: the user's where they say so, else a problem each."""
    conflicts = aside.lines("diff", "--name-only", "--diff-filter=U")
    problems = [_conflict(path) for path in conflicts if path not in keep]
    if problems or not conflicts:
        raise Problems(problems or [Diagnostic("upgrade/refused", "git merge failed; nothing was changed")])
    for path in conflicts:
        if aside.works("cat-file", "-e", f"{sides.work}:{path}"):
            aside.text("checkout", "--force", sides.work, "--", path)
        else:
            aside.text("rm", "--quiet", "--force", "--", path)


def _move_own_kinds(aside: Git, target: str) -> None:
    """A kind that the user wrote lies where the new version looks for kinds."""
    for pack in sorted(aside.root.glob(f"{_PACKS_ONCE}/*/pack.yaml")):
        if aside.works("cat-file", "-e", f"{target}:{pack.relative_to(aside.root)}"):
            continue
        moved = aside.root / _PACKS / pack.parent.name
        if moved.exists():
            raise Problems([_foreign(f"{_PACKS_ONCE}/{pack.parent.name}")])
        moved.parent.mkdir(exist_ok=True)
        aside.text("mv", str(pack.parent.relative_to(aside.root)), str(moved.relative_to(aside.root)))


def _copy_untracked(clone: Git, aside: Git, target: str) -> tuple[Moved, ...]:
    """What the user has beside git counts too: rules and kinds of their own. A kind goes where the new version looks
    for kinds."""
    problems = []
    untracked = clone.lines("ls-files", "--others", "--exclude-standard")
    places = {path: _place(clone, path, target) for path in untracked}
    for path, place in places.items():
        source, copy = clone.root / path, aside.root / place
        if os.path.lexists(copy) or (place != path and os.path.lexists(clone.root / place)):
            problems.append(_foreign(path))
        elif source.is_file() and not source.is_symlink():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
    if problems:
        raise Problems(problems)
    return tuple(Moved(path, place) for path, place in places.items() if path != place)


def _place(clone: Git, path: str, target: str) -> str:
    """Where the new version looks for what the user has at `path`: for a kind, among the kinds."""
    kind = path.removeprefix(f"{_PACKS_ONCE}/").partition("/")[0]
    pack = f"{_PACKS_ONCE}/{kind}/pack.yaml"
    if not path.startswith(f"{_PACKS_ONCE}/{kind}/") or not (clone.root / pack).is_file():
        return path
    stays = clone.works("cat-file", "-e", f"{target}:{pack}") or not clone.works("cat-file", "-e", f"{target}:{_PACKS}")
    return path if stays else _PACKS + path.removeprefix(_PACKS_ONCE)


def _conflict(path: str) -> Diagnostic:
    message = "you changed this file, and so did Lookout, in the same place; nothing was changed"
    hint = f"KEEP='{path}' keeps yours wholly; docs/upgrade.md says what else can be done"
    return Diagnostic("upgrade/conflict", message, Span(path, 1, 1, 1), hint=hint)


def _foreign(path: str) -> Diagnostic:
    message = "this file is yours, and the new version has one of this name; move it away"
    return Diagnostic("store/foreign", message, Span(path, 1, 1, 1))
