"""Events of the browser and the login page: JavaScript errors, and logins through another provider."""

import re
from typing import Final

from lookout_instrumentation.careful import careful
from lookout_instrumentation.metrics import OTHER, Metrics
from lookout_instrumentation.outcome import bounded

# The name of an error's class. Anything else was invented by the sender.
_KIND: Final = re.compile(r"[A-Za-z_$][\w$.]{0,39}", re.ASCII)


@careful()
class Web:
    """Counts errors that browsers report."""

    def __init__(self, metrics: Metrics) -> None:
        self._errors = metrics.get("web_js_errors_total")

    def declare(self, *kinds: str) -> None:
        """Start the series of these kinds at zero."""
        for kind in kinds:
            self._errors.labels(kind)

    def js_error(self, kind: str) -> None:
        """Count one error by its class: `TypeError`."""
        self._errors.labels(kind if _KIND.fullmatch(kind) else OTHER).inc()


@careful()
class OAuth:
    """Counts logins through other providers."""

    def __init__(self, metrics: Metrics) -> None:
        self._logins = metrics.get("oauth_logins_total")

    def declare(self, *providers: str) -> None:
        """Start the series of these providers at zero."""
        for provider in providers:
            for result in ("ok", "failed"):
                self._logins.labels(provider, result)

    def login(self, provider: str, ok: bool = True) -> None:
        """Count one login that came back from the provider, good or not."""
        self.declare(provider := bounded(provider))
        self._logins.labels(provider, "ok" if ok else "failed").inc()
