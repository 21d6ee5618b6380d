"""No line is lost when a process ends in good order, however it ends; and none is written twice after a fork."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.servers import free_port
from tests.support.waiting import until

ROOT: Final = Path(__file__).resolve().parents[2]
START: Final = """
import logging, os, signal, sys, threading, time
import structlog
from lookout_instrumentation import Settings
from lookout_instrumentation.logs import configure_logging
from lookout_instrumentation.metrics import Metrics
settings = Settings.load()
logs = configure_logging(settings, Metrics(settings))
log = structlog.get_logger("own")
"""


@pytest.fixture(autouse=True)
def ended() -> Iterator[list[subprocess.Popen[bytes]]]:
    """The processes that a test starts; those that still run at its end are stopped, by their id."""
    _started.clear()
    yield _started
    for process in _started:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()


_started: Final[list[subprocess.Popen[bytes]]] = []


def start(*command: str, folder: Path, **variables: str) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(ROOT / "instrumentation"), str(folder)])
    stated = {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore", "LOOKOUT_SERVICE": "shop", **variables}
    process = subprocess.Popen(
        [sys.executable, *command], cwd=folder, env=stated, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    _started.append(process)
    return process


def program(folder: Path, text: str, name: str = "program.py") -> str:
    path = folder / name
    path.write_text(START + textwrap.dedent(text))
    return str(path)


def run(folder: Path, text: str, code: int = 0) -> list[dict[str, Any]]:
    """Every line of a program that ends by itself."""
    process = start(program(folder, text), folder=folder)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == code, output[-2000:]
    return parsed(output)


def parsed(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def numbers(records: list[dict[str, Any]]) -> list[int]:
    return [record["n"] for record in records if "n" in record]


# --- one process ---


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "threading.Thread(target=lambda: log.info('x', n=3000)).start()"])
def test_a_program_that_ends_has_written_all(tmp_path: Path, end: str) -> None:
    records = run(tmp_path, f"for n in range(3000): log.info('line', n=n)\n{end}")
    assert numbers(records)[:3000] == list(range(3000))
    assert len(records) == 3000 + end.startswith("threading")


def test_last_words_are_received(tmp_path: Path) -> None:
    """Lines of other functions that run at the exit, which were registered before ours and so run after it."""
    text = START.replace("logs = ", "import atexit; atexit.register(lambda: log.info('bye', n=1))\nlogs = ")
    (tmp_path / "program.py").write_text(text + "log.info('hello', n=0)\n")
    process = start(str(tmp_path / "program.py"), folder=tmp_path)
    assert numbers(parsed(process.communicate(timeout=60)[0])) == [0, 1]


def test_what_ends_a_program_is_a_line_and_no_plain_text(tmp_path: Path) -> None:
    (record,) = run(tmp_path, "raise ValueError('token=abc123')", code=1)
    assert (record["level"], record["error_type"]) == ("critical", "ValueError")
    assert record["exception"].endswith("ValueError: token=[redacted:secret]")


def test_sigterm_loses_nothing_and_still_ends_the_process(tmp_path: Path) -> None:
    text = "for n in range(2000): log.info('line', n=n)\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(300)"
    process = start(program(tmp_path, text), folder=tmp_path)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    assert numbers(parsed(output)) == list(range(2000))


def test_a_handler_of_the_apps_own_is_still_called(tmp_path: Path) -> None:
    text = START.replace(
        "logs = ", "signal.signal(signal.SIGTERM, lambda *_: log.info('asked', n=1) or os._exit(7))\nlogs = "
    )
    (tmp_path / "program.py").write_text(
        text + "log.info('x', n=0)\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(300)\n"
    )
    process = start(str(tmp_path / "program.py"), folder=tmp_path)
    assert numbers(parsed(process.communicate(timeout=60)[0])) == [0, 1]
    assert process.returncode == 7


def test_a_pipe_that_no_one_reads_holds_up_neither_the_program_nor_its_end(tmp_path: Path) -> None:
    text = """
    began = time.monotonic()
    for n in range(3000): log.info("x" * 1000, n=n)
    took = time.monotonic() - began
    open("took", "w").write(str(took))
    """
    process = start(program(tmp_path, text), folder=tmp_path)
    process.wait(20)  # nothing is read meanwhile
    assert float((tmp_path / "took").read_text()) < 5
    assert process.stdout is not None
    whole = [line for line in process.stdout.read().split(b"\n") if line.endswith(b"}")]
    assert numbers(parsed(b"\n".join(whole))) == list(range(len(whole)))


def test_a_pipe_whose_reader_went_away_ends_nothing(tmp_path: Path) -> None:
    text = "time.sleep(0.5)\nfor n in range(100): log.info('x')\nlogs.flush()\nopen('done', 'w').write('yes')"
    process = start(program(tmp_path, text), folder=tmp_path)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    assert process.wait(20) == 0
    assert (tmp_path / "done").read_text() == "yes"


# --- forks ---


def test_a_child_has_a_writer_of_its_own_and_writes_nothing_of_its_parents(tmp_path: Path) -> None:
    text = """
    for n in range(500): log.info("parent", n=n)
    children = []
    for number in range(3):
        child = os.fork()
        if child == 0:
            for n in range(1000, 1500): log.info("child", n=n)
            time.sleep(0.3)  # long enough for its thread, which gets no signal to hurry
            os._exit(0)
        children.append(child)
    for child in children: os.waitpid(child, 0)
    log.info("parent", n=500)
    """
    records = run(tmp_path, text)
    assert numbers([record for record in records if record["message"] == "parent"]) == list(range(501))
    assert sorted(numbers([record for record in records if record["message"] == "child"])) == sorted(
        [*range(1000, 1500)] * 3
    )


def test_lines_of_several_processes_on_one_pipe_stay_whole(tmp_path: Path) -> None:
    text = """
    for number in range(3):
        if os.fork() == 0: break
    for n in range(2000): log.info("x" * (n % 1500), n=n)
    logs.flush(20)
    if number == 2: time.sleep(1)
    """
    assert len(run(tmp_path, text)) >= 3 * 2000


# --- servers ---

APP: Final = """
from contextlib import asynccontextmanager
from fastapi import FastAPI
from lookout_instrumentation.fastapi import init

