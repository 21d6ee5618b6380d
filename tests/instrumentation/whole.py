"""An API and a worker that use all of the library, booted and asked for /metrics once."""

import urllib.request
from pathlib import Path
from typing import Final

import sqlalchemy
from celery import Celery
from celery.contrib.testing.worker import start_worker
from fastapi import FastAPI
from fastapi.testclient import TestClient
from lookout_instrumentation import Lookout, Settings
from lookout_instrumentation.celery import init as init_celery
from lookout_instrumentation.fastapi import init as init_fastapi

from tests.support.servers import free_port
from tests.support.waiting import until

_TOKEN: Final = "a-token"


def exposition_of_a_whole_app(folder: Path) -> str:
    """What the API and the worker print, one after the other."""
    return _api(folder) + _worker(folder)


def _settings(folder: Path, service: str) -> Settings:
    token, key = folder / "token", folder / "key"
    token.write_text(_TOKEN)
    key.write_text("key")
    return Settings(
        service=service,
        release="1.0.0",
        metrics_token_file=token,
        user_hash_key_file=key,
        label_budgets={"tenant": 1},
        # Nothing listens there: reports and spans are counted all the same.
        sentry_dsn="http://key@127.0.0.1:9/1",
        traces_endpoint="http://127.0.0.1:9",
        traces_ratio=1.0,
        metrics_host="127.0.0.1",
        metrics_port=free_port(),
    )


def _api(folder: Path) -> str:
    app = FastAPI(openapi_url=None)

    @app.get("/items/{item_id}")
    def get_item(item_id: int) -> int:
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("select 1"))
        return item_id

    @app.get("/broken")
    def get_broken() -> None:
        raise RuntimeError("broken")

    lookout = init_fastapi(app, {"cache": lambda: None}, settings=_settings(folder, "api"))
    engine = sqlalchemy.create_engine("sqlite://")
    lookout.database(engine)
    _use(lookout)
    with TestClient(app) as client:
        for path in ("/items/1", "/broken"):
            client.get(path)
        text = client.get("/metrics", headers={"Authorization": f"Bearer {_TOKEN}"}).text
    lookout.close()
    return text


def _use(lookout: Lookout) -> None:
    """Everything that an app counts by itself, once."""
    lookout.build_size(1_000_000)
    with lookout.cache("items").read() as read:
        read.hit(True)
    with lookout.llm.call("openai", "gpt-4o-mini", tenant="acme") as call:
        call.usage(input_tokens=10, output_tokens=5)
    with lookout.llm.call("unknown", "unheard-of", tenant="acme") as call:
        call.usage(input_tokens=10, output_tokens=5)
    twilio = lookout.external("twilio")
    with twilio.call():
        pass
    twilio.quota(used=1, limit=2)
    twilio.circuit("closed")
    lookout.messages.sent("email")
    with lookout.webhooks.processing("stripe"):
        pass
    lookout.payments.ok("stripe", 29)
    business = lookout.business
    business.declare(events=["analysis"], steps=["free", "basic"], tiers=["free"])
    business.registration()
    business.login(ok=True)
    business.churned("free")
    business.set_active(daily=1, monthly=2)
    business.set_users("free", 2)
    business.set_mrr(10)
    business.refresh(lambda: None, every=60)
    for tenant in ("acme", "one too many"):
        lookout.tenants.event(tenant, "export")
    lookout.tenants.sites("acme", 1)
    for _ in range(2):
        lookout.usage.used("search", "lamp")
    lookout.web.js_error("TypeError")
    lookout.oauth.login("google", ok=True)
    lookout.costs.budget("openai", 100)
    lookout.costs.spent("twilio", 1)
    lookout.costs.set_spent("openai", 10)


def _worker(folder: Path) -> str:
    app = Celery("tasks", broker="memory://")
    lookout = init_celery(app, settings=_settings(folder, "worker"))

    @app.task  # type: ignore[untyped-decorator]
    def add(a: int, b: int) -> int:
        return a + b

    address = f"http://127.0.0.1:{lookout.settings.metrics_port}/metrics"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {_TOKEN}"})

    def succeeded() -> str:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text: str = answer.read().decode()
        done = any(line.startswith("celery_tasks_total{") and line.endswith(" 1.0") for line in text.splitlines())
        return text if done else ""

    with start_worker(app, perform_ping_check=False, pool="solo"):
        add.delay(1, 2)
        text = until(succeeded, "the task is counted")
    lookout.close()
    return text
