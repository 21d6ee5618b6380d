"""Logs as the processes write them, into a list.

A record that cannot be formatted must be logged inside of `with listening()`: pytest's own handler, which it adds when
a test begins, would fail at it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from lookout_instrumentation import Settings
from lookout_instrumentation.logs import Logging
from lookout_instrumentation.metrics import Metrics


@dataclass
class Captured:
    """What was written so far, and the counters of it."""

    logs: Logging
    metrics: Metrics
    stream: StringIO
    lines: list[str] = field(default_factory=list)

    def records(self) -> list[dict[str, Any]]:
        """Every record up to now, parsed."""
        self.logs.flush()
        return [json.loads(line) for line in self.stream.getvalue().split("\n")[:-1]]

    def one(self) -> dict[str, Any]:
        """The only record."""
        (record,) = self.records()
        return record

    def count(self, name: str, **labels: str) -> float:
        """The value of one series."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


@contextmanager
def listening(stream: StringIO | None = None, **settings: Any) -> Iterator[Captured]:
    """Log as JSON while the block runs."""
    stated = Settings(**{"service": "shop", "environment": "test", **settings})
    captured = Captured(Logging(stated, metrics := Metrics(stated), stream := stream or StringIO()), metrics, stream)
    captured.logs.start()
    try:
        yield captured
    finally:
        captured.logs.stop()
