"""A whole demo API for tests: asked through HTTP, with a Redis that can be unplugged and logs that can be read."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

from demo.app import create_app, create_metrics
from demo.instrumentation.logs import logging_as_json
from demo.instrumentation.metrics import AppMetrics
from demo.settings import Settings
from fakeredis import FakeAsyncRedis, FakeServer
from fastapi.testclient import TestClient

TOKEN: Final = "correct-horse"
AUTHORIZED: Final = {"Authorization": f"Bearer {TOKEN}"}
ITEM: Final = "/items/{item_id}"


@dataclass(frozen=True)
class Demo:
    """A running API with handles on what surrounds it."""

    client: TestClient
    metrics: AppMetrics
    redis: FakeServer

    def value(self, name: str, **labels: str) -> float | None:
        """The value of one series, or None when it does not exist."""
        return self.metrics.registry.get_sample_value(name, labels)

    def requests(self, handler: str, status: str, method: str = "GET") -> float | None:
        """How many requests were counted."""
        return self.value("http_requests_total", method=method, handler=handler, status=status)

    def switch(self, **state: Any) -> None:
        """Turn faults on or off."""
        assert self.client.post("/switch", json=state).status_code == 200


def settings_in(folder: Path) -> Settings:
    """The settings that the tests run with; the token is in `folder`."""
    token = folder / "token"
    token.write_text(f"{TOKEN}\n")
    return Settings(metrics_token_file=token, switches_enabled=True, refresh_seconds=0.05)


@contextmanager
def running(settings: Settings) -> Iterator[Demo]:
    """Run the API while the block runs; what it logs is read by nobody unless the block asks."""
    server = FakeServer()
    metrics = create_metrics(settings)
    app = create_app(settings, FakeAsyncRedis(server=server), metrics)
    with captured(), TestClient(app) as client:
        yield Demo(client, metrics, server)


@contextmanager
def captured(on_line: Callable[[str], None] = lambda _level: None) -> Iterator[list[dict[str, Any]]]:
    """Log as the processes do; when the block ends the list holds every record, parsed."""
    stream, records = StringIO(), list[dict[str, Any]]()
    with logging_as_json(service="api", environment="test", level="INFO", stream=stream, on_line=on_line):
        yield records
    records.extend(json.loads(line) for line in stream.getvalue().splitlines())
