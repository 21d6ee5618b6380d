"""A whole demo API for tests: asked through HTTP, with a Redis that can be unplugged and logs that can be read."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

import httpx2
from demo import tasks
from demo.app import Connections, create_app
from demo.database import prepare
from demo.days import Calendar
from demo.outside import LLM, MESSENGER, Calls, OutsideNow
from demo.providers import Options, create_providers
from demo.settings import Settings
from fakeredis import FakeAsyncRedis, FakeServer
from fastapi import FastAPI
from fastapi.testclient import TestClient
from lookout_instrumentation import Lookout
from lookout_instrumentation import Settings as LookoutSettings
from lookout_instrumentation.logs import Logging
from lookout_instrumentation.metrics import Metrics
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

TOKEN: Final = "correct-horse"
AUTHORIZED: Final = {"Authorization": f"Bearer {TOKEN}"}
ITEM: Final = "/items/{item_id}"
PASSWORD: Final = "correct-horse-battery"


@dataclass(frozen=True)
class Demo:
    """A running API with handles on what surrounds it."""

    client: TestClient
    lookout: Lookout
    redis: FakeServer
    providers: FastAPI
    engine: Engine
    settings: Settings

    def value(self, name: str, /, **labels: str) -> float | None:
        """The value of one series, or None when it does not exist."""
        return self.lookout.metrics.registry.get_sample_value(name, labels)

    def requests(self, handler: str, status: str, method: str = "GET") -> float | None:
        """How many requests were counted."""
        return self.value("http_requests_total", method=method, handler=handler, status=status)

    def switch(self, **state: Any) -> None:
        """Turn faults on or off."""
        assert self.client.post("/switch", json=state).status_code == 200

    def fault(self, target: str, mode: str) -> None:
        """Make a provider misbehave."""
        order = {"target": target, "mode": mode}
        assert TestClient(self.providers).post("/fault", json=order).status_code == 200

    def log_in(self, name: str = "ana") -> dict[str, str]:
        """Register someone; the headers that they then come with."""
        body = {"email": f"{name}@acme.test", "password": PASSWORD, "tenant": "acme"}
        return {"Authorization": f"Bearer {self.client.post('/register', json=body).json()['token']}"}


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
def running(settings: LookoutSettings, *, switches: bool = True, summaries: bool = True) -> Iterator[Demo]:
    """Run the API while the block runs, on SQLite and the provider stub; what it logs is read only if the block asks.

    Tasks are kept in memory, and run by anyone who is given `worker`.
    """
    server = FakeServer()
    providers = create_providers(Options(faults_enabled=True))
    tasks.app.conf.broker_url = "memory://"
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "webhook_key"
        key.write_text("hush")
        demo = Settings(
            switches_enabled=switches,
            webhook_key_file=key,
            calendar=Calendar(600),
            refresh_seconds=0.2,
            summaries=summaries,
        )
        engine = create_engine(f"sqlite:///{folder}/demo.db")
        with engine.begin() as connection:
            prepare(connection)
        connections = Connections(
            create_async_engine(f"sqlite+aiosqlite:///{folder}/demo.db", poolclass=NullPool),
            FakeAsyncRedis(server=server),
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app=providers), base_url="http://providers"),
        )
        event.listen(connections.engine.sync_engine, "connect", _add_sleep)
        app, lookout = create_app(demo, connections, settings, logging=False)
        with captured(lookout.metrics), TestClient(app) as client:
            yield Demo(client, lookout, server, providers, engine, demo)
        engine.dispose()
        lookout.close()


def _add_sleep(connection: Any, _record: Any) -> None:
    """What Postgres has and SQLite has not; it waits for no one here."""
    connection.create_function("pg_sleep", 1, lambda _seconds: None)


@contextmanager
def worker(demo: Demo) -> Iterator[Lookout]:
    """Equip the tasks while the block runs, on the API's database and providers; they run when `apply` is called."""
    settings = LookoutSettings(service="worker", environment="test")
    lookout = Lookout(settings, logging=False)
    with TestClient(demo.providers, base_url="http://providers") as client:
        outside = OutsideNow(client, Calls(lookout, LLM, MESSENGER))
        tasks.equip(tasks.Hands(demo.engine, outside, demo.settings.calendar, lookout))
        yield lookout


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
