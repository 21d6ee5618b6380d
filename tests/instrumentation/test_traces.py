"""Traces from the app's side: what is sampled, what a span says, what it never says, and what it costs when off."""

import io
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from celery import Celery
from celery.contrib.testing.worker import start_worker
from fastapi import FastAPI
from fastapi.testclient import TestClient
from flask import Flask
from lookout_instrumentation import Lookout, Settings, context
from lookout_instrumentation import celery as lookout_celery
from lookout_instrumentation import fastapi as lookout_fastapi
from lookout_instrumentation import flask as lookout_flask
from lookout_instrumentation.logs import configure_logging
from opentelemetry import trace
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.instrumentation.otlp_stub import OtlpStub
from tests.instrumentation.tracker_stub import TrackerStub
from tests.support.soak import size
from tests.support.waiting import until

REMOTE = "4bf92f3577b34da6a3ce929d0e0e4736"
SERVER, CONSUMER = 2, 5
ERROR = 2


@pytest.fixture
def collector() -> Iterator[OtlpStub]:
    with OtlpStub() as stub:
        yield stub


Shop = tuple[Lookout, TestClient]


@pytest.fixture
def shop(collector: OtlpStub, tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """Starts apps with a few routes that send their spans to the collector."""
    started: list[Lookout] = []

    def make(**settings: Any) -> Shop:
        app = FastAPI()
        stated = {"service": "api", "traces_endpoint": collector.endpoint, "traces_ratio": 1.0, **settings}
        stated["metrics_token_file"] = tmp_path / "token"
        stated["metrics_token_file"].write_text("let-me-read")
        lookout = lookout_fastapi.init(app, settings=Settings(**stated), logging=False)
        started.append(lookout)

        @app.get("/orders/{number}")
        def order(number: int, token: str = "") -> dict[str, str]:
            with lookout.span("price", items=3, note=f"card {token}", api_key=token) as span:
                span.set(total=9.5)
            return context.outgoing_headers()

        @app.get("/broken")
        def broken() -> None:
            with lookout.span("charge"):
                raise ValueError("declined for ana.rossi@example.com")

        return lookout, TestClient(app, raise_server_exceptions=False)

    yield make
    for lookout in started:
        lookout.close()


# --- what is in a trace -------------------------------------------------------------------------------------


def test_a_request_and_its_parts_are_one_trace(shop: Callable[..., Shop], collector: OtlpStub) -> None:
    lookout, client = shop(environment="beta", release="1.2.3")
    answer = client.get("/orders/7")
    lookout.close()
    price, request = collector.spans
    assert (request.name, request.kind, request.parent_id) == ("GET /orders/{number}", SERVER, "")
    assert (price.name, price.parent_id, price.trace_id) == ("price", request.span_id, request.trace_id)
    assert price.attributes["total"] == 9.5
    assert request.attributes == {
        "http.request.method": "GET",
        "http.route": "/orders/{number}",
        "http.response.status_code": 200,
        "request_id": answer.headers["X-Request-ID"],
    }
    assert request.resource == {
        "service.name": "api",
        "service.version": "1.2.3",
        "deployment.environment.name": "beta",
    }


def test_a_callers_trace_goes_on_here_and_in_what_is_called(shop: Callable[..., Shop], collector: OtlpStub) -> None:
    lookout, client = shop()
    answer = client.get("/orders/7", headers={"traceparent": f"00-{REMOTE}-00f067aa0ba902b7-01"})
    lookout.close()
    assert {(span.trace_id, span.name) for span in collector.spans} == {
        (REMOTE, "GET /orders/{number}"),
        (REMOTE, "price"),
    }
    assert collector.spans[1].parent_id == "00f067aa0ba902b7"
    _, trace_id, span_id, flags = answer.json()["traceparent"].split("-")
    assert (trace_id, span_id, flags) == (REMOTE, collector.spans[1].span_id, "01")


def test_a_caller_that_does_not_sample_is_followed(shop: Callable[..., Shop], collector: OtlpStub) -> None:
    lookout, client = shop()
    answer = client.get("/orders/7", headers={"traceparent": f"00-{REMOTE}-00f067aa0ba902b7-00"})
    lookout.close()
    assert collector.spans == []
    assert answer.json()["traceparent"].split("-")[1::2] == [REMOTE, "00"]


def test_a_failure_is_marked(shop: Callable[..., Shop], collector: OtlpStub) -> None:
    lookout, client = shop()
    assert client.get("/broken").status_code == 500
    lookout.close()
    charge, request = collector.spans
    assert (charge.status, request.status) == (ERROR, ERROR)
    assert charge.events[0]["exception.type"] == "ValueError"


def test_a_task_is_a_part_of_the_trace_of_who_asked_for_it(collector: OtlpStub) -> None:
    lookout = Lookout(Settings(traces_endpoint=collector.endpoint, traces_ratio=1.0), logging=False)
    context.begin()
    lookout.traces.begin()
    stated = {**context.current(), **context.outgoing_headers()}
    lookout.traces.end("POST /orders", {}, failed=False)
    context.resume({"request_id": stated["request_id"]})
    lookout.traces.begin(stated["traceparent"], kind="consumer")
    lookout.traces.end("run send_receipt", {"task": "send_receipt"}, failed=False)
    lookout.close()
    request, task = collector.spans
    assert (task.trace_id, task.parent_id, task.kind) == (request.trace_id, request.span_id, CONSUMER)
    assert task.attributes["request_id"] == request.attributes["request_id"]


def test_what_happens_in_a_worker_is_joined_with_the_request(collector: OtlpStub, tmp_path: Path) -> None:
    """By trace and by request id: the request, its task, and the report of the task's failure."""
    with TrackerStub() as tracker:
        settings = Settings(
            traces_endpoint=collector.endpoint, traces_ratio=1.0, sentry_dsn=tracker.dsn, errors_spool=tmp_path
        )
        app = Flask("shop")
        lookout = lookout_flask.init(app, settings=settings)
        queue = Celery("shop", broker="memory://", backend="cache+memory://")
        lookout_celery.init(queue, lookout=lookout)

        @queue.task(name="send_receipt")  # type: ignore[untyped-decorator]
        def send_receipt() -> None:
            raise ConnectionError("no printer")

        @app.post("/orders")
        def order() -> str:
            send_receipt.delay()
            return "ordered"

        with start_worker(queue, perform_ping_check=False, pool="solo", loglevel="ERROR"):
            answer = app.test_client().post("/orders", buffered=True)
            failed = lookout.metrics.get("celery_tasks_total").labels("send_receipt", "failed")
            until(lambda: failed._value.get() >= 1, "the failed task", 20, 0.05)
        lookout.close()
        (event,) = tracker.events
    spans = {span.name: span for span in collector.spans}
    request, task = spans["POST /orders"], spans["run send_receipt"]
    assert (task.trace_id, task.parent_id, task.status) == (request.trace_id, request.span_id, ERROR)
    request_id = answer.headers["X-Request-ID"]
    assert {request.attributes["request_id"], task.attributes["request_id"], event["tags"]["request_id"]} == {
        request_id
    }
    assert (event["transaction"], event["tags"]["trace_id"]) == ("send_receipt", task.trace_id)
    assert event["exception"]["values"][0]["mechanism"]["handled"] is False


def test_probes_and_unknown_paths_make_no_names(shop: Callable[..., Shop], collector: OtlpStub) -> None:
    lookout, client = shop()
    for path in ("/health", "/metrics", "/ready", "/wp-admin/7"):
        client.get(path)
    lookout.close()
    assert [span.name for span in collector.spans] == ["GET none"]


def test_no_secret_leaves_in_a_span(shop: Callable[..., Shop], collector: OtlpStub) -> None:
    lookout, client = shop()
    client.get("/orders/7", params={"token": "sk_live_4eC39HqLyjWDarjtT1zdp7dc"})
    client.get("/broken?password=hunter2-in-query")
    lookout.close()
    assert len(collector.spans) == 4
    sent = b"".join(collector.bodies)
    assert [needle for needle in (b"4eC39HqLy", b"hunter2", b"ana.rossi") if needle in sent] == []


# --- joined with the rest -----------------------------------------------------------------------------------


def test_log_lines_and_error_reports_carry_the_trace(collector: OtlpStub, tmp_path: Path) -> None:
    with TrackerStub() as tracker:
        stated: dict[str, Any] = {"traces_endpoint": collector.endpoint, "traces_ratio": 1.0}
        lookout = Lookout(Settings(**stated, sentry_dsn=tracker.dsn, errors_spool=tmp_path), logging=False)
        stream = io.StringIO()
        logs = configure_logging(lookout.settings, lookout.metrics, stream)
        context.begin()
        lookout.traces.begin()
        try:
            raise ValueError("broken")
        except ValueError:
            structlog.get_logger("shop").exception("could not")
        lookout.traces.end("GET /", {}, failed=True)
        lookout.close()
        logs.stop()
        line = json.loads(stream.getvalue().splitlines()[0])
        (span,) = collector.spans
        assert (line["trace_id"], line["span_id"]) == (span.trace_id, span.span_id)
        assert tracker.events[0]["tags"]["trace_id"] == span.trace_id


def test_a_histogram_names_the_trace_to_who_asks_for_it(shop: Callable[..., Shop], collector: OtlpStub) -> None:
    lookout, client = shop()
    client.get("/orders/7")
    token = {"Authorization": "Bearer let-me-read"}
    prometheus = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5"
    open_metrics = client.get("/metrics", headers={**token, "Accept": prometheus})
    plain = client.get("/metrics", headers={**token, "Accept": "text/plain"})
    lookout.close()
    (request,) = (span for span in collector.spans if span.kind == SERVER)
    assert open_metrics.headers["Content-Type"].startswith("application/openmetrics-text")
    marked = [line for line in open_metrics.text.splitlines() if "# {" in line]
    assert [line.partition("{")[0] for line in marked] == ["http_request_duration_seconds_bucket"]
    assert f'trace_id="{request.trace_id}"' in marked[0]
    parsed = text_string_to_metric_families(open_metrics.text)  # type: ignore[no-untyped-call]
    families = {family.name for family in parsed}
    assert {"http_requests", "http_request_duration_seconds", "app_build_info", "trace_spans"} <= families
    assert "trace_id" not in plain.text


# --- how much -----------------------------------------------------------------------------------------------


def test_a_tenth_of_requests_is_a_tenth(shop: Callable[..., Shop], collector: OtlpStub) -> None:
    """Within four standard deviations of a binomial distribution."""
    count = size(300, 1000)
    lookout, client = shop(traces_ratio=0.1)
    for number in range(count):
        client.get(f"/orders/{number}")
    lookout.close()
    requests = [span for span in collector.spans if span.kind == SERVER]
    assert abs(len(requests) - 0.1 * count) < 4 * math.sqrt(count * 0.1 * 0.9)
    assert len(collector.spans) == 2 * len(requests)


def test_all_is_traced_in_development_unless_reported() -> None:
    assert Settings.load({}).traces_ratio == 0.1
    assert Settings.load({"LOOKOUT_ENVIRONMENT": "development"}).traces_ratio == 1.0
    assert Settings.load({"LOOKOUT_ENVIRONMENT": "development", "LOOKOUT_TRACES_RATIO": "0.5"}).traces_ratio == 0.5


def counts(lookout: Lookout) -> dict[str, float]:
    family = lookout.metrics.get("trace_spans_total")
    return {result: family.labels(result)._value.get() for result in ("exported", "failed", "dropped")}


def test_while_the_collector_is_away_requests_go_on_and_their_spans_are_counted(
    collector: OtlpStub, shop: Callable[..., Shop]
) -> None:
    collector.status = 503
    lookout, client = shop()
    for number in range(50):
        assert client.get(f"/orders/{number}").status_code == 200
    lookout.close()
    assert counts(lookout) == {"exported": 0, "failed": 100, "dropped": 0}


def test_a_collector_that_is_slow_holds_up_no_one(collector: OtlpStub) -> None:
    """What does not fit into the queue is dropped, and what becomes of each span is counted."""
    collector.delay = 0.3
    lookout = Lookout(Settings(traces_endpoint=collector.endpoint, traces_ratio=1.0), logging=False)
    context.begin()
    began, worked_before = time.monotonic(), time.thread_time()
    for _ in range(5000):
        lookout.traces.begin()
        lookout.traces.end("GET /", {}, failed=False)
    worked, waited = time.thread_time() - worked_before, time.monotonic() - began
    lookout.close()
    closed = time.monotonic() - began - waited
    found = counts(lookout)
    assert sum(found.values()) == 5000
    assert found["dropped"] > 1000
    assert len(collector.spans) == found["exported"]
    assert worked < 3
    assert waited < 20  # of which a busy machine may take most
    assert closed < 10


# --- off ----------------------------------------------------------------------------------------------------


def test_without_an_endpoint_nothing_is_made_and_a_span_costs_next_to_nothing() -> None:
    lookout = Lookout(Settings(), logging=False)
    assert (lookout.traces.on, lookout.http.traces) == (False, None)
    at_hand = trace.get_current_span()
    with lookout.span("price", items=3) as span:
        span.set(total=9)
        assert trace.get_current_span() is at_hand
    assert lookout.span("a") is lookout.span("b")
    began = time.process_time()
    for _ in range(10_000):
        with lookout.span("price", items=3):
            pass
    assert (time.process_time() - began) / 10_000 < 5e-6
    assert b"trace_spans_total{" not in lookout.metrics.exposition()
    lookout.close()


def test_frameworks_that_trace_by_themselves_are_not_switched_on(collector: OtlpStub) -> None:
    """They would do so if there were a global provider: each request twice, with its query string."""
    lookout = Lookout(Settings(traces_endpoint=collector.endpoint), logging=False)
    assert type(trace.get_tracer_provider()).__name__ == "ProxyTracerProvider"
    assert lookout.traces.provider is not None
    lookout.close()
