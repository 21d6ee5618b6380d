"""The metrics of a process: only what the catalogue has, within budgets, and never of one worker among several."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from lookout_instrumentation import Settings
from lookout_instrumentation.catalogue import CATALOGUE
from lookout_instrumentation.metrics import Metrics
from prometheus_client import REGISTRY, Counter
from prometheus_client.parser import text_string_to_metric_families

from tests.instrumentation.apps import series_in
from tests.instrumentation.servers import ask, assert_counted, scraped, served
from tests.support.waiting import until


def metrics(**settings: object) -> Metrics:
    return Metrics(Settings(**settings))  # type: ignore[arg-type]


def value(of: Metrics, name: str, **labels: str) -> float | None:
    return of.registry.get_sample_value(name, labels)


# --- what is exported ---


def test_a_name_that_is_not_in_the_catalogue_cannot_be_made() -> None:
    with pytest.raises(KeyError, match="surprise_total"):
        metrics().get("surprise_total")


def test_every_metric_of_the_catalogue_can_be_made_and_printed() -> None:
    made = metrics(series_budget=100_000)
    for metric in CATALOGUE:
        found = made.get(metric.name)
        if metric.labels:
            found = found.labels(*("x" for _ in metric.labels))
        {"histogram": lambda f: f.observe(1), "gauge": lambda f: f.set(1), "counter": lambda f: f.inc()}[metric.type](
            found
        )
    text = made.exposition().decode()
    assert not re.search(r"^\w+_created\b", text, re.MULTILINE)
    printed = {family.name for family in text_string_to_metric_families(text)}
    assert {metric.name.removesuffix("_total") for metric in CATALOGUE} <= printed
    assert value(made, "instrumentation_series") == series_in(made)


def test_the_release_is_a_series() -> None:
    made = metrics(release="1.2.3", environment="test")
    assert value(made, "app_build_info", version="1.2.3", environment="test") == 1


@pytest.mark.parametrize("slo", [0.3, 0.05, 0.42])
def test_a_histogram_has_an_edge_exactly_where_it_is_reported(slo: float) -> None:
    made = metrics(buckets=(0.01, slo, 1.0))
    made.get("http_request_duration_seconds").labels("GET", "/").observe(slo)
    assert value(made, "http_request_duration_seconds_bucket", method="GET", handler="/", le=str(slo)) == 1
    assert value(made, "http_request_duration_seconds_bucket", method="GET", handler="/", le="0.01") == 0


def test_the_apps_own_metrics_are_printed_once_among_the_others() -> None:
    own = Counter("own_orders", "Orders that the app counts by itself.")
    try:
        own.inc()
        text = metrics().exposition().decode()
    finally:
        REGISTRY.unregister(own)
    assert "own_orders_total 1.0" in text
    assert len(re.findall(r"^process_start_time_seconds ", text, re.MULTILINE)) == 1


# --- budgets ---


def test_a_label_has_as_many_values_as_its_budget_and_then_other() -> None:
    made = metrics(label_budgets={"tenant": 3})
    counter = made.get("tenant_events_total")
    for number in range(10):
        counter.labels(f"t{number}", "login").inc()
    assert value(made, "tenant_events_total", tenant="other", event="login") == 7
    assert value(made, "instrumentation_folded_total", label="tenant") == 7
    assert value(made, "instrumentation_folded_total", label="event") == 0, "at zero before the first"
    counter.labels("t2", "login").inc()
    assert value(made, "tenant_events_total", tenant="t2", event="login") == 2, "who was known stays known"


def test_over_the_series_budget_statuses_are_still_distinguished() -> None:
    made = metrics(series_budget=120, label_budgets={"handler": 1000})
    counter = made.get("http_requests_total")
    for number in range(1000):
        counter.labels("GET", f"/{number}", "200").inc()
    counter.labels("GET", "/new", "500").inc()
    assert value(made, "http_requests_total", method="GET", handler="other", status="500") == 1
    assert series_in(made) <= 120


def test_whatever_is_sent_the_series_budget_holds_and_nothing_goes_uncounted() -> None:
    made = metrics(series_budget=150)
    requests, duration = made.get("http_requests_total"), made.get("http_request_duration_seconds")
    for number in range(3000):
        method, status = ("GET", "POST", "PUT", "DELETE")[number % 4], str(200 + number % 300)
        requests.labels(method, f"/{number}", status).inc()
        duration.labels(method, f"/{number}").observe(0.1)
    assert series_in(made) <= 150
    samples = [sample for family in made.registry.collect() for sample in family.samples]
    assert sum(s.value for s in samples if s.name == "http_requests_total") == 3000
    assert sum(s.value for s in samples if s.name == "http_request_duration_seconds_count") == 3000


def test_threads_that_meet_a_new_value_together_make_one_series() -> None:
    made = metrics()
    counter = made.get("tenant_events_total")
    gate = threading.Barrier(8)

    def count() -> None:
        gate.wait()
        for number in range(200):
            counter.labels(f"t{number}", "x").inc()

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = [s.value for f in made.registry.collect() for s in f.samples if s.name == "tenant_events_total"]
    assert sum(total) == 1600
    assert len(total) == 101


# --- several processes ---


APPS = """
import os
from fastapi import FastAPI
from flask import Flask
import lookout_instrumentation.fastapi, lookout_instrumentation.flask

