"""The thread that sends error reports to the tracker, and its retries while the tracker is down.

Owns the order of things: a report is a file from before the first attempt to send it until the tracker's 2xx, so that
neither an outage nor the end of the process loses it. What a file is, is in `spool`.
"""

import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from lookout_instrumentation.spool import Kept, Spool

Result = Literal["sent", "filtered", "dropped", "spooled"]
RESULTS: Final[tuple[Result, ...]] = ("sent", "filtered", "dropped", "spooled")

MAX_WAITING: Final = 200
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
# How often a process looks for files that another one left behind.
_LOOK_EVERY: Final = 30.0
# The longest pause that a tracker may request.
_LONGEST_REQUESTED_PAUSE: Final = 3600.0


@dataclass(frozen=True)
class Answer:
    """What the tracker made of a report. `pause` is how long it wants to be left alone, if it said so."""

    kind: Literal["taken", "refused", "away"]
    pause: float = 0.0


class Outbox:
    """Hands reports to the tracker from a thread of its own, and says what became of each."""

    def __init__(self, spool: Spool | None, count: Callable[[Result], None]) -> None:
        """Without a spool, what cannot be sent at once is dropped. `post` has to be set before the first report."""
        self.post: Callable[[bytes], Answer] = lambda _body: Answer("away")
        self._spool = spool
        self._count = count
        self._begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        """As in a new process: a fork has no thread, and its locks may be held by one that it does not have."""
        self._jobs: deque[Callable[[], bytes | None]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = False
        self._stopped = self._closed = False
        # Nothing is left behind, as far as is known.
        self._idle = self._spool is None
        self._failures = 0
        self._not_before = 0.0

    def start(self) -> None:
        """Send what an earlier process left behind, and what comes."""
        with self._changed:
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name="lookout-errors", daemon=True)
                self._thread.start()

    def put(self, job: Callable[[], bytes | None]) -> bool:
        """Send what `job` makes (or nothing, for None); False when too many wait already. Never blocks."""
        with self._changed:
            if self._closed or len(self._jobs) >= MAX_WAITING:
                return False
            self._jobs.append(job)
            self._changed.notify_all()
        self.start()
        return True

    def flush(self, seconds: float) -> bool:
        """Wait until every report was tried once; False when there was no time for it."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._jobs and not self._busy, seconds)

    def close(self, seconds: float) -> None:
        """Try to send what waits, for so long, and leave the rest in files for the next start."""
        self.flush(seconds)
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        while self._jobs:  # making one can add another
            if body := _made(self._jobs.popleft()):
                self._put_off(self._spool.keep(body) if self._spool else None)
        self._closed = True

    # --- the thread -----------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                if not self._jobs and not self._stopped:
                    self._changed.wait(self._until_next())
                if self._stopped:
                    return
                job = self._jobs.popleft() if self._jobs else None
                self._busy = job is not None
            if job is None:
                self._send_left_behind()
            elif body := _made(job):
                self._send(body)

    def _until_next(self) -> float:
        pause = self._not_before - time.monotonic()
        return _LOOK_EVERY if self._idle else max(pause, 0.0)

    def _send(self, body: bytes) -> None:
        kept = self._spool.keep(body) if self._spool else None
        if time.monotonic() < self._not_before:
            self._put_off(kept)
            return
        answer = self._posted(body)
        if answer.kind == "away":
            self._put_off(kept)
            return
        if kept:
            kept.done()
        self._count("sent" if answer.kind == "taken" else "dropped")

    def _put_off(self, kept: Kept | None) -> None:
        self._count("spooled" if kept else "dropped")
        if kept:
            kept.release()
            self._idle = False

    def _send_left_behind(self) -> None:
        kept = self._spool.claim() if self._spool and time.monotonic() >= self._not_before else None
        if kept is None:
            self._idle = time.monotonic() >= self._not_before
            return
        answer = self._posted(kept.body)
        if answer.kind == "away":
            kept.release()
            return
        kept.done()
        self._count("sent" if answer.kind == "taken" else "dropped")

    def _posted(self, body: bytes) -> Answer:
        """What the tracker answers; when it is away, the next attempt is later each time."""
        try:
            answer = self.post(body)
        except Exception:  # no connection, no name, no time: all are an absence
            answer = Answer("away")
        if answer.kind == "away":
            longest = min(_FIRST_PAUSE * 2**self._failures, _LONGEST_PAUSE)
            self._failures = min(self._failures + 1, 10)
            pause = max(answer.pause, longest * random.uniform(0.5, 1.0))  # not all processes at once
        else:
            self._failures = 0
            pause = answer.pause
        self._not_before = time.monotonic() + min(pause, _LONGEST_REQUESTED_PAUSE) if pause else 0.0
        return answer


def _made(job: Callable[[], bytes | None]) -> bytes | None:
    try:
        return job()
    except Exception:  # a report that cannot be made must not end the thread that sends the others
        return None
