"""A process without a server, such as a bot or a consumer of a queue: one call, and a block around each of its works.

It answers probes on a port of its own (LOOKOUT_METRICS_PORT). A piece of work is what a request is elsewhere: it has an
id that all of its lines, reports and calls carry, one line when it ends, and is counted by its source.
"""

from collections.abc import Mapping

import structlog

from lookout_instrumentation import context
from lookout_instrumentation.core import Lookout
from lookout_instrumentation.errors import unhandled
from lookout_instrumentation.health import Check
from lookout_instrumentation.http import error_log
from lookout_instrumentation.outcome import Timed, bounded, status_of
from lookout_instrumentation.server import ProbeServer
from lookout_instrumentation.settings import Settings

log: structlog.stdlib.BoundLogger = structlog.get_logger("lookout.work")


class Process:
    """What `init` returns: the handle of the process, and the blocks of its work."""

    def __init__(self, lookout: Lookout) -> None:
        self.lookout = lookout
        self._server = ProbeServer(lookout.settings, lookout.probes, lambda: None, lookout.fault)
        self._server.start()

    @property
    def port(self) -> int:
        """Where probes are answered."""
        return self._server.port

    def working(self, source: str, request_id: str = "") -> "Work":
        """A block that works on one thing that came from `source`: an update, a message of a queue.

        `request_id` is the id that it came with, if any. Counted in `webhooks_total`, as processed, as rejected (the
        block raised an exception with an HTTP status from 400 to 499) or as failed. What is raised goes on unchanged.
        """
        return Work(self.lookout, bounded(source), request_id)

    def close(self) -> None:
        """Answer no more, and write what still waits."""
        self._server.stop()
        self.lookout.close()


class Work(Timed):
    """One piece of work."""

    def __init__(self, lookout: Lookout, source: str, given: str) -> None:
        self._block = lookout.webhooks.processing(source)
        self._source = source
        self._given = given

    def __enter__(self) -> "Work":
        context.begin(self._given)
        self._block.__enter__()
        return super().__enter__()

    def _ended(self, error: BaseException | None, seconds: float) -> None:
        self._block._ended(error, seconds)
        context.gather()
        fields = {"action": self._source, "duration_ms": round(seconds * 1000, 2)}
        if error is None or (status_of(error) or 0) // 100 == 4:
            log.info("worked", **fields)
        elif isinstance(error, Exception):
            unhandled(error, self._source)
            error_log.error("unhandled exception", exc_info=error, **fields)


def init(
    checks: Mapping[str, Check] | None = None, *, settings: Settings | None = None, logging: bool = True
) -> Process:
    """Answer probes and log as JSON from now on.

    `checks` are the dependencies that /ready reports. A port that is taken is tried
    again every few seconds.
    """
    return Process(Lookout(settings, checks, logging=logging))