@asynccontextmanager
async def lifespan(app):
    structlog.get_logger("own").info("begins")
    yield
    for n in range(200): structlog.get_logger("own").info("ends", n=n)

app = FastAPI(lifespan=lifespan)

@app.get("/")
async def root():
    structlog.get_logger("own").info("asked")
    return os.getpid()
"""


def ask(number: int, process: subprocess.Popen[bytes]) -> None:
    def answered() -> bool:
        if process.poll() is not None:
            raise RuntimeError(process.communicate()[0][-3000:].decode())
        # A request that is given up is made again, and its lines would be counted twice.
        with urllib.request.urlopen(f"http://127.0.0.1:{number}/", timeout=30) as answer:
            return bool(answer.status == 200)

    until(answered, "the server answers", 60)


def served(process: subprocess.Popen[bytes], number: int, requests: int) -> list[dict[str, Any]]:
    """Every JSON line of a server that is asked, and then ended as Docker ends it."""
    for _ in range(requests):
        ask(number, process)
    process.terminate()
    output, _ = process.communicate(timeout=60)
    lines = output.splitlines()
    return [json.loads(line) for line in lines if line.startswith(b"{")]


def test_uvicorn_ends_with_its_own_last_line(tmp_path: Path) -> None:
    """It ends itself by the signal that it was sent, so that nothing that Python does at an exit is done."""
    program(tmp_path, APP + "init(app, settings=settings, logging=False)\n", "served.py")
    number = free_port()
    process = start("-m", "uvicorn", "served:app", "--port", str(number), folder=tmp_path)
    records = served(process, number, 3)
    assert process.returncode == -signal.SIGTERM
    assert [record["message"] for record in records].count("asked") == 3
    assert [record["message"] for record in records].count("request") == 3
    assert numbers(records) == list(range(200))
    assert records[-1]["message"].startswith("Finished server process")
    assert not any(record["logger"] == "uvicorn.access" for record in records)


WSGI: Final = """
def app(environ, start_response):
    structlog.get_logger("own").info("asked", pid=os.getpid())
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


@pytest.mark.parametrize("preload", [True, False])
def test_workers_of_gunicorn_write_and_end_in_good_order(tmp_path: Path, preload: bool) -> None:
    last = "import atexit\natexit.register(lambda: log.info('bye', pid=os.getpid()))\n"
    program(tmp_path, WSGI + last, "served.py")
    number = free_port()
    options = ["--bind", f"127.0.0.1:{number}", "--workers", "2", *(["--preload"] if preload else [])]
    (metrics := tmp_path / "metrics").mkdir()
    command = ("-m", "gunicorn", "served:app", "--no-control-socket", *options)
    process = start(*command, folder=tmp_path, PROMETHEUS_MULTIPROC_DIR=str(metrics))
    records = served(process, number, 10)
    asked = [record["pid"] for record in records if record["message"] == "asked"]
    assert len(asked) == 10
    assert process.pid not in asked
    assert {record["pid"] for record in records if record["message"] == "bye"} >= set(asked)
    assert any(record["logger"] == "gunicorn.error" for record in records)


TASKS: Final = """
from celery import Celery, signals
celery = Celery("shop", broker="filesystem://", backend=None)
folders = {"data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control"}
celery.conf.broker_transport_options = folders
celery.conf.worker_hijack_root_logger = False
signals.setup_logging.connect(lambda **_: logs.adopt(), weak=False)
signals.worker_process_shutdown.connect(lambda **_: logs.flush(), weak=False)

@celery.task
def work(n):
    structlog.get_logger("own").info("worked", n=n, pid=os.getpid())
    if n == 5: raise ValueError("token=abc123")
"""


def test_processes_of_celerys_pool_write_and_end_in_good_order(tmp_path: Path) -> None:
    for name in ("queue", "control"):
        (tmp_path / name).mkdir()
    program(tmp_path, TASKS, "jobs.py")
    send = start("-c", "from jobs import work\nfor n in range(40): work.delay(n)", folder=tmp_path)
    output, _ = send.communicate(timeout=60)
    assert send.returncode == 0, output
    command = ("-m", "celery", "-A", "jobs:celery", "worker", "--concurrency=2", "--pool=prefork", "--loglevel=INFO")
    process = start(*command, folder=tmp_path)
    until(lambda: not any((tmp_path / "queue").iterdir()), "all tasks are taken", 60)
    process.terminate()
    output, _ = process.communicate(timeout=60)
    records = [json.loads(line) for line in output.splitlines() if line.startswith(b"{")]
    worked = [record for record in records if record["message"] == "worked"]
    assert sorted(record["n"] for record in worked) == list(range(40))
    assert process.pid not in {record["pid"] for record in worked}
    failed = [record for record in records if record.get("error_type") == "ValueError"]
    assert failed and failed[0]["logger"].startswith("celery")
    assert b"abc123" not in output
