"""Several workers without a folder for their metrics: they make one, or serve without and say so; the app runs."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from lookout_instrumentation import sharing
from lookout_instrumentation.processes import forget_dead, lives, started
from lookout_instrumentation.sharing import own_folder

from tests.instrumentation.servers import ROOT, ask, assert_counted, scraped, served
from tests.instrumentation.test_metrics import APPS, SERVERS
from tests.support.waiting import until

NOWHERE = "import lookout_instrumentation.sharing as s\ns._places = lambda: iter(())\n"
# The app's own metrics, made before anything is known of a folder.
OWN = (
    "import prometheus_client\nown = prometheus_client.Counter('own_total', 'x')\n"
    "kinds = prometheus_client.Counter('kinds_total', 'x', ['kind'])\nkind = kinds.labels('a')\nkind.inc(3)\n"
    "times = prometheus_client.Histogram('times', 'x')\n"
)
COUNTED = APPS.replace('    return {"pid"', '    own.inc(); kind.inc(); times.observe(1)\n    return {"pid"')


@contextmanager
def two_workers(
    server: str, folder: Path, source: str = APPS, **env: str
) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    kind, command = SERVERS[server]
    arguments = [part.format(workers=2, port="{port}") for part in command]
    with served(arguments, folder, source, KIND=kind, XDG_RUNTIME_DIR=str(folder), **env) as running:
        yield running


def stated(folder: Path) -> list[str]:
    lines = (folder / "output").read_text().splitlines()
    return [line for line in lines if "Lookout runs without a part of its set-up" in line]


@pytest.mark.parametrize("server", SERVERS)
def test_two_workers_make_a_folder_and_are_counted_together(server: str, tmp_path: Path) -> None:
    with two_workers(server, tmp_path, OWN + COUNTED) as (process, port):
        pids = {int(re.findall(r"\d+", ask(port, "/pid"))[0]) for _ in range(40)}
        assert_counted(port, 40, handler="/pid", status="200")
        for _ in range(4):  # whichever of them answers
            assert sum(scraped(port, "http_requests_total", handler="/pid", status="200")) == 40
            assert scraped(port, "own_total") == [40]
            assert scraped(port, "times_count") == [40]
            assert scraped(port, "instrumentation_partial") == [0]
        assert scraped(port, "kinds_total")[0] in (43, 46, 49)  # what each process had counted before is kept
        (base,) = tmp_path.glob("lookout-metrics-*")
        (folder,) = base.iterdir()
        assert all(stat.S_IMODE(each.stat().st_mode) == 0o700 for each in (base, folder))
        assert folder.name.startswith(f"{process.pid}-")
        assert stated(tmp_path) == []
        killed = pids.pop()
        os.kill(killed, signal.SIGKILL)
        until(lambda: ask(port, "/metrics") and not list(folder.glob(f"gauge_live*_{killed}.db")))
        assert sum(scraped(port, "http_requests_total", handler="/pid", status="200")) == 40
    with two_workers(server, tmp_path) as (_, port):
        ask(port, "/pid")
        assert not folder.exists(), "what an earlier server left is removed"
        assert_counted(port, 1, handler="/pid", status="200")


@pytest.mark.parametrize("server", SERVERS)
def test_where_no_folder_can_be_made_the_app_runs_and_says_so(server: str, tmp_path: Path) -> None:
    with two_workers(server, tmp_path, NOWHERE + APPS) as (_, port):
        ask(port, "/pid")
        assert scraped(port, "instrumentation_partial") == [1]
        until(lambda: len(stated(tmp_path)) >= (1 if server == "gunicorn-preload" else 2))
        lines = stated(tmp_path)
        assert len(lines) <= 2, "each process says it once"
        assert "PROMETHEUS_MULTIPROC_DIR=/run/metrics" in lines[0] and "tmpfs:" in lines[0]
        assert json.loads(lines[0])["level"] == "error"


def test_a_named_folder_that_cannot_be_used_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with two_workers("gunicorn", tmp_path, PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "file")) as (_, port):
        for _ in range(10):
            ask(port, "/pid")
        assert_counted(port, 10, handler="/pid", status="200")
        assert scraped(port, "instrumentation_partial") == [0]
    assert all(f"{tmp_path / 'file'} is not a folder" in line for line in stated(tmp_path)) and stated(tmp_path)


def test_a_named_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with two_workers("gunicorn", tmp_path, PROMETHEUS_MULTIPROC_DIR=str(folder)) as (_, port):
        for _ in range(10):
            ask(port, "/pid")
        assert_counted(port, 10, handler="/pid", status="200")
        assert list(folder.glob("counter_*.db"))


def test_a_folder_that_is_named_too_late_is_used(tmp_path: Path) -> None:
    source = f"""{OWN}
