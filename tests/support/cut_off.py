"""A change of a tree cut off at each call that changes the disk: killed there, or refused as by a full disk.

The calls are counted where the product makes them, in the module `os`. Each run is a child of its own.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from generator.artifact import Artifact
from generator.diagnostics import Problems
from generator.store.plan import open_tree, plan_tree, write_plan

Files = Mapping[str, str]
Way = Literal["killed", "one error", "disk full"]
Outcome = Literal["done", "cut off", "refused", "broken"]
# All that changes a disk; test_store_cut_off.py holds this list against Python's own audit.
CHANGING: Final = (
    "open", "write", "mkdir", "rmdir", "rename", "replace", "link", "unlink", "remove", "fchmod", "chmod", "fsync",
    "truncate", "ftruncate", "symlink", "utime",
)  # fmt: skip
# What needs room on the disk.
_GROWING: Final = frozenset({"open", "write", "mkdir", "link", "fsync", "symlink"})
_CODES: Final[dict[int, Outcome]] = {0: "done", 3: "refused"}


def render(root: Path, files: Files) -> None:
    """What `lookout render` does with what it has compiled."""
    with open_tree(root):
        write_plan(plan_tree([Artifact(path, text) for path, text in files.items()], root))


def snapshot(root: Path) -> dict[str, tuple[int, bytes]]:
    """All that is below `root`: modes and bytes, folders among them."""
    found = {}
    for path in sorted(root.rglob("*")):
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path.relative_to(root))] = (path.lstat().st_mode, content)
    return found


def calls_of(root: Path, files: Files) -> int:
    """How many changing calls a render makes; it is made."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        with _wrapped(lambda name, call: call()) as counted:
            render(root, files)
        os.write(writing, str(counted[0]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    count = int(os.read(reading, 20))
    os.close(reading)
    return count


def cut(root: Path, files: Files, at: int, way: Way) -> Outcome:
    """Render in a child whose changing call number `at` (from 1) goes wrong in this way; how the child ended."""
    if (child := os.fork()) == 0:
        # An error that is no problem of ours leaves with another code than these.
        code = 4
        try:
            os.umask(0o077)
            code = _cut_here(root, files, at, way)
        except BaseException as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return "cut off"
    return _CODES.get(os.waitstatus_to_exitcode(status), "broken")


def _cut_here(root: Path, files: Files, at: int, way: Way) -> int:
    seen = 0

    def act(name: str, call: Callable[[], Any]) -> Any:
        nonlocal seen
        seen += 1
        if way == "killed" and seen == at:
            os.kill(os.getpid(), signal.SIGKILL)
        if way == "one error" and seen == at:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if way == "disk full" and name in (_GROWING if seen > at else {*_GROWING, "rename", "replace"}) and seen >= at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return call()

    with _wrapped(act):
        try:
            render(root, files)
        except Problems as problems:
            return 3 if {problem.code for problem in problems.diagnostics} == {"store/not-written"} else 4
    return 0


@contextmanager
def _wrapped(act: Callable[[str, Callable[[], Any]], Any]) -> Iterator[list[int]]:
    """Have `act` make each changing call; the number of those that were made."""
    count = [0]
    real = {name: getattr(os, name) for name in CHANGING}

    def wrapper(name: str) -> Callable[..., Any]:
        def called(*arguments: Any, **options: Any) -> Any:
            if name == "open" and not arguments[1] & (os.O_CREAT | os.O_TRUNC):
                return real[name](*arguments, **options)
            count[0] += 1
            if name == "write":
                # Two calls of half each: a process may be killed between them.
                half = len(arguments[1]) // 2
                if half:
                    act(name, lambda: real[name](arguments[0], arguments[1][:half]))
                    count[0] += 1
                    return half + act(name, lambda: real[name](arguments[0], arguments[1][half:]))
            return act(name, lambda: real[name](*arguments, **options))

        return called

    for name in CHANGING:
        setattr(os, name, wrapper(name))
    try:
        yield count
    finally:
        for name, function in real.items():
            setattr(os, name, function)
