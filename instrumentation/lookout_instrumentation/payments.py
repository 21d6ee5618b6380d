"""Payments and their amounts, in US dollars: an app that takes others converts them."""

from typing import Final

from lookout_instrumentation.careful import careful
from lookout_instrumentation.metrics import Metrics
from lookout_instrumentation.outcome import bounded

RESULTS: Final = ("ok", "failed", "refunded")


@careful()
class Payments:
    """Counts payments by who handles them."""

    def __init__(self, metrics: Metrics) -> None:
        self._payments = metrics.get("payments_total")
        self._amounts = metrics.get("payment_amount_usd_total")
        for result in RESULTS:
            self._amounts.labels(result)

    def declare(self, *providers: str) -> None:
        """Start the series of these providers at zero."""
        for provider in providers:
            for result in RESULTS:
                self._payments.labels(provider, result)

    def ok(self, provider: str, amount_usd: float) -> None:
        """Count a payment that went through."""
        self._count(provider, "ok", amount_usd)

    def failed(self, provider: str, amount_usd: float) -> None:
        """Count a failed payment, with its amount."""
        self._count(provider, "failed", amount_usd)

    def refunded(self, provider: str, amount_usd: float) -> None:
        """Count a payment that was given back, as a positive amount."""
        self._count(provider, "refunded", amount_usd)

    def _count(self, provider: str, result: str, amount_usd: float) -> None:
        self.declare(provider := bounded(provider))
        self._payments.labels(provider, result).inc()
        self._amounts.labels(result).inc(abs(float(amount_usd)))
