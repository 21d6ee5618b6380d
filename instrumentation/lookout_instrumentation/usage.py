"""What people use most: searches, tools, whatever has names. `topk(10, increase(usage_total{what="search"}[1d]))`.

Names can come from outside, so a name has a series from its second use only: what is typed once is counted as `other`,
and the places that the budget of the label `name` has go to what comes again. A name is redacted, and cut short.
"""

import threading
from collections import OrderedDict
from typing import Final

from lookout_instrumentation.careful import careful
from lookout_instrumentation.metrics import OTHER, Metrics
from lookout_instrumentation.outcome import bounded
from lookout_instrumentation.redaction import redact

MAX_NAME: Final = 40
# First uses that are remembered, the latest ones.
REMEMBERED: Final = 1000


@careful()
class Usage:
    """Counts uses by name."""

    def __init__(self, metrics: Metrics) -> None:
        self._uses = metrics.get("usage_total")
        self._known: set[tuple[str, str]] = set()
        self._seen_once: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    def declare(self, what: str, *names: str) -> None:
        """Start the series of these names at zero; they need no second use."""
        for name in names:
            self._known.add(key := _key(what, name))
            self._uses.labels(*key)

    def used(self, what: str, name: str) -> None:
        """Count one use of `name`, which is a `what`: `used("search", "lamp")`."""
        key = _key(what, name)
        self._uses.labels(key[0], key[1] if self._is_known(key) else OTHER).inc()

    def _is_known(self, key: tuple[str, str]) -> bool:
        if key in self._known:
            return True
        with self._lock:
            if key in self._seen_once:
                del self._seen_once[key]
                if len(self._known) < REMEMBERED:
                    self._known.add(key)
                return True
            self._seen_once[key] = None
            if len(self._seen_once) > REMEMBERED:
                self._seen_once.popitem(last=False)
            return False


def _key(what: str, name: str) -> tuple[str, str]:
    return bounded(what), bounded(redact(bounded(name, 4 * MAX_NAME)).lower(), MAX_NAME)
