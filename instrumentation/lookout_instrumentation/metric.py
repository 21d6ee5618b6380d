"""What one metric of the catalogue is, and the histograms' edges."""

from dataclasses import dataclass
from typing import Final, Literal

Type = Literal["counter", "gauge", "histogram", "info"]
# How gauges of several processes become one: the sum of those alive, or the value that was set last.
Merge = Literal["livesum", "livemostrecent", "livemax", ""]

QUERY_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
CALL_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
TASK_BUCKETS: Final = (0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
COUNT_BUCKETS: Final = (1, 2, 5, 10, 20, 50, 100)


@dataclass(frozen=True)
class Metric:
    """One metric. `buckets` are upper edges in the metric's unit; empty for a histogram whose edges the app sets."""

    name: str
    type: Type
    help: str
    labels: tuple[str, ...]
    part: str
    buckets: tuple[float, ...] = ()
    merge: Merge = ""


def counter(part: str, name: str, help: str, *labels: str) -> Metric:
    """A metric that only grows."""
    return Metric(name, "counter", help, labels, part)


def gauge(part: str, name: str, help: str, *labels: str, merge: Merge = "livemostrecent") -> Metric:
    """A metric that rises and falls."""
    return Metric(name, "gauge", help, labels, part, merge=merge)


def histogram(part: str, name: str, help: str, *labels: str, buckets: tuple[float, ...] = ()) -> Metric:
    """A metric of how often values fell below each edge."""
    return Metric(name, "histogram", help, labels, part, buckets)
