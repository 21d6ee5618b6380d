"""What a services.yaml renders to, taken from the disk instead of rendered again, where nothing else can come of it.

Owns a folder of marks. A mark stands for one text, one Lookout, one Python and one generated.lock: this Lookout has
rendered that text, without a warning, to the files of that list. Its name is a digest of all of these, which the mark
repeats, so that an empty or renamed file stands for nothing. A tree of which a file is missing or is not what its list
says is never taken from the disk. A home folder that takes no marks costs time alone.
"""

import contextlib
import hashlib
import os
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from generator.artifact import Artifact
from generator.diagnostics import Problems
from generator.disk.atomic import write_file
from generator.disk.confined import FILE_MODE, Blocked, Tree
from generator.disk.journal import digest
from generator.store.ownership import Ownership, read_ownership

_ROOT: Final = Path(__file__).resolve().parents[2]
# All that a text is rendered by: code, templates and packs. A test holds compiling to reading nothing else.
SOURCES: Final = ("generator", "packs")
_KEPT_SECONDS: Final = 30 * 86400


def marks_folder() -> Path:
    """Where the marks are."""
    return Path.home() / ".cache" / "lookout" / "rendered"


def known_artifacts(text: str, file: str, root: Path) -> tuple[Artifact, ...] | None:
    """What `text`, which stands in `file`, renders to; None when only rendering can say that. Reads only."""
    with contextlib.suppress(OSError, Blocked, Problems, UnicodeDecodeError), Tree(root) as tree:
        owned = read_ownership(tree)
        name = _name(text, file, owned)
        if (marks_folder() / name).read_text(encoding="utf-8") == name:
            return _as_listed(tree, owned)
    return None


def remember(text: str, file: str, root: Path) -> None:
    """Mark that `text` was rendered, without a warning, to what generated.lock in `root` lists now."""
    with contextlib.suppress(OSError, Blocked, Problems), Tree(root) as tree:
        folder, name = marks_folder(), _name(text, file, read_ownership(tree))
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / name, name, FILE_MODE)
        for path in folder.iterdir():
            if time.time() - path.stat().st_mtime > _KEPT_SECONDS:
                path.unlink(missing_ok=True)


def _as_listed(tree: Tree, owned: Ownership) -> tuple[Artifact, ...] | None:
    """The files of the list as they stand on the disk, None when one of them is not as listed."""
    found = []
    for path in sorted(owned.hashes):
        read = tree.read(path)
        # A run that was cut off knows two texts of one file.
        if read is None or owned.hashes[path] != {digest(read[0])}:
            return None
        found.append(Artifact(path, read[0].decode()))
    return tuple(found)


def _name(text: str, file: str, owned: Ownership) -> str:
    found = hashlib.sha256()
    for part in (lookout_digest().encode(), file.encode(), text.encode(), owned.lock or b""):
        found.update(b"%d:%b" % (len(part), part))
    return found.hexdigest()


@cache
def lookout_digest() -> str:
    """A digest of all that renders: Lookout's code and packs, Python, and the names of installed packages, which
    have their versions."""
    found = hashlib.sha256(f"{sys.version}\0{_packages()}".encode())
    for path in sorted(each for top in SOURCES for each in _files(_ROOT / top)):
        content = path.read_bytes()
        found.update(b"%b\0%d:%b" % (os.fsencode(path.relative_to(_ROOT)), len(content), content))
    return found.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir():
                yield Path(entry.path)
            elif entry.name != "__pycache__":
                yield from _files(Path(entry.path))


def _packages() -> list[str]:
    """In the order in which Python looks for them."""
    folders = [Path(each) for each in sys.path if Path(each).is_dir()]
    return [path.name for folder in folders for path in sorted(folder.glob("*.dist-info"))]
