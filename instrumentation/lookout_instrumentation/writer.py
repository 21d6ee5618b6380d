"""Gets finished lines out of the process without holding anybody up.

Owns the queue between the loggers and the thread that writes, its bounds, and the count of what was lost. Lines are
bytes by then; what is in them is not its matter. A full pipe never blocks: the queue fills, and then drops. After a
fork the child has a queue and a thread of its own; what waited then is the parent's to write.
"""

import os
import select
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TextIO

MAX_LINES: Final = 10_000
MAX_BYTES: Final = 16 * 2**20
QUEUE_FULL: Final = "queue full"
NOT_WRITTEN: Final = "not written"

# A pipe takes this much in one piece: lines of several processes on one pipe stay whole.
_PIECE: Final = 4096
# Lines are collected for so long: waking a thread costs more than writing a line.
_LINGER: Final = 0.02
# A process that ends waits for a stuck pipe no longer than this.
_FLUSH_SECONDS: Final = 5.0


class Writer:
    """Writes lines to `stream` in a thread of its own; `on_drop` gets the reason and the number of lost lines."""

    def __init__(self, stream: TextIO, on_drop: Callable[[str, int], None]) -> None:
        self._stream = stream
        self._fd = _descriptor(stream)
        self._on_drop = on_drop
        self._direct = False
        self._reset()
        _writers.add(self)

    def _reset(self) -> None:
        """Begin with nothing, as after a fork: its parent's locks and threads mean nothing to a child."""
        self._lines: deque[bytes] = deque()
        self._put_bytes = self._taken_bytes = 0
        # One that a signal's handler can enter in the middle of.
        self._putting = threading.RLock()
        self._writing = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def put(self, line: bytes) -> None:
        """Queue one line, with its line break."""
        if len(self._lines) >= MAX_LINES or self._put_bytes - self._taken_bytes > MAX_BYTES:
            self._on_drop(QUEUE_FULL, 1)
            return
        with self._putting:
            self._put_bytes += len(line)
            self._lines.append(line)
        if self._direct:
            self.flush(1.0)
            return
        if self._thread is None:
            self._start()
        if not self._wake.is_set():
            self._wake.set()

    def flush(self, seconds: float = _FLUSH_SECONDS) -> bool:
        """Write what is queued, here and now; False when there was no time for all of it."""
        return self._drain(time.monotonic() + seconds)

    def direct(self) -> None:
        """Write what is queued, and from now on each line at once: the process is about to end."""
        self._direct = True
        self.flush()

    def stop(self) -> None:
        """Write what is queued and end the thread."""
        self.flush()
        self._stopped = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(1.0)
        if self._lines:
            self._on_drop(NOT_WRITTEN, len(self._lines))
            self._lines.clear()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="lookout-logs", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # too late for threads: the interpreter is shutting down
            self.direct()

    def _run(self) -> None:
        while not self._stopped:
            self._wake.wait()
            self._wake.clear()
            self._drain(None)
            time.sleep(_LINGER)

    def _drain(self, deadline: float | None) -> bool:
        """Write until the queue is empty, under the lock, so that lines stay in order."""
        if not self._writing.acquire(timeout=-1 if deadline is None else max(0.0, deadline - time.monotonic())):
            return False
        try:
            lines = self._lines
            while lines:
                batch = [lines.popleft()]
                size = len(batch[0])
                while lines and size + len(lines[0]) <= _PIECE:
                    batch.append(lines.popleft())
                    size += len(batch[-1])
                self._taken_bytes += size
                if not self._write(b"".join(batch), deadline):
                    self._on_drop(NOT_WRITTEN, len(batch))
                    if deadline is not None and time.monotonic() >= deadline:
                        return False
            return True
        finally:
            self._writing.release()

    def _write(self, data: bytes, deadline: float | None) -> bool:
        try:
            if self._fd is None:
                self._stream.write(data.decode())
                self._stream.flush()
                return True
            return _write_all(self._fd, data, deadline)
        except (OSError, ValueError):  # no reader, a full disk, or the stream is closed
            return False


_writers: Final[weakref.WeakSet[Writer]] = weakref.WeakSet()


def _in_child() -> None:
    for writer in list(_writers):
        writer._reset()


os.register_at_fork(after_in_child=_in_child)


def _descriptor(stream: TextIO) -> int | None:
    """The file below a stream: written to directly, it has no buffer that a fork could double."""
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None


def _write_all(fd: int, data: bytes, deadline: float | None) -> bool:
    """Write all of `data`, waiting for room until the deadline and never longer."""
    rest = memoryview(data)
    while rest:
        if not _has_room(fd, deadline):
            return False
        try:
            rest = rest[os.write(fd, rest[:_PIECE]) :]
        except BlockingIOError:
            time.sleep(0.01)
    return True


def _has_room(fd: int, deadline: float | None) -> bool:
    make: Callable[[], Any] | None = getattr(select, "poll", None)
    if make is None:  # some cooperative schedulers take it away
        return True
    poll = make()
    poll.register(fd, select.POLLOUT)
    wait = None if deadline is None else max(0, int((deadline - time.monotonic()) * 1000))
    return bool(poll.poll(wait))
