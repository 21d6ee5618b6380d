"""One handle for all that a process tells of itself: `Lookout`.

Owns nothing but the parts and their order: settings, metrics, logging, health. What an app does not use is not made, so
that it exports no series of it.
"""

from collections.abc import Mapping

from lookout_instrumentation import context
from lookout_instrumentation.health import Check, Health
from lookout_instrumentation.http import HttpMetrics
from lookout_instrumentation.logs import configure_logging
from lookout_instrumentation.metrics import Metrics
from lookout_instrumentation.settings import Settings


class Lookout:
    """What `init` of a framework's module returns. One a process; tests make as many as they like."""

    def __init__(
        self,
        settings: Settings | None = None,
        checks: Mapping[str, Check] | None = None,
        *,
        logging: bool = True,
    ) -> None:
        """Read the settings (`Settings.load()` unless given) and start logging, unless `logging` is false.

        `checks` are the dependencies that /ready tells of: name -> what raises when it does not answer.
        Raises SettingsError for settings that cannot be used.
        """
        self.settings = settings or Settings.load()
        self.metrics = Metrics(self.settings)
        self.http = HttpMetrics(self.metrics)
        self.health = Health(checks or {}, self.metrics)
        context.configure(self.settings.user_hash_key_file)
        self.logs = configure_logging(self.settings, self.metrics) if logging else None

    def close(self) -> None:
        """Write the log lines that still wait; safe to call twice."""
        if self.logs:
            self.logs.stop()
