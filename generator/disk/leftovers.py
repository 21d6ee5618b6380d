"""Drafts that versions without a journal left beside rendered files when they were killed: `.NAME.XXXXXXXX`.

A user's own file may be called like that (`.prometheus.yml.original`), so that the name alone decides nothing: what is
removed holds a text that Lookout has rendered there, or the beginning of it in a file that was never opened to others.
"""

import contextlib
import os
import re
from collections.abc import Collection, Mapping
from typing import Final

from generator.disk.confined import Blocked, Tree
from generator.disk.journal import digest
from generator.disk.transaction import Rendered

_NAME: Final = re.compile(r"\.(.+)\.[a-z0-9_]{8}")
_UNFINISHED: Final = 0o600


def sweep_leftovers(tree: Tree, texts: Mapping[str, Rendered], hashes: Mapping[str, Collection[str]]) -> None:
    """Remove drafts of rendered files: by path, what they are, and the SHA-256 of what else was rendered there."""
    for folder in sorted({path.rpartition("/")[0] for path in (*texts, *hashes)}):
        with contextlib.suppress(OSError, Blocked):
            at = tree.folder(folder)
            names = () if at is None else os.listdir(at)
            for name in names:
                named = _NAME.fullmatch(name) if name.startswith(".") else None
                if named is None:
                    continue
                path, draft = (f"{folder}/{each}".lstrip("/") for each in (named[1], name))
                if (path in texts or path in hashes) and _is_draft(tree, draft, texts.get(path), hashes.get(path, ())):
                    at, _ = tree.place(draft)
                    os.unlink(name, dir_fd=at)


def _is_draft(tree: Tree, path: str, rendered: Rendered | None, hashes: Collection[str]) -> bool:
    found = tree.read(path)
    if found is None:
        return False
    content, mode = found
    text = None if rendered is None else rendered.content.encode()
    if content == text or digest(content) in hashes:
        return True
    return mode == _UNFINISHED and text is not None and text.startswith(content)
