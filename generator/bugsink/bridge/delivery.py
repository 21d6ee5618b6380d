"""Alerts on their way to Alertmanager: a bounded queue in memory, and one thread that does not give up.

Alertmanager may be away for as long as it likes: the first alert waits, with those behind it, and is tried again at
growing intervals. When the queue is full, new ones are refused, and counted.
"""

import json
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from .outgoing import NoAnswer, status_of

LENGTH: Final = 100
_TIMEOUT: Final = 5.0
_LONGEST_WAIT: Final = 30.0
_FIRST_WAIT: Final = 1.0

Alert = dict[str, Any]
# Hands over one alert: the HTTP status of the answer. Raises NoAnswer.
Send = Callable[[Alert], int]


def sender(url: str) -> Send:
    """Posts to Alertmanager's API at `url`, on a connection of its own each time."""
    return lambda alert: status_of(url, _TIMEOUT, json.dumps([alert]))


class Delivery:
    """The queue and its thread. `results` counts attempts: delivered, failed (and tried again), rejected."""

    def __init__(self, send: Send, lasts: int, first_wait: float = _FIRST_WAIT) -> None:
        """`lasts`: for how many seconds an alert fires, because it is not known when an error is over."""
        self._send, self._lasts, self._first_wait = send, lasts, first_wait
        self._queue: queue.Queue[Alert] = queue.Queue(LENGTH)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)
        self.results: Counter[str] = Counter(delivered=0, failed=0, rejected=0)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def put(self, alert: Alert) -> bool:
        """Take an alert on; False when there is no room."""
        try:
            self._queue.put_nowait(alert)
        except queue.Full:
            return False
        return True

    @property
    def alive(self) -> bool:
        """Whether anything is delivered at all."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """Alerts that are not delivered yet, the one on its way included."""
        return self._queue.unfinished_tasks

    def stop(self, seconds: float) -> None:
        """Wait until nothing waits, but no longer than that."""
        deadline = time.monotonic() + seconds
        while self.waiting and time.monotonic() < deadline:
            time.sleep(0.05)
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            alert = self._queue.get()
            try:
                self._deliver(alert)
            finally:
                self._queue.task_done()

    def _deliver(self, alert: Alert) -> None:
        wait = self._first_wait
        while not self._stopped.is_set():
            result = self._attempt(alert)
            self.results[result] += 1
            if result != "failed":
                return
            self._stopped.wait(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    def _attempt(self, alert: Alert) -> str:
        """Times are set now: an alert that had to wait stands for as long as any other."""
        now = datetime.now(UTC)
        times = {"startsAt": now.isoformat(), "endsAt": (now + timedelta(seconds=self._lasts)).isoformat()}
        try:
            status = self._send({**alert, **times})
        except NoAnswer:
            return "failed"
        if 200 <= status < 300:
            return "delivered"
        return "rejected" if 400 <= status < 500 and status != 429 else "failed"
