"""A whole demo API for tests: asked through HTTP, with a Redis that can be unplugged and logs that can be read."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

from demo.app import create_app
from demo.settings import Settings
from fakeredis import FakeAsyncRedis, FakeServer
from fastapi.testclient import TestClient
from lookout_instrumentation import Lookout
from lookout_instrumentation import Settings as LookoutSettings
from lookout_instrumentation.logs import Logging
from lookout_instrumentation.metrics import Metrics

TOKEN: Final = "correct-horse"
AUTHORIZED: Final = {"Authorization": f"Bearer {TOKEN}"}
ITEM: Final = "/items/{item_id}"


@dataclass(frozen=True)
class Demo:
    """A running API with handles on what surrounds it."""

    client: TestClient
    lookout: Lookout
    redis: FakeServer

    def value(self, name: str, **labels: str) -> float | None:
        """The value of one series, or None when it does not exist."""
        return self.lookout.metrics.registry.get_sample_value(name, labels)

    def requests(self, handler: str, status: str, method: str = "GET") -> float | None:
        """How many requests were counted."""
        return self.value("http_requests_total", method=method, handler=handler, status=status)

    def switch(self, **state: Any) -> None:
        """Turn faults on or off."""
        assert self.client.post("/switch", json=state).status_code == 200


def settings_in(folder: Path) -> LookoutSettings:
    """The settings that the tests run with; the token is in `folder`."""
    token = folder / "token"
    token.write_text(f"{TOKEN}\n")
    key = folder / "key"
    key.write_text("a key\n")
    return LookoutSettings(
        service="api",
        environment="test",
        release="1.2.3",
        buckets=(0.1, 0.3, 1.0),
        metrics_token_file=token,
        user_hash_key_file=key,
        health_max_age_seconds=0.01,
        health_refresh_seconds=0.05,
    )


@contextmanager
def running(settings: LookoutSettings, *, switches: bool = True) -> Iterator[Demo]:
    """Run the API while the block runs; what it logs is read by nobody unless the block asks."""
    server = FakeServer()
    redis = FakeAsyncRedis(server=server)
    app, lookout = create_app(Settings(switches_enabled=switches), redis, settings, logging=False)
    with captured(lookout.metrics), TestClient(app) as client:
        yield Demo(client, lookout, server)


@contextmanager
def captured(metrics: Metrics | None = None) -> Iterator[list[dict[str, Any]]]:
    """Log as the processes do; when the block ends the list holds every record, parsed."""
    stream, records = StringIO(), list[dict[str, Any]]()
    settings = LookoutSettings(service="api", environment="test")
    logs = Logging(settings, metrics or Metrics(settings), stream)
    logs.start()
    try:
        yield records
    finally:
        logs.stop()
    records.extend(json.loads(line) for line in stream.getvalue().splitlines())