asgi = FastAPI()
wsgi = Flask("wsgi")

@asgi.get("/pid")
@wsgi.get("/pid")
def pid():
    return {"pid": os.getpid()}

if os.environ["KIND"] == "asgi":
    lookout_instrumentation.fastapi.init(asgi)
else:
    lookout_instrumentation.flask.init(wsgi)
"""
SERVERS = {
    "uvicorn": ("asgi", ["uvicorn", "app_of_a_test:asgi", "--workers", "{workers}", "--port", "{port}"]),
    "gunicorn": ("wsgi", ["gunicorn", "app_of_a_test:wsgi", "-w", "{workers}", "-b", "127.0.0.1:{port}"]),
    "gunicorn-preload": (
        "wsgi",
        ["gunicorn", "app_of_a_test:wsgi", "--preload", "-w", "{workers}", "-b", "127.0.0.1:{port}"],
    ),
}


@contextmanager
def served_by(server: str, folder: Path, workers: int, **env: str) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    kind, command = SERVERS[server]
    arguments = [part.format(workers=workers, port="{port}") for part in command]
    with served(arguments, folder, APPS, KIND=kind, **env) as running:
        yield running


@pytest.mark.parametrize("server", SERVERS)
def test_one_worker_needs_no_shared_folder(server: str, tmp_path: Path) -> None:
    with served_by(server, tmp_path, 1, WEB_CONCURRENCY="4") as (_, port):
        ask(port, "/pid")
        assert_counted(port, 1, handler="/pid", status="200")


@pytest.mark.parametrize("server", SERVERS)
def test_two_workers_with_a_shared_folder_are_counted_together(server: str, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    with served_by(server, tmp_path, 2, PROMETHEUS_MULTIPROC_DIR=str(shared)) as (_, port):
        pids = {ask(port, "/pid") for _ in range(60)}
        assert_counted(port, 60, handler="/pid", status="200")
        for _ in range(5):  # whichever of them answers
            assert sum(scraped(port, "http_requests_total", handler="/pid", status="200")) == 60
            assert scraped(port, "http_requests_in_progress") == [0]
            assert scraped(port, "app_build_info") == [1]
            assert scraped(port, "instrumentation_series_budget") == [5000]
        killed = int(re.findall(r"\d+", pids.pop())[0])
        os.kill(killed, signal.SIGKILL)

        def forgotten() -> bool:
            ask(port, "/metrics")
            return not list(shared.glob(f"gauge_live*_{killed}.db"))

        until(forgotten, "what it said of itself is forgotten")
        assert sum(scraped(port, "http_requests_total", handler="/pid", status="200")) == 60, "what it counted stays"
