"""How the business does: events as they happen, and figures that the app computes again and again."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Final

from lookout_instrumentation.careful import careful
from lookout_instrumentation.metrics import Metrics
from lookout_instrumentation.outcome import bounded
from lookout_instrumentation.refresh import Refresh

LOGINS: Final = ("ok", "failed")
# Beyond so many a label has no budget anyway.
_MOST_NAMES: Final = 1000
DAY: Final = "1d"
MONTH: Final = "30d"


@careful("refresh")
class Business:
    """Counts domain events, and keeps the figures of the business fresh."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._events = metrics.get("business_events_total")
        self._registrations = metrics.get("business_registrations_total")
        self._logins = metrics.get("business_logins_total")
        self._funnel = metrics.get("business_funnel_total")
        self._churned = metrics.get("business_churned_total")
        self._refreshes: list[Refresh] = []
        for result in LOGINS:
            self._logins.labels(result)

    def declare(self, *, events: Iterable[str] = (), steps: Iterable[str] = (), tiers: Iterable[str] = ()) -> None:
        """Start the series of these events, steps of the funnel and tiers at zero."""
        for family, names in ((self._events, events), (self._funnel, steps), (self._churned, tiers)):
            for name in islice(names, _MOST_NAMES):
                family.labels(name)

    def event(self, event: str, count: int = 1) -> None:
        """Count a domain event: `analysis`, `export`, `lead`."""
        self._events.labels(bounded(event)).inc(count)

    def registration(self) -> None:
        """Count a new user."""
        self._registrations.inc()

    def login(self, ok: bool = True) -> None:
        """Count a login, good or not."""
        self._logins.labels("ok" if ok else "failed").inc()

    def funnel(self, step: str) -> None:
        """Count a user who has reached a step: `free`, `basic`, `premium`."""
        self._funnel.labels(bounded(step)).inc()

    def churned(self, tier: str) -> None:
        """Count a user who has left a paid tier."""
        self._churned.labels(bounded(tier)).inc()

    def set_active(self, daily: int, monthly: int) -> None:
        """Report how many users were active in the last day, and in the last 30."""
        active = self._metrics.get("business_active_users")
        active.labels(DAY).set(daily)
        active.labels(MONTH).set(monthly)

    def set_users(self, tier: str, count: int) -> None:
        """Report how many users a tier has."""
        self._metrics.get("business_users").labels(bounded(tier)).set(count)

    def set_mrr(self, usd: float) -> None:
        """Report the monthly recurring revenue."""
        self._metrics.get("business_mrr_usd").set(usd)

    def refresh(self, function: Callable[[], Any], every: float = 60) -> "Refresh":
        """Call `function` now and at this interval, so that it reports the figures, until the app ends.

        A plain function runs in a thread of its own. An async one runs in the event loop that is running now: call this
        where the app starts up. Each of several processes calls it. Raises RuntimeError for an async one when no loop
        runs.
        """
        refresh = Refresh(function, every, self._metrics, self._refreshes)
        refresh.start()
        return refresh

    def stop(self) -> None:
        """End the refreshing of all figures; safe to call twice."""
        for refresh in self._refreshes:
            refresh.stop()
