"""`make upgrade`: another version of Lookout into a user's clone, with a plan before anything is written.

Owns the order of the steps. All is made and checked aside; the clone changes in the last step, at once. The code that
runs is the new version's, whichever one the clone has.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.changes.containers import compose_changes
from generator.changes.people import lines, people_changes
from generator.changes.programs import pinned, program_changes
from generator.clients.docker import dotenv
from generator.conventions import LOCK_FILE, SPEC_FILE
from generator.diagnostics import Diagnostic, Problems, Span
from generator.disk.atomic import write_file
from generator.disk.confined import Tree
from generator.disk.journal import digest
from generator.render.compose import COMPOSE_FILE
from generator.store.ownership import parse_lock, read_ownership
from generator.store.plan import open_tree
from generator.verbs.upgrade.changelog import FILE, to_do
from generator.verbs.upgrade.git import Git
from generator.verbs.upgrade.merging import Moved, Sides, commit, merge, sides_of
from generator.verbs.upgrade.places import place_of
from generator.verbs.upgrade.rewriting import rewrite
from generator.verbs.upgrade.switching import back, switch

Say = Callable[[str], None]

_TOOLS_MISSING: Final = 3
_TERMINAL: Final = Path("/dev/tty")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for: the commit, its name for people, and the files of which theirs is kept wholly."""

    target: str
    name: str
    keep: tuple[str, ...] = ()


def upgrade(root: Path, wanted: Wanted, say: Say, agree: Callable[[], bool]) -> bool:
    """Whether the clone at `root` is another version now. Raises Problems, and then it is as it was."""
    clone = Git(root)
    with open_tree(root, say):
        sides = sides_of(clone, wanted.target)
        if sides.base == sides.target:
            say(f"nothing to do: {wanted.name} is in this clone")
            return False
        _check_edited(clone, sides)
        with _aside(clone) as aside:
            moved = merge(clone, aside, sides, wanted.keep)
            rewritten = _rewrite(aside.root)
            _compile(aside.root, say)
            result = commit(clone, aside, sides, wanted.name)
            for line in (*_plan(clone, aside, sides, rewritten), *_places(clone, moved)):
                say(line)
            if not agree():
                say("nothing was changed")
                return False
            switch(clone, sides, result, moved)
    return True


def ask() -> bool:
    """Whether the person at the terminal agrees; without a terminal nothing is changed."""
    try:
        # A terminal cannot be opened for both at once: it has no position.
        with _TERMINAL.open("w", encoding="utf-8") as out, _TERMINAL.open(encoding="utf-8", errors="replace") as typed:
            out.write("go on? [y/N] ")
            out.flush()
            return typed.readline().strip().lower() in ("y", "yes")
    except OSError as error:
        message = "there is no terminal to ask at; nothing was changed"
        raise Problems([Diagnostic("upgrade/refused", message, hint="YES=1 asks nothing")]) from error


def go_back(root: Path) -> str:
    """Undo the last upgrade; what was done, in words. Raises Problems, and then the clone is as it was."""
    with open_tree(root):
        before = back(Git(root))
    return f"this is {before[:12]} again, with what was not committed then; `make up` makes the stack follow"


def _check_edited(clone: Git, sides: Sides) -> None:
    """An edit of a rendered file would be lost. What is as Lookout's own commit has it is no edit: some of its older
    versions list other hashes than those of the files that they hold."""
    with Tree(clone.root) as tree:
        owned = read_ownership(tree)
    files = _texts(clone.root, owned.hashes)
    differ = [path for path, content in files.items() if digest(content) not in owned.hashes[path]]
    edited = [path for path in differ if clone.content(sides.base, path) != files[path]]
    if edited:
        message = "this file was edited by hand; the upgrade would undo that"
        hint = "move the edit into services.yaml, or undo it: `./lookout render --force`"
        raise Problems([Diagnostic("store/edited", message, Span(path, 1, 1, 1), hint=hint) for path in edited])