import os
os.environ["PROMETHEUS_MULTIPROC_DIR"] = {str(tmp_path / "late")!r}
from lookout_instrumentation import Lookout
own.inc(2)
lookout = Lookout(logging=False)
own.inc()
lookout.metrics.get("usage_total").labels("a", "b").inc()
print(lookout.metrics.exposition().decode())
"""
    printed = alone(source)
    assert "own_total 3.0" in printed and 'usage_total{name="b",what="a"} 1.0' in printed
    assert list((tmp_path / "late").glob("counter_*.db"))


def alone(source: str, **env: str) -> str:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'instrumentation'}", **env}
    done = subprocess.run(
        [sys.executable, "-c", source], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- the folder ---


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sharing, "_places", lambda: iter((tmp_path,)))
    return tmp_path


def base_of(place: Path) -> Path:
    return place / f"lookout-metrics-{os.geteuid()}-{sharing._namespace()}"


def test_the_folder_is_one_for_a_parent_and_no_one_elses(place: Path) -> None:
    folder = own_folder(os.getpid())
    assert folder is not None and folder == own_folder(os.getpid())
    assert folder.parent == base_of(place)
    assert own_folder(os.getppid()) not in (None, folder)
    for each in (folder, folder.parent):
        each.chmod(0o777)
    assert own_folder(os.getpid()) == folder
    assert {stat.S_IMODE(each.stat().st_mode) for each in (folder, folder.parent)} == {0o700}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_folder_that_another_user_has_made_is_not_used(place: Path) -> None:
    base_of(place).mkdir()
    os.chown(base_of(place), 12345, 12345)
    assert own_folder(os.getpid()) is None


@pytest.mark.parametrize("make", ["link", "file"])
def test_what_is_no_folder_is_not_used(place: Path, make: str) -> None:
    (place / "elsewhere").mkdir()
    if make == "link":
        base_of(place).symlink_to(place / "elsewhere")
    else:
        base_of(place).write_text("")
    assert own_folder(os.getpid()) is None
    assert list((place / "elsewhere").iterdir()) == []


def test_a_place_without_room_is_not_used(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "_room", lambda _: sharing.ROOM_BYTES - 1)
    assert own_folder(os.getpid()) is None


def test_what_ended_processes_left_is_removed_and_nothing_else(place: Path) -> None:
    kept = own_folder(os.getpid())
    base = base_of(place)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for name in (f"{ended.pid}-1", f"{os.getpid()}-1", "notes", f"{os.getppid()}-{started(os.getppid())}"):
        (base / name).mkdir()
        (base / name / "counter_1.db").write_text("x")
    assert own_folder(os.getpid()) == kept
    assert {path.name for path in base.iterdir()} == {
        kept.name if kept else "", "notes", f"{os.getppid()}-{started(os.getppid())}",
    }  # fmt: skip


def test_a_number_that_is_another_process_now_is_forgotten(tmp_path: Path) -> None:
    """What an earlier process of the same number said of itself is no longer so."""
    mine = tmp_path / f"gauge_livesum_{os.getpid()}.db"
    before = tmp_path / f"gauge_livesum_{os.getppid()}.db"
    for file in (mine, before):
        file.write_bytes(b"")
    os.utime(before, (1, 1))
    forget_dead(tmp_path)
    assert mine.exists() and not before.exists()


def test_a_process_is_known_by_its_number_and_its_beginning() -> None:
    assert lives(os.getpid()) and lives(os.getpid(), started(os.getpid()))
    assert not lives(os.getpid(), 1)
    assert started(2**22 + 1) == 0 and not lives(2**22 + 1)
