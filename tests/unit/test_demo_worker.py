"""The demo's tasks: what they do, what they try again, and how they are distinguished from the API."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery.exceptions import Retry
from demo import tasks
from demo.analyses import LONG_TEXT
from demo.models import AnalysisRow
from lookout_instrumentation import Lookout
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.unit.demo_api import Demo, captured, running, settings_in, worker

TEXT = "Hello world. " * (LONG_TEXT // 12)
MODEL = {"provider": "openai", "model": "gpt-5-mini"}


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with running(settings_in(tmp_path)) as demo:
        yield demo


@pytest.fixture
def hands(demo: Demo) -> Iterator[Lookout]:
    with worker(demo) as lookout:
        yield lookout


def value(lookout: Lookout, name: str, /, **labels: str) -> float | None:
    return lookout.metrics.registry.get_sample_value(name, labels)


def test_a_long_text_waits_for_the_worker_who_then_analyses_it(demo: Demo, hands: Lookout) -> None:
    queued = demo.client.post("/analyze", json={"text": TEXT}, headers=demo.log_in())
    assert (queued.status_code, queued.json()["status"]) == (202, "waiting")
    tasks.analyze.apply((queued.json()["id"], "acme")).get()
    done = demo.client.get(f"/analyses/{queued.json()['id']}").json()
    assert (done["status"], done["distinct_words"]) == ("done", 2)
    assert done["summary"] == "In short: Hello world."
    assert value(hands, "llm_requests_total", **MODEL, result="ok") == 1
    assert (value(hands, "llm_tenant_tokens_total", tenant="acme") or 0) > 0


def test_an_analysis_that_was_made_or_never_existed_is_left_alone(demo: Demo, hands: Lookout) -> None:
    made = demo.client.post("/analyze", json={"text": "Hello."}).json()
    for known in (made["id"], str(uuid.uuid4())):
        tasks.analyze.apply((known, "acme")).get()
    assert value(hands, "llm_requests_total", **MODEL, result="ok") is None


def test_a_model_that_is_away_is_asked_again_later(demo: Demo, hands: Lookout) -> None:
    queued = demo.client.post("/analyze", json={"text": TEXT}).json()
    demo.fault("llm", "429")
    with pytest.raises(Retry):
        tasks.analyze.apply((queued["id"], "acme"), throw=True).get()
    assert demo.client.get(f"/analyses/{queued['id']}").json()["status"] == "waiting"


def test_a_model_that_stays_away_costs_the_summary(demo: Demo, hands: Lookout) -> None:
    queued = demo.client.post("/analyze", json={"text": TEXT}).json()
    demo.fault("llm", "429")
    tasks.analyze.apply((queued["id"], "acme"), retries=tasks.TRIES).get()
    done = demo.client.get(f"/analyses/{queued['id']}").json()
    assert (done["status"], done["summary"]) == ("done", None)


def test_a_message_is_sent_and_counted_and_tried_again_when_it_cannot_be(demo: Demo, hands: Lookout) -> None:
    tasks.send_message.apply(("email", "u1", "Welcome!")).get()
    assert value(hands, "messages_total", channel="email", result="sent") == 1
    demo.fault("messages", "5xx")
    with pytest.raises(Retry):
        tasks.send_message.apply(("email", "u1", "Welcome!"), throw=True).get()
    assert value(hands, "messages_total", channel="email", result="failed") == 1


def test_an_export_holds_the_tenants_own_rows_alone(demo: Demo, hands: Lookout, monkeypatch: Any) -> None:
    ana = demo.log_in()
    for headers in (ana, ana, {}):
        demo.client.post("/analyze", json={"text": "Hello."}, headers=headers)
    sent: list[tuple[Any, ...]] = []
    monkeypatch.setattr(tasks.send_message, "delay", lambda *words: sent.append(words))
    with Session(demo.engine) as session:
        tenant_id = session.scalar(select(AnalysisRow.tenant_id).where(AnalysisRow.tenant_id.is_not(None)))
    with captured() as records:
        tasks.export.apply((tenant_id, "acme")).get()
    assert [record["rows"] for record in records if record["message"] == "export written"] == [2]
    assert sent == [("telegram", "tenant-acme", "Your export of 2 analyses is ready.")]


def test_a_process_that_only_sends_tasks_runs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_hands", None)
    with pytest.raises(RuntimeError, match="runs none"):
        tasks.send_message.apply(("email", "u1", "hi"), throw=True).get()