@contextmanager
def _aside(clone: Git) -> Iterator[Git]:
    """A second work tree of the clone, which is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="lookout-upgrade-"))
    tree = folder / "merged"
    clone.works("worktree", "prune")
    try:
        clone.text("worktree", "add", "--quiet", "--detach", "--no-checkout", str(tree), "HEAD")
        yield Git(tree)
    finally:
        clone.works("worktree", "remove", "--force", str(tree))
        shutil.rmtree(folder, ignore_errors=True)
        clone.works("worktree", "prune")


def _rewrite(root: Path) -> tuple[str, ...]:
    path = root / SPEC_FILE
    before = path.read_bytes().decode("utf-8-sig", errors="replace")
    after, moved = rewrite(before, place_of(root))
    if moved:
        write_file(path, after, path.stat().st_mode & 0o777)
    return moved


def _compile(root: Path, say: Say) -> None:
    """Render and check as the merged tree does it itself, with the user's own edits of Lookout."""
    say("rendered files: made by the new version")
    _lookout(root, "render")
    say("check: everything that can be checked before it runs")
    if _lookout(root, "check") == _TOOLS_MISSING:
        say("some tools are missing here, so not all was checked; `make check` does it once `make up` has brought them")


def _lookout(root: Path, verb: str) -> int:
    env = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-m", "generator", verb], cwd=root, env=env, capture_output=True, text=True)
    if done.returncode not in (0, _TOOLS_MISSING):
        message = f"the new version's `{verb}` finds something in what is yours; nothing was changed"
        raise Problems([Diagnostic("upgrade/refused", message, notes=tuple(done.stderr.strip().splitlines()))])
    return done.returncode


def _plan(clone: Git, aside: Git, sides: Sides, rewritten: tuple[str, ...]) -> Iterator[str]:
    """What changes: for the user to do, in their file, for people, in what runs."""
    pages = [(clone.content(commit, FILE) or b"").decode(errors="replace") for commit in (sides.base, sides.target)]
    for item in to_do(*pages):
        yield f"you must: {item}"
    for sentence in rewritten:
        yield f"services.yaml: {sentence}"
    before, after = (
        {path: text.decode(errors="replace") for path, text in _texts(root, _listed(root)).items()}
        for root in (clone.root, aside.root)
    )
    yield from lines(people_changes(before, after))
    yield from compose_changes(before.get(COMPOSE_FILE, ""), after.get(COMPOSE_FILE, ""))
    yield from _programs(clone, aside)
    if sides.work != sides.head:
        changed = clone.lines("diff", "--name-only", sides.head, sides.work)
        yield f"committed first, since it is not yet: {', '.join(changed)}"


def _programs(clone: Git, aside: Git) -> list[str]:
    """Programs of another version, by the pins of both sides."""
    before, after = (pinned(_text(root / "versions.yaml")) for root in (clone.root, aside.root))
    composed = [_text(aside.root / name) for name in ("compose.yaml", COMPOSE_FILE)]
    return program_changes(before, after, composed, dotenv(clone.root).get("COMPOSE_PROFILES", "").split(","))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _places(clone: Git, moved: Iterable[Moved]) -> Iterator[str]:
    """Where what is not committed goes, and what the result would be lost without."""
    folders = {
        str(Path(each.old).parent): str(Path(each.new).parent) for each in moved if each.old.endswith("/pack.yaml")
    }
    yield from (f"your kind {old}/ moves to {new}/" for old, new in folders.items())
    if not clone.works("symbolic-ref", "--quiet", "HEAD"):
        yield "you are on no branch (detached HEAD): `git switch --create NAME` afterwards keeps the result on one"


def _listed(root: Path) -> tuple[str, ...]:
    lock = root / LOCK_FILE
    return tuple(parse_lock(lock.read_bytes())) if lock.is_file() else ()


def _texts(root: Path, paths: Iterable[str]) -> dict[str, bytes]:
    return {path: (root / path).read_bytes() for path in paths if (root / path).is_file()}
