"""Money that goes to providers: a counter of what is spent, and two gauges of what the app knows of the month.

The counter grows as money is spent and outlives restarts in Prometheus: `increase(cost_usd_total[30d])`. A month to
date is not kept here, because a process that restarts would lose it: an app with a ledger, or with the provider's bill,
reports it with `set_spent`.
"""

from lookout_instrumentation.careful import careful
from lookout_instrumentation.metrics import Metrics
from lookout_instrumentation.outcome import bounded


@careful()
class Costs:
    """Counts what providers are paid."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._cost = metrics.get("cost_usd_total")

    def budget(self, provider: str, usd: float) -> None:
        """Report the monthly budget of a provider."""
        self._cost.labels(provider := bounded(provider))
        self._metrics.get("cost_budget_usd").labels(provider).set(usd)

    def spent(self, provider: str, usd: float) -> None:
        """Add what something has just cost. `llm` does so for the calls that it counts."""
        self._cost.labels(bounded(provider)).inc(max(0.0, float(usd)))

    def set_spent(self, provider: str, usd: float) -> None:
        """Report what was spent with a provider since the month began, from the app's own records."""
        self._metrics.get("cost_spent_usd").labels(bounded(provider)).set(usd)
