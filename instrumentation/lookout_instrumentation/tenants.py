"""What happens in each tenant of an app that has many: page views, leads, exports, and its live sites.

The first tenants that a process meets have series of their own, as many as the budget of the label `tenant` says; all
others are counted together as `other`.
"""

from lookout_instrumentation.careful import careful
from lookout_instrumentation.metrics import Metrics
from lookout_instrumentation.outcome import bounded


@careful()
class Tenants:
    """Counts by tenant. What their models cost is counted by `llm`."""

    def __init__(self, metrics: Metrics) -> None:
        self._events = metrics.get("tenant_events_total")
        self._sites = metrics.get("tenant_active_sites")

    def event(self, tenant: str, event: str, count: int = 1) -> None:
        """Count something that a tenant's users did: `page_view`, `lead`, `export`."""
        self._events.labels(bounded(tenant), bounded(event)).inc(count)

    def sites(self, tenant: str, count: int) -> None:
        """Report how many of a tenant's sites are live."""
        self._sites.labels(bounded(tenant)).set(count)
