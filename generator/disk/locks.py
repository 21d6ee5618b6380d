"""Who may work on a tree, and on what runs: one at a time; the second waits and can say for which process.

Owns the two locks. Both are flock's, which end with their holder however it ends: a lock of a process that was killed
is free. A tree is locked by its own root folder, so that nothing is left in it. What runs is locked by a file in the
machine's folder for locks, which all users reach, so that two trees and two users wait for each other too. A thread
that holds a lock may take it again.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from generator.diagnostics import Diagnostic, Problems

Say = Callable[[str], None]

# An apply waits for containers, some minutes at most; to wait longer without an answer has no use.
LONGEST_WAIT: Final = 600.0
_POLL: Final = 0.05
_PROC: Final = Path("/proc")
# The first of these that all users can write to.
_SHARED: Final = (Path("/run/lock"), Path("/tmp"))
# What flock says on a folder where the file system has none for folders, as over NFS.
_NO_FLOCK: Final = frozenset({errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS})
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_thread = threading.local()


@contextlib.contextmanager
def tree_lock(root: Path, say: Say = lambda _: None, wait: float = LONGEST_WAIT) -> Iterator[None]:
    """Be the only one who writes the tree at `root`, which is made if there is none and goes again if it stays empty.

    Raises Problems: `store/busy` after `wait` seconds, naming the holder; `store/not-written` without a root.
    """
    made = not root.exists()
    with contextlib.ExitStack() as stack:
        try:
            place = root.resolve()
            stack.enter_context(_locked(place, f"the files in {place}", say, wait, folder=True))
        except OSError as error:
            if error.errno not in _NO_FLOCK:
                raise _cannot_lock(root, error) from error
            stack.enter_context(running_lock(f"the files in {root.resolve()}", say, wait))
        if made:
            stack.callback(_remove, root)
        yield


@contextlib.contextmanager
def running_lock(what: str, say: Say = lambda _: None, wait: float = LONGEST_WAIT) -> Iterator[None]:
    """Be the only one on this machine who changes `what`, a name for it that all who change it use.

    Raises Problems: `store/busy` after `wait` seconds, naming the holder; `store/not-written` without a lock.
    """
    with contextlib.ExitStack() as stack:
        path = lock_file(what)
        try:
            if stack.enter_context(_locked(path, what, say, wait)):
                # While it is held: a process that waits for this very file sees that it is gone, and makes another.
                stack.callback(_remove, path)
        except OSError as error:
            raise _cannot_lock(path, error) from error
        yield


def held(root: Path) -> object:
    """This thread's hold of the lock of the tree at `root`, a new object each time that it is taken; None for none."""
    return _thread.__dict__.get("held", {}).get(root.resolve())


def lock_file(what: str) -> Path:
    """Where the lock of `what` is while it is held."""
    folder = next((each for each in _SHARED if _all_may_write(each)), _SHARED[-1])
    return folder / f"lookout-{hashlib.sha256(what.encode()).hexdigest()[:16]}.lock"


@contextlib.contextmanager
def _locked(path: Path, what: str, say: Say, wait: float, folder: bool = False) -> Iterator[bool]:
    """Hold the lock at `path`; True when this thread did not hold it already. Raises Problems, OSError."""
    holds: dict[Path, object] = _thread.__dict__.setdefault("held", {})
    if path in holds:
        yield False
        return
    descriptor = _acquire(path, what, say, time.monotonic() + wait, folder)
    holds[path] = object()
    try:
        yield True
    finally:
        del holds[path]
        os.close(descriptor)


def _acquire(path: Path, what: str, say: Say, deadline: float, folder: bool) -> int:
    waiting = False
    while True:
        with contextlib.ExitStack() as failed:
            descriptor = _opened(path, folder)
            failed.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    message = f"{_holder(descriptor)} is changing {what}"
                    hint = "wait until it has ended; if it hangs, end it: its lock goes with it"
                    raise Problems([Diagnostic("store/busy", message, hint=hint)]) from error
                if not waiting:
                    say(f"waiting: {_holder(descriptor)} is changing {what}")
                waiting = True
            else:
                if _is_still(descriptor, path):
                    failed.pop_all()
                    return descriptor
                continue
        time.sleep(_POLL)


def _opened(path: Path, folder: bool) -> int:
    """The root, made if it is missing, or the lock's file, readable for all users: flock asks for no more."""
    if folder:
        path.mkdir(parents=True, exist_ok=True)
        return os.open(path, _FLAGS | os.O_DIRECTORY)
    while True:
        try:
            # Without O_CREAT: in a folder like /tmp the kernel refuses that for the file of another user.
            descriptor = os.open(path, _FLAGS)
        except FileNotFoundError:
            with contextlib.suppress(FileExistsError):
                made = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o644)
                os.fchmod(made, 0o644)
                os.close(made)
            continue
        status = os.fstat(descriptor)
        if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) != 0o644:
            os.fchmod(descriptor, 0o644)
        return descriptor


def _is_still(descriptor: int, path: Path) -> bool:
    """Whether `path` is what was opened: its last holder may have removed it meanwhile."""
    try:
        now, opened = os.stat(path, follow_symlinks=False), os.fstat(descriptor)
    except FileNotFoundError:
        return False
    return (now.st_dev, now.st_ino) == (opened.st_dev, opened.st_ino)


def _remove(path: Path) -> None:
    """Remove a lock's file, which another user's may stay, or a root in which nothing was written."""
    with contextlib.suppress(OSError):
        path.rmdir() if path.is_dir() else path.unlink()


def _all_may_write(folder: Path) -> bool:
    try:
        mode = folder.stat().st_mode
    except OSError:
        return False
    return stat.S_ISDIR(mode) and mode & 0o1777 == 0o1777


def _holder(descriptor: int) -> str:
    """Which process holds the lock: `process 4711 (since 14:03:10)`, as far as the kernel says so."""
    status = os.fstat(descriptor)
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}"
    pid = 0
    with contextlib.suppress(OSError, ValueError):
        for line in (_PROC / "locks").read_text().splitlines():
            _, kind, _, _, owner, place, *_ = line.split()
            at, _, inode = place.rpartition(":")
            # Some file systems show another device there than stat does.
            if kind == "FLOCK" and inode == str(status.st_ino) and (not pid or at == device):
                pid = int(owner)
    return f"process {pid}{_since(pid)}" if pid > 0 else "another run of Lookout"


def _since(pid: int) -> str:
    """` (since 14:03:10)`: when the process began, with the date when that is not today; empty when it is not known."""
    try:
        ticks = int((_PROC / f"{pid}/stat").read_text().rpartition(")")[2].split()[19])
        boot = next(line for line in (_PROC / "stat").read_text().splitlines() if line.startswith("btime"))
        began = datetime.fromtimestamp(int(boot.split()[1]) + ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError, StopIteration):
        return ""
    return f" (since {began:%H:%M:%S})" if began.date() == datetime.now().date() else f" (since {began:%Y-%m-%d %H:%M})"


def _cannot_lock(path: Path, error: OSError) -> Problems:
    return Problems([Diagnostic("store/not-written", f"{path} cannot be locked: {error.strerror or error}")])
