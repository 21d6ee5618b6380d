"""Which processes serve the app together, and what those that ended left behind.

Owns what is known of servers' worker processes. It counts nothing itself: `metrics` asks it.
"""

import multiprocessing
import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any, Final

from prometheus_client.multiprocess import mark_process_dead

# Local variables of the servers' own start-up code, by which they are found: package -> its name there.
_SERVERS: Final = {"uvicorn": "config", "gunicorn": "self"}

# The exit code by which a uvicorn worker says that another try would end the same way.
_STARTUP_FAILURE: Final = 3


def server_workers() -> int | None:
    """How many workers the server that loads this app was told to run, or None when none is known.

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
    if getattr(value, "should_reload", False):  # uvicorn --reload has one worker, whatever it was told
        return 1
    workers = getattr(getattr(value, "cfg", value), "workers", None)
    return workers if isinstance(workers, int) else None


def end_supervised(reason: str) -> None:
    """End this process for `reason`, if it is one that uvicorn would start again and again; else do nothing."""
    if multiprocessing.parent_process() is not None and "uvicorn" in sys.modules:
        print(reason, file=sys.stderr, flush=True)
        raise SystemExit(_STARTUP_FAILURE)


def forget_dead(folder: Path) -> None:
    """Remove what ended processes said about themselves as long as they lived; what they counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not _lives(int(pid)):
            forget(int(pid), folder)


def forget(pid: int, folder: Path) -> None:
    """The same for one process that is known to have ended."""
    mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
