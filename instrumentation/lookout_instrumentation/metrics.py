"""The metrics of one process: made by name from the catalogue, kept within a budget of series.

A label value that comes from outside (a tenant, a model, a path) can have as many values as somebody cares to send, and
each is a series that Prometheus keeps. So every label has a number of values that it may have, and the process a number
of series: what comes after is counted under `other`, and how often that happened is a metric itself.
"""

import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, cast

from prometheus_client import (
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
from prometheus_client.multiprocess import MultiProcessCollector

from lookout_instrumentation.catalogue import BY_NAME, Metric
from lookout_instrumentation.settings import DEFAULT_LABEL_BUDGET, Settings, SettingsError

OTHER: Final = "other"
# Labels whose values are written in code or fixed by a protocol: a budget of their own would only cost time.
_CLOSED: Final = frozenset(
    {"method", "status", "result", "level", "type", "state", "operation", "window", "reason", "label"}
)

Child = Any  # what labels() returns: a Counter, Gauge or Histogram of prometheus_client


class Family:
    """One metric with its labels; `labels` gives the child that counts, by the order of the catalogue."""

    def __init__(self, metric: Metric, owner: "Metrics", maker: Counter | Gauge | Histogram) -> None:
        self._metric = metric
        self._owner = owner
        self._maker = maker
        self._children: dict[tuple[str, ...], Child] = {}
        self._free = [place for place, label in enumerate(metric.labels) if label not in _CLOSED]
        # A histogram is a series for each bucket, +Inf, a sum and a count.
        self._cost = len(getattr(maker, "_kwargs", {}).get("buckets", ())) + 3 if metric.type == "histogram" else 1

    def labels(self, *values: str) -> Child:
        """The child for these label values; within the budget, or else the one for `other`."""
        child = self._children.get(values)
        return child if child is not None else self._new(values)

    def _new(self, values: tuple[str, ...]) -> Child:
        with self._owner.lock:
            allowed = self._owner.admit(self._metric, self._free, values, self._cost)
            child = self._children.get(allowed)
            if child is None:
                child = self._children[allowed] = self._maker.labels(*allowed)
                self._owner.count(self._cost)
            return child


class Metrics:
    """All metrics of one process, in a registry of their own."""

    def __init__(self, settings: Settings) -> None:
        check_processes(settings)
        # A `_created` series beside each counter would double their number.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.settings = settings
        self.registry = registry = CollectorRegistry()
        self.lock = threading.RLock()
        self._families: dict[str, Any] = {}
        self._values: dict[tuple[str, str], set[str]] = {}
        self._series = 0
        if settings.multiproc_dir is None:
            ProcessCollector(registry=registry)
            PlatformCollector(registry=registry)
            GCCollector(registry=registry)
        self._total = self.get("instrumentation_series")
        self._folded = self.get("instrumentation_folded_total")
        self.get("instrumentation_series_budget").set(settings.series_budget)
        self.get("app_build_info").labels(settings.release, settings.environment).set(1)

    def get(self, name: str) -> Any:
        """The metric of that name: a `Family` when it has labels, else the counter, gauge or histogram itself.

        Raises KeyError for a name that is not in the catalogue.
        """
        with self.lock:
            if name not in self._families:
                self._families[name] = self._make(BY_NAME[name])
            return self._families[name]

    def exposition(self) -> bytes:
        """What /metrics prints, in Prometheus' text format; with several processes the sum of all."""
        if self.settings.multiproc_dir is None:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together, str(self.settings.multiproc_dir))  # type: ignore[no-untyped-call]
        return generate_latest(together)

    def _make(self, metric: Metric) -> Any:
        options: dict[str, Any] = {"registry": self.registry, "labelnames": metric.labels}
        made: Counter | Gauge | Histogram
        if metric.type == "counter":
            made = Counter(metric.name, metric.help, **options)
        elif metric.type == "gauge":
            made = Gauge(metric.name, metric.help, multiprocess_mode=cast(Any, metric.merge), **options)
        else:
            made = Histogram(metric.name, metric.help, buckets=metric.buckets or self.settings.buckets, **options)
        return Family(metric, self, made) if metric.labels else made

    # --- the budget -----------------------------------------------------------------------------------------

    def admit(self, metric: Metric, free: Iterable[int], values: tuple[str, ...], cost: int) -> tuple[str, ...]:
        """`values`, with those that are over a budget replaced by `other`. Called with the lock held."""
        full = self._series + cost > self.settings.series_budget
        allowed = list(values)
        for place in free:
            label, value = metric.labels[place], values[place]
            seen = self._values.setdefault((metric.name, label), set())
            limit = self.settings.label_budgets.get(label, DEFAULT_LABEL_BUDGET)
            if value in seen or value == OTHER:
                continue
            if full or len(seen) >= limit:
                allowed[place] = OTHER
                self._folded.labels(label).inc()
            else:
                seen.add(value)
        return tuple(allowed)

    def count(self, series: int) -> None:
        """Note that so many series were added. Called with the lock held."""
        self._series += series
        self._total.set(self._series)


def check_processes(settings: Settings) -> None:
    """Refuse to run where several processes would each answer a scrape with their own numbers.

    Counters would seem to fall and rise, every rate would be wrong, and nothing would say so.
    """
    folder = settings.multiproc_dir
    if settings.workers > 1 and folder is None:
        raise SettingsError(
            f"{settings.workers} workers would each have their own metrics: set PROMETHEUS_MULTIPROC_DIR to an empty "
            "folder in memory, or run one worker a container and more containers"
        )
    if folder is not None and not (Path(folder).is_dir() and os.access(folder, os.W_OK)):
        raise SettingsError(f"PROMETHEUS_MULTIPROC_DIR: {folder} is not a folder that can be written to")
