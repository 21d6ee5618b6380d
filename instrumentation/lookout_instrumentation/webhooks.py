"""Webhooks that others send: worked through, refused (a bad signature, a bad body), or failed on our side."""

from typing import Final, Literal

from lookout_instrumentation.careful import careful
from lookout_instrumentation.metrics import Metrics
from lookout_instrumentation.outcome import Timed, bounded, status_of

RESULTS: Final = ("processed", "rejected", "failed")


@careful("processing")
class Webhooks:
    """Counts and times webhooks by who sends them."""

    def __init__(self, metrics: Metrics) -> None:
        self._webhooks = metrics.get("webhooks_total")
        self._duration = metrics.get("webhook_duration_seconds")

    def declare(self, *sources: str) -> None:
        """Start the series of these sources at zero."""
        for source in sources:
            self._duration.labels(source)
            for result in RESULTS:
                self._webhooks.labels(source, result)

    def processing(self, source: str) -> "Processing":
        """A block that processes one webhook.

        It was rejected when the block says so, or raises an exception that has an HTTP status from 400 to 499, as
        `HTTPException(401)` has; it failed when the block raises any other.
        """
        self.declare(source := bounded(source))
        return Processing(self, source)

    def _count(self, source: str, result: str, seconds: float) -> None:
        self._webhooks.labels(source, result).inc()
        self._duration.labels(source).observe(seconds)


@careful()
class Processing(Timed):
    """One webhook being processed."""

    def __init__(self, webhooks: Webhooks, source: str) -> None:
        self._webhooks = webhooks
        self._source = source
        self._result: Literal["processed", "rejected"] = "processed"

    def rejected(self) -> None:
        """Say that it is not one to act on."""
        self._result = "rejected"

    def _ended(self, error: BaseException | None, seconds: float) -> None:
        result: str = self._result
        if error is not None and result == "processed":
            result = "rejected" if (status_of(error) or 0) // 100 == 4 else "failed"
        self._webhooks._count(self._source, result, seconds)
