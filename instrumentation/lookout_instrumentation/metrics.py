"""The metrics of one process: made by name from the catalogue, kept within a budget of series.

A label value that comes from outside (a tenant, a model, a path) can have any number of values, and
each is a series that Prometheus keeps. So every label has a number of values that it may have, and the process a number
of series: what comes after is counted under `other`, and how often that happened is a metric itself.
"""

import math
import threading
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any, Final, cast

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import Metric as PrometheusMetric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.openmetrics import exposition as openmetrics

from lookout_instrumentation.catalogue import BY_NAME, Metric
from lookout_instrumentation.processes import forget_dead, server_workers
from lookout_instrumentation.settings import DEFAULT_LABEL_BUDGET, Settings
from lookout_instrumentation.sharing import Shared, adopt, shared, shared_with_children

OTHER: Final = "other"
# Labels whose values are written in code or fixed by a protocol: a budget of their own would only cost time.
_CLOSED: Final = frozenset(
    {"method", "status", "result", "level", "type", "state", "operation", "window", "reason", "label"}
)

# What comes from outside may use so much of the series budget. The rest is for what is counted as `other`, so that that
# can still be distinguished by the fixed parts.
_ORDINARY_SHARE: Final = 0.9

Child = Any  # what labels() returns: a Counter, Gauge or Histogram of prometheus_client


class Family:
    """One metric with its labels; `labels` gives the child that counts, by the order of the catalogue."""

    def __init__(self, metric: Metric, owner: "Metrics", maker: Counter | Gauge | Histogram, cost: int) -> None:
        self.metric = metric
        self.free = [place for place, label in enumerate(metric.labels) if label not in _CLOSED]
        self.cost = cost
        self._owner = owner
        self._maker = maker
        self._children: dict[tuple[str, ...], Child] = {}

    def labels(self, *values: str) -> Child:
        """The child for these label values; within the budget, or else the one for `other`."""
        child = self._children.get(values)
        return child if child is not None else self._new(values)

    def _new(self, values: tuple[str, ...]) -> Child:
        values = tuple(value if type(value) is str and value.isascii() else _printable(value) for value in values)
        with self._owner.lock:
            allowed = self._owner.admit(self, values, self._children)
            child = self._children.get(allowed)
            if child is None:
                child = self._children[allowed] = self._maker.labels(*allowed)
            return child


def _printable(value: object) -> str:
    """`value` as text: half of a surrogate pair would make the whole exposition fail."""
    return str(value).encode("utf-8", "replace").decode()


