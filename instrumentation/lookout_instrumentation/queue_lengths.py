"""How many messages wait in the queues that a Celery worker reads, as its broker says.

Owns when the broker is asked: before a scrape, not twice within a few seconds, and never for long. A broker that does
not answer leaves the last figures; the check `broker` reports that.
"""

import threading
import time
from typing import Any, Final

from kombu.exceptions import ChannelError

from lookout_instrumentation.metrics import Metrics

MAX_AGE_SECONDS: Final = 5.0
TIME_LIMIT_SECONDS: Final = 1.0
_NOT_FOUND: Final = "404"


class QueueLengths:
    """The gauge of one worker's queues; works with every transport that Celery has, through kombu."""

    def __init__(self, app: Any, metrics: Metrics) -> None:
        self._app = app
        self._length = metrics.get("celery_queue_length")
        self._measured_at = float("-inf")
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def refresh(self) -> None:
        """Ask the broker unless that was done a moment ago; returns within the time limit, answer or no."""
        with self._lock:
            thread = self._thread
            if thread is None or not thread.is_alive():
                if time.monotonic() - self._measured_at < MAX_AGE_SECONDS:
                    return
                thread = self._thread = threading.Thread(target=self._measure, name="lookout-queues", daemon=True)
                thread.start()
        thread.join(TIME_LIMIT_SECONDS)

    def _measure(self) -> None:
        try:
            for name, messages in measure(self._app).items():
                self._length.labels(name).set(messages)
        except Exception:  # of as many kinds as there are transports
            return
        self._measured_at = time.monotonic()


def measure(app: Any) -> dict[str, int]:
    """Queue -> messages waiting, for the queues that this process reads. Raises what the transport raises."""
    with app.connection_for_read() as connection:
        return {name: _length(connection, name) for name in app.amqp.queues.consume_from}


def _length(connection: Any, queue: str) -> int:
    channel = connection.channel()
    try:
        return int(channel.queue_declare(queue, passive=True).message_count)
    except ChannelError as error:
        # An empty queue is none: Redis has no empty lists, and RabbitMQ may not know it yet.
        if str(error.reply_code or error.code) != _NOT_FOUND:
            raise
        return 0
    finally:
        channel.close()
