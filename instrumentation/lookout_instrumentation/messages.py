"""Messages to people by channel: e-mail, chat, SMS."""

from typing import Final

from lookout_instrumentation.careful import careful
from lookout_instrumentation.metrics import Metrics
from lookout_instrumentation.outcome import Timed, bounded

RESULTS: Final = ("sent", "failed")


@careful("sending")
class Messages:
    """Counts messages that were handed to their channel, or could not be."""

    def __init__(self, metrics: Metrics) -> None:
        self._messages = metrics.get("messages_total")

    def declare(self, *channels: str) -> None:
        """Start the series of these channels at zero."""
        for channel in channels:
            for result in RESULTS:
                self._messages.labels(channel, result)

    def sent(self, channel: str, count: int = 1) -> None:
        """Count messages that the channel took."""
        self._add(channel, "sent", count)

    def failed(self, channel: str, count: int = 1) -> None:
        """Count messages that the channel did not take."""
        self._add(channel, "failed", count)

    def sending(self, channel: str) -> "Sending":
        """A block that sends one message: it failed when the block raises."""
        return Sending(self, channel)

    def _add(self, channel: str, result: str, count: int) -> None:
        self.declare(channel := bounded(channel))
        self._messages.labels(channel, result).inc(count)


class Sending(Timed):
    """One message on its way."""

    def __init__(self, messages: Messages, channel: str) -> None:
        self._messages = messages
        self._channel = channel

    def _ended(self, error: BaseException | None, seconds: float) -> None:
        (self._messages.failed if error else self._messages.sent)(self._channel)