class Metrics:
    """All metrics of one process, in a registry of their own."""

    def __init__(self, settings: Settings) -> None:
        # Where several processes keep their metrics together; `faults` are for the log, which is not there yet.
        self._shared = shared(settings.multiproc_dir, server_workers() or settings.workers)
        self.faults = [self._shared.fault] if self._shared.fault else []
        # A `_created` series beside each counter would double their number.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.settings = settings
        self.registry = registry = CollectorRegistry()
        self.lock = threading.RLock()
        self._families: dict[str, Any] = {}
        self._values: dict[tuple[str, str], set[str]] = {}
        self._series = self._reserved = 0
        if self.folder is None:
            ProcessCollector(registry=registry)
            PlatformCollector(registry=registry)
            GCCollector(registry=registry)
            self._series = sum(len(family.samples) for family in registry.collect())
        self._total: Gauge | None = None
        self._folded = self.get("instrumentation_folded_total")
        self._total = self.get("instrumentation_series")
        self.get("instrumentation_series_budget").set(settings.series_budget)
        self.get("instrumentation_partial").set(int(self._shared.partial))
        self.get("app_build_info").labels(settings.release, settings.environment).set(1)

    def get(self, name: str) -> Any:
        """The metric of that name: a `Family` when it has labels, else the counter, gauge or histogram itself.

        Raises KeyError for a name that is not in the catalogue.
        """
        with self.lock:
            if name not in self._families:
                self._families[name] = self._make(BY_NAME[name])
            return self._families[name]

    @property
    def folder(self) -> Path | None:
        """Where this process keeps its metrics together with others; None where it counts for itself."""
        return self._shared.folder

    def share_with_children(self) -> Shared:
        """Count together with the children that this process will have, from now on."""
        with self.lock:
            if self.folder is None:
                self._shared = shared_with_children()
                if self.folder is not None:
                    adopt(self.registry)
                self.get("instrumentation_partial").set(int(self._shared.partial))
        return self._shared

    def exposition(self, *, exemplars: bool = False) -> bytes:
        """What /metrics prints, in Prometheus' text format; with several processes the sum of all.

        The app's own metrics, made with prometheus-client's default registry, are among it. With `exemplars` it is in
        the OpenMetrics format, which can name the trace of an observation.
        """
        folder = self.folder
        printed = openmetrics.generate_latest if exemplars else generate_latest
        if folder is None:
            return printed(cast(CollectorRegistry, _Together(self.registry, REGISTRY)))
        forget_dead(folder)
        together = CollectorRegistry()
        MultiProcessCollector(together, str(folder))  # type: ignore[no-untyped-call]
        return printed(together)

    def _make(self, metric: Metric) -> Any:
        options: dict[str, Any] = {"registry": self.registry, "labelnames": metric.labels}
        made: Counter | Gauge | Histogram
        cost = 1
        if metric.type == "counter":
            made = Counter(metric.name, metric.help, **options)
        elif metric.type == "gauge":
            made = Gauge(metric.name, metric.help, multiprocess_mode=cast(Any, metric.merge), **options)
        else:
            buckets = metric.buckets or self.settings.buckets
            made = Histogram(metric.name, metric.help, buckets=buckets, **options)
            cost = len(buckets) + 3  # the one without an edge, the sum and the count
        if not metric.labels:
            self._count(cost)
            return made
        self._reserved += cost  # for the child whose every label is `other`
        family = Family(metric, self, made, cost)
        for place in family.free:
            self._folded.labels(metric.labels[place])  # at zero, so that the first one folded is an increase
        return family

    # --- the budget -----------------------------------------------------------------------------------------

    def has_room(self, share: float) -> bool:
        """Whether less than this share of the series budget is used."""
        return self._series < share * self.settings.series_budget

    def admit(self, family: Family, values: tuple[str, ...], existing: Container[tuple[str, ...]]) -> tuple[str, ...]:
        """`values`, with those that are over a budget replaced by `other`. Called with the lock held.

        When the process' series run out, first what comes from outside is folded, and what the code itself fixes (a
        status, a result) is kept: alerts hang on it. In the very end each metric has one child left, for which room is
        kept.
        """
        metric, within = family.metric, list(values)
        for place in family.free:
            if not self._knows(metric, place, values[place]):
                within[place] = OTHER
        ordinary = tuple(within)
        folded = tuple(OTHER if place in family.free else value for place, value in enumerate(values))
        last = (OTHER,) * len(values)
        budget = self.settings.series_budget
        needed = self._series + self._reserved + family.cost
        for allowed, limit in ((ordinary, _ORDINARY_SHARE * budget), (folded, budget), (last, math.inf)):
            if allowed in existing:
                break
            if needed <= limit or allowed == last:
                self._add(family, allowed, last)
                break
        if family is not self._folded:
            for label, wanted, given in zip(metric.labels, values, allowed, strict=True):
                if given != wanted:
                    self._folded.labels(label).inc()
        return allowed

    def _knows(self, metric: Metric, place: int, value: str) -> bool:
        label = metric.labels[place]
        seen = self._values.setdefault((metric.name, label), set())
        limit = self.settings.label_budgets.get(label, DEFAULT_LABEL_BUDGET)
        return value in seen or value == OTHER or len(seen) < limit

    def _add(self, family: Family, values: tuple[str, ...], last: tuple[str, ...]) -> None:
        for place in family.free:
            if values[place] != OTHER:
                self._values[family.metric.name, family.metric.labels[place]].add(values[place])
        if values == last:
            self._reserved -= family.cost
        self._count(family.cost)

    def _count(self, series: int) -> None:
        self._series += series
        if self._total is not None:
            self._total.set(self._series)


class _Together:
    """Two registries as one to be printed: of the second only what the first does not have."""

    def __init__(self, first: CollectorRegistry, second: CollectorRegistry) -> None:
        self._first = first
        self._second = second

    def collect(self) -> Iterator[PrometheusMetric]:
        """Every family of both."""
        names = set()
        for family in self._first.collect():
            names.add(family.name)
            yield family
        yield from (family for family in self._second.collect() if family.name not in names)
