"""The step at which a clone becomes the new version, and the way back. One git operation each.

Owns what git remembers of an upgrade. Whatever fails leaves the work tree as it was, and its changes uncommitted.
"""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from generator.diagnostics import Diagnostic, Problems, Span
from generator.verbs.upgrade.git import Git
from generator.verbs.upgrade.merging import Moved, Sides, snapshot

_BEFORE: Final = "refs/lookout/upgrade/before"
_WORK: Final = "refs/lookout/upgrade/work"
_AFTER: Final = "refs/lookout/upgrade/after"
# The files that moved, a line each; it is not there without any.
_MOVED: Final = "refs/lookout/upgrade/moved"


def switch(clone: Git, sides: Sides, result: str, moved: Sequence[Moved] = ()) -> None:
    """Make `result` the clone's state. Raises Problems, and then nothing has changed."""
    now = snapshot(clone)
    same = clone.text("rev-parse", f"{now}^{{tree}}") == clone.text("rev-parse", f"{sides.work}^{{tree}}")
    if clone.text("rev-parse", "HEAD") != sides.head or not same:
        raise Problems([Diagnostic("upgrade/refused", "files changed while this was under way; nothing was changed")])
    added = clone.lines("diff", "--name-only", "--diff-filter=A", "--no-renames", sides.work, result)
    in_the_way = [path for path in added if os.path.lexists(clone.root / path)]
    if in_the_way:
        message = "this file is yours, and the new version has one of this name; move it away"
        raise Problems([Diagnostic("store/foreign", message, Span(path, 1, 1, 1)) for path in in_the_way])
    index = Path(clone.root, clone.text("rev-parse", "--git-path", "index"))
    kept = index.with_name("index.before-upgrade")
    shutil.copyfile(index, kept)
    try:
        clone.text("reset", "--quiet", "--mixed", sides.work)
        clone.text("merge", "--quiet", "--ff-only", result)
        _move(clone, moved)
    except BaseException:
        _restore(clone, sides, added)
        shutil.copyfile(kept, index)
        raise
    finally:
        kept.unlink()
    for name, commit in ((_BEFORE, sides.head), (_WORK, sides.work), (_AFTER, result)):
        clone.text("update-ref", name, commit)
    clone.works("update-ref", "-d", _MOVED)
    if moved:
        lines = "".join(f"{each.old}\t{each.new}\n" for each in moved)
        clone.text("update-ref", _MOVED, clone.text("hash-object", "-w", "--stdin", given=lines))


def back(clone: Git) -> str:
    """Undo the last upgrade; the commit that the clone is at again. Raises Problems, and then nothing has changed."""
    if not clone.works("rev-parse", "--quiet", "--verify", _AFTER):
        raise Problems([Diagnostic("upgrade/refused", "no upgrade is known here that could be undone")])
    before, work, after = (clone.text("rev-parse", name) for name in (_BEFORE, _WORK, _AFTER))
    if clone.text("rev-parse", "HEAD") != after:
        hint = f"`git revert -m 1 {after[:12]}` undoes the upgrade and keeps them; then `make render`"
        message = "there are commits since the upgrade; nothing was changed"
        raise Problems([Diagnostic("upgrade/refused", message, hint=hint)])
    clone.text("reset", "--quiet", "--keep", work)
    if work != before:
        # What was not committed then is not committed now.
        clone.text("reset", "--quiet", "--mixed", before)
    if clone.works("rev-parse", "--quiet", "--verify", _MOVED):
        rows = (line.split("\t") for line in clone.text("cat-file", "blob", _MOVED).splitlines())
        _move(clone, [Moved(new, old) for old, new in rows])
    for name in (_BEFORE, _WORK, _AFTER, _MOVED):
        clone.works("update-ref", "-d", name)
    return before


def _move(clone: Git, moved: Sequence[Moved]) -> None:
    """Rename each file that is there and has room. Raises Problems, and then none has moved."""
    done: list[Moved] = []
    try:
        for each in moved:
            old, new = clone.root / each.old, clone.root / each.new
            if os.path.lexists(old) and not os.path.lexists(new):
                new.parent.mkdir(parents=True, exist_ok=True)
                old.rename(new)
                done.append(each)
    except OSError as error:
        for one in done:
            (clone.root / one.new).rename(clone.root / one.old)
        message = f"{each.old} cannot be moved: {error.strerror}; nothing was changed"
        raise Problems([Diagnostic("upgrade/refused", message)]) from error
    for folder in sorted({(clone.root / each.old).parent for each in done}, reverse=True):
        _remove_empty(folder)


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _restore(clone: Git, sides: Sides, added: list[str]) -> None:
    clone.works("reset", "--quiet", "--hard", sides.work)
    for path in added:
        (clone.root / path).unlink(missing_ok=True)
    clone.works("reset", "--quiet", "--mixed", sides.head)
