"""Celery tasks are counted, timed and logged, in the context of the request that sent them, in every pool."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, signals
from celery.contrib.testing.worker import start_worker
from celery.exceptions import Reject
from fakeredis import TcpFakeServer
from lookout_instrumentation import Lookout, context
from lookout_instrumentation.celery import STATES, init
from lookout_instrumentation.task_messages import HEADER
from prometheus_client.parser import text_string_to_metric_families

from tests.instrumentation.apps import AUTHORIZED, captured, settings_in
from tests.support.servers import free_port
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]


# --- in this process ---


@dataclass
class Shop:
    """An app with its worker in a thread."""

    app: Celery
    lookout: Lookout
    seen: list[dict[str, Any]]

    def count(self, task: str, state: str) -> float:
        value = self.lookout.metrics.registry.get_sample_value("celery_tasks_total", {"task": task, "state": state})
        return value or 0.0

    def value(self, name: str, **labels: str) -> float | None:
        return self.lookout.metrics.registry.get_sample_value(name, labels)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    app = Celery("shop", broker="memory://", set_as_current=False)
    app.conf.update(task_ignore_result=True, task_default_queue="shop")
    task = partial(app.task, shared=False)
    settings = settings_in(tmp_path_factory.mktemp("shop"), metrics_host="127.0.0.1", metrics_port=0)
    seen: list[dict[str, Any]] = []

    @task(name="add")  # type: ignore[untyped-decorator]
    def add(a: int, b: int) -> int:
        seen.append(context.current())
        return a + b

    @task(name="crash")  # type: ignore[untyped-decorator]
    def crash() -> None:
        raise RuntimeError("broken")

    @task(name="expected", throws=(KeyError,))  # type: ignore[untyped-decorator]
    def expected() -> None:
        raise KeyError("not there")

    @task(name="flaky", bind=True)  # type: ignore[untyped-decorator]
    def flaky(self: Any) -> None:
        if self.request.retries == 0:
            raise self.retry(countdown=0)
        add.delay(1, 1)

    @task(name="reject", acks_late=True)  # type: ignore[untyped-decorator]
    def reject() -> None:
        raise Reject("no", requeue=False)

    with captured():
        lookout = init(app, settings=settings, logging=False)
        with start_worker(app, perform_ping_check=False, pool="solo", shutdown_timeout=30):
            yield Shop(app, lookout, seen)
        lookout.close()


@pytest.fixture(autouse=True)
def unseen(shop: Shop) -> None:
    shop.seen.clear()


def send(shop: Shop, name: str, *args: Any, **options: Any) -> None:
    shop.app.tasks[name].apply_async(args, **options)


def test_every_task_starts_at_zero(shop: Shop) -> None:
    for task in ("add", "crash", "flaky"):
        assert [shop.value("celery_tasks_total", task=task, state=state) for state in STATES] == [0, 0, 0, 0]
        assert shop.value("celery_task_runtime_seconds_count", task=task) == 0
    assert shop.value("celery_tasks_total", task="celery.ping", state="succeeded") is None


def test_a_process_that_only_sends_tasks_does_not_seem_a_worker_that_is_down(tmp_path: Path) -> None:
    sender = init(
        Celery("sender", broker="memory://", set_as_current=False), settings=settings_in(tmp_path), logging=False
    )
    names = {sample.name for family in sender.metrics.registry.collect() for sample in family.samples}
    assert not names & {"celery_worker_up", "celery_tasks_in_progress"}
    sender.close()


@pytest.mark.parametrize(
    ("task", "state"),
    [("add", "succeeded"), ("crash", "failed"), ("expected", "failed"), ("reject", "rejected"), ("flaky", "retried")],
)
def test_a_task_is_counted_by_how_it_ended(shop: Shop, task: str, state: str) -> None:
    runs = 2 if task == "flaky" else 1
    names = ("celery_task_runtime_seconds_count", "celery_task_wait_seconds_count")
    before, counted = [shop.value(name, task=task) or 0 for name in names], shop.count(task, state)
    send(shop, task, *((1, 2) if task == "add" else ()))
    until(lambda: shop.value(names[0], task=task) == before[0] + runs)
    until(lambda: shop.count(task, state) == counted + 1)
    assert [shop.value(name, task=task) for name in names] == [count + runs for count in before]
    until(lambda: shop.value("celery_tasks_in_progress") == 0)


def test_a_task_goes_on_in_the_context_of_its_request(shop: Shop) -> None:
    request_id = context.begin("client-7")
    context.bind(user="u1", tenant="acme", tier="free")
    send(shop, "flaky")
    context.begin()
    until(lambda: shop.seen)
    seen = shop.seen[0]
    assert (seen["request_id"], seen["client_request_id"]) == (request_id, "client-7")
    assert (seen["tenant"], seen["tier"], len(seen["user_id"])) == ("acme", "free", 16)
    assert seen["task"] == "add", "through a retry and a task that sends another"


@pytest.mark.parametrize(
    "origin_of", [None, "nonsense", {}, {"sent": "soon", "context": {"level": "x"}}, {"sent": None, "context": [1]}]
)
def test_a_task_that_no_request_sent_has_an_id_of_its_own(shop: Shop, origin_of: Any) -> None:
    def overwrite(headers: dict[str, Any], **_: Any) -> None:
        headers[HEADER] = origin_of

    context.begin()
    signals.before_task_publish.connect(overwrite, weak=False)
    try:
        send(shop, "add", 1, 2)
    finally:
        signals.before_task_publish.disconnect(overwrite)
    until(lambda: shop.seen)
    assert shop.seen[0]["request_id"] != context.request_id()
    assert "level" not in shop.seen[0]


def test_the_time_that_a_task_is_meant_to_wait_is_no_waiting(shop: Shop) -> None:
    before, began = shop.value("celery_task_wait_seconds_sum", task="add") or 0, time.time()
    send(shop, "add", 1, 2, countdown=1)
    until(lambda: shop.seen)
    waited = (shop.value("celery_task_wait_seconds_sum", task="add") or 0) - before
    assert waited <= time.time() - began - 1 + 0.01, "of all that time, a second is not counted"


def test_a_task_of_no_known_name_is_rejected(shop: Shop) -> None:
    shop.app.send_task("unknown", ())
    until(lambda: shop.count("none", "rejected"))
    assert shop.value("celery_tasks_total", task="unknown", state="rejected") is None


def lines_of(records: list[dict[str, Any]], logger: str) -> list[dict[str, Any]]:
    return [record for record in records if record["logger"] == logger]


def test_each_task_is_one_line_without_arguments_or_results(tmp_path: Path) -> None:
    with captured() as records:
        app = Celery("lines", broker="memory://lines", set_as_current=False)
        app.conf.update(task_ignore_result=True, task_default_queue="lines")
        lookout = init(app, settings=settings_in(tmp_path, metrics_host="127.0.0.1", metrics_port=0), logging=False)

        task = partial(app.task, shared=False)

        @task(name="add")  # type: ignore[untyped-decorator]
        def add(a: int, secret: str) -> str:
            return secret

        @task(name="crash")  # type: ignore[untyped-decorator]
        def crash() -> None:
            raise RuntimeError("broken")

        with start_worker(app, perform_ping_check=False, pool="solo"):
            request_id = context.begin()
            add.delay(1, "hunter2")
            crash.delay()
            until(
                lambda: lookout.metrics.registry.get_sample_value(
                    "celery_task_runtime_seconds_count", {"task": "crash"}
                )
            )
        lookout.close()
    lines = lines_of(records, "lookout.task")
    assert [(line["task"], line["state"], line["level"]) for line in lines] == [
        ("add", "succeeded", "info"),
        ("crash", "failed", "warning"),
    ]
    assert {line["request_id"] for line in lines} == {request_id}
    assert all(line["duration_ms"] >= 0 and line["task_id"] for line in lines)
    assert lines[1]["error_type"] == "RuntimeError"
    errors = lines_of(records, "lookout.error")
    assert [(line["task"], line["error_type"], line["request_id"]) for line in errors] == [
        ("crash", "RuntimeError", request_id)
    ]
    assert not [record for record in records if "hunter2" in json.dumps(record)], "neither arguments nor results"
    assert not lines_of(records, "celery.app.trace")
    assert not lines_of(records, "celery.worker.strategy")


def test_an_eager_task_leaves_the_context_of_its_request_alone(shop: Shop) -> None:
    request_id = context.begin()
    before = shop.count("add", "succeeded")
    shop.app.tasks["add"].apply((1, 2))
    assert context.request_id() == request_id
    assert shop.count("add", "succeeded") == before + 1


def test_ten_thousand_task_names_and_tenants_leave_a_worker_within_its_budget(tmp_path: Path) -> None:
    app = Celery("many", broker="memory://many", set_as_current=False)
    lookout = init(app, settings=settings_in(tmp_path, series_budget=600), logging=False)
    tasks = lookout.metrics.get("celery_tasks_total")
    runtime = lookout.metrics.get("celery_task_runtime_seconds")
    for number in range(10_000):
        tasks.labels(f"task-{number}", "succeeded").inc()
        runtime.labels(f"task-{number}").observe(0.1)
    samples = [sample for family in lookout.metrics.registry.collect() for sample in family.samples]
    assert len(samples) <= 600
    assert sum(sample.value for sample in samples if sample.name == "celery_tasks_total") == 10_000
    folded = lookout.metrics.registry.get_sample_value("instrumentation_folded_total", {"label": "task"})
    assert folded is not None and folded >= 19_000


# --- in processes of their own ---


@pytest.fixture
def broker() -> Iterator[str]:
    """A queue that processes share: a stand-in for Redis that listens."""
    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Worker:
    """A worker process and its answers."""

    process: "subprocess.Popen[str]"
    port: int

    def ask(self, path: str) -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=AUTHORIZED)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def value(self, name: str, **labels: str) -> float | None:
        families = text_string_to_metric_families(self.ask("/metrics")[1])
        samples = (sample for family in families for sample in family.samples)
        return next((s.value for s in samples if s.name == name and s.labels.items() >= labels.items()), None)

    def end(self) -> list[dict[str, Any]]:
        """Ask it to end; its lines, all of them."""
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, output
        return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


@contextmanager
def worker(broker: str, folder: Path, *options: str, **more: str) -> Iterator[Worker]:
    """A worker of `celery_app` while the block runs."""
    port = free_port()
    process = start(broker, folder, port, *options, **more)
    try:
        yield Worker(process, port)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def start(broker: str, folder: Path, port: int, *options: str, **more: str) -> "subprocess.Popen[str]":
    (folder / "token").write_text(AUTHORIZED["Authorization"].split()[1])
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'instrumentation'}",
        "BROKER_URL": broker,
        "LOOKOUT_SERVICE": "worker",
        "LOOKOUT_METRICS_TOKEN_FILE": str(folder / "token"),
        "LOOKOUT_METRICS_HOST": "127.0.0.1",
        "LOOKOUT_METRICS_PORT": str(port),
        **more,
    }
    command = [sys.executable, "-m", "celery", "-A", "tests.instrumentation.celery_app", "worker", "--loglevel", "info"]
    return subprocess.Popen(
        [*command, *options],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def sender(broker: str) -> Celery:
    app = Celery("sender", broker=broker, set_as_current=False)
    app.conf.update(task_ignore_result=True, task_default_queue="orders")
    return app


@pytest.mark.parametrize("pool", [("solo",), ("threads", "--concurrency", "4")], ids=["solo", "threads"])
def test_a_worker_of_one_process_answers_for_itself(broker: str, tmp_path: Path, pool: tuple[str, ...]) -> None:
    celery = sender(broker)
    init(celery, settings=settings_in(tmp_path), logging=False)
    with worker(broker, tmp_path, "--pool", *pool) as process:
        until(lambda: process.value("celery_worker_up") == 1)
        assert process.ask("/health")[0] == 200
        ready = until(lambda: json.loads(process.ask("/ready")[1] or "{}").get("checks"))
        assert ready["broker"]["status"] == "up"
        assert process.ask("/nothing")[0] == 404
        request_id = context.begin()
        celery.send_task("add", (1, 2))
        celery.send_task("crash")
        until(lambda: process.value("celery_tasks_total", task="crash", state="failed") == 1)
        assert process.value("celery_tasks_total", task="add", state="succeeded") == 1
        assert process.value("celery_queue_length", queue="orders") == 0
        records = process.end()
    assert {r["request_id"] for r in records if r["logger"] in ("lookout.task", "shop")} == {request_id}
    assert all(record["service"] == "worker" for record in records)
    assert [record["task"] for record in records if record["logger"] == "lookout.error"] == ["crash"]


def test_the_queue_is_measured_while_no_one_works_on_it(broker: str, tmp_path: Path) -> None:
    from lookout_instrumentation.queue_lengths import measure

    celery = sender(broker)
    celery.amqp.queues.select(["orders"])
    assert measure(celery) == {"orders": 0}
    for _ in range(3):
        celery.send_task("add", (1, 2))
    assert measure(celery) == {"orders": 3}


def test_the_children_of_a_pool_are_counted_together_and_the_dead_are_forgotten(broker: str, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    celery = sender(broker)
    options = ("--pool", "prefork", "--concurrency", "2", "--max-tasks-per-child", "4")
    with worker(broker, tmp_path, *options, PROMETHEUS_MULTIPROC_DIR=str(shared)) as process:
        until(lambda: process.value("celery_worker_up") == 1)
        for number in range(20):
            celery.send_task("add", (number, number))
        until(lambda: process.value("celery_tasks_total", task="add", state="succeeded") == 20)
        celery.send_task("die")
        # The pool itself gives a lost process ten seconds before it counts its task as failed.
        until(lambda: process.value("celery_tasks_total", task="die", state="failed") == 1, "the lost task", 90)
        assert process.value("celery_tasks_total", task="add", state="succeeded") == 20
        until(lambda: process.value("celery_tasks_in_progress") == 0)
        live = {int(file.stem.rpartition("_")[2]) for file in shared.glob("gauge_live*.db")}
        assert all(Path(f"/proc/{pid}").exists() for pid in live)
        records = process.end()
    done = [record for record in records if record["logger"] == "lookout.task" and record["task"] == "add"]
    assert len(done) == 20, "lines of children too, those that have ended included"


def test_a_pool_of_processes_without_a_shared_folder_makes_one(broker: str, tmp_path: Path) -> None:
    celery = sender(broker)
    options = ("--pool", "prefork", "--concurrency", "2")
    with worker(broker, tmp_path, *options, XDG_RUNTIME_DIR=str(tmp_path)) as process:
        until(lambda: process.value("celery_worker_up") == 1)
        for number in range(20):
            celery.send_task("add", (number, number))
        until(lambda: process.value("celery_tasks_total", task="add", state="succeeded") == 20)
        assert process.value("instrumentation_partial") == 0
        assert len(list(tmp_path.glob("lookout-metrics-*/*/counter_*.db"))) >= 2
        process.end()


def test_a_port_that_is_taken_is_named_tried_again_and_the_worker_works(broker: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start(broker, tmp_path, port, "--pool", "solo")
        assert process.stdout is not None
        line = next(line for line in process.stdout if "LOOKOUT_METRICS_PORT" in line)
        assert json.loads(line)["level"] == "error"
    try:
        until(lambda: answers(port))
    finally:
        process.terminate()
        process.communicate(timeout=60)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=60) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_a_handle_of_the_process_can_be_shared(tmp_path: Path) -> None:
    own = Lookout(replace(settings_in(tmp_path), service="both"), logging=False)
    app = Celery("shared", broker="memory://shared", set_as_current=False)
    assert init(app, lookout=own, logging=False) is own
