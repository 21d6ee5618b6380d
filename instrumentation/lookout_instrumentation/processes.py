"""Which processes serve the app together, and what those that ended left behind.

Owns what is known of servers' worker processes. It counts nothing itself: `metrics` asks it.
"""

import multiprocessing
import os
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any, Final

from prometheus_client.multiprocess import mark_process_dead

# Local variables of the servers' own start-up code, by which they are found: package -> its name there.
_SERVERS: Final = {"uvicorn": "config", "gunicorn": "self"}

# Clocks of files and of processes need not agree to the second.
_LATE_SECONDS: Final = 5.0


def server_workers() -> int | None:
    """The configured number of workers of the server that loads this app, or None if unknown.

    The number may stand on its command line alone, so it is read from the server itself, further up the call stack.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package in _SERVERS:
            workers = _workers_of(frame.f_locals.get(_SERVERS[package]))
            if workers is not None:
                return workers
        frame = frame.f_back
    uwsgi: Any = sys.modules.get("uwsgi")
    return None if uwsgi is None else int(uwsgi.numproc)


def _workers_of(value: Any) -> int | None:
    if getattr(value, "should_reload", False):  # uvicorn --reload always has one worker
        return 1
    workers = getattr(getattr(value, "cfg", value), "workers", None)
    return workers if isinstance(workers, int) else None


def parent_of_workers() -> int:
    """The process that all workers of this app have in common: the one that started this one, or this one itself where
    the server loads the app before it starts workers."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        arbiter = frame.f_locals.get("self") if frame.f_globals.get("__name__") == "gunicorn.arbiter" else None
        if arbiter is not None:
            return int(getattr(arbiter, "pid", None) or os.getpid())
        frame = frame.f_back
    uwsgi: Any = sys.modules.get("uwsgi")
    if uwsgi is not None:
        return int(uwsgi.masterpid() or os.getpid()) if uwsgi.worker_id() else os.getpid()
    supervisor = multiprocessing.parent_process()
    return os.getppid() if supervisor is None or supervisor.pid is None else supervisor.pid


def forget_dead(folder: Path) -> None:
    """Remove what ended processes said about themselves as long as they lived; what they counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not _wrote(int(pid), file):
            forget(int(pid), folder)


def _wrote(pid: int, file: Path) -> bool:
    """Whether the process of that number is the one that has written `file`, and not a later one."""
    if not lives(pid):
        return False
    try:
        return _start_time(pid) <= file.stat().st_mtime + _LATE_SECONDS
    except (OSError, ValueError):
        return True


def forget(pid: int, folder: Path) -> None:
    """The same for one process that is known to have ended."""
    mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


def lives(pid: int, began: int = 0) -> bool:
    """Whether there is a process of this number, and of this beginning where one is known (see `started`)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return not began or started(pid) in (began, 0)


def started(pid: int) -> int:
    """When the process began, in the kernel's ticks since the machine did; 0 where that cannot be known."""
    try:
        # What stands in brackets is its name, and may hold anything.
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0


def _start_time(pid: int) -> float:
    """The same in seconds since the epoch. Raises OSError and ValueError where that cannot be known."""
    ticks = started(pid)
    if not ticks:
        raise ValueError("unknown")
    up = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")
