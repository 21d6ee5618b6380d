"""`make status`: what the table says, and when it says that something is wrong."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from generator.clients.http import NoAnswer
from generator.verbs import status
from generator.verbs.status import main, rows, table

TARGETS = [
    {"scrapeUrl": "http://collector.core:8888/metrics", "health": "up"},
    {"scrapeUrl": "http://redis-exporter-cache:9121/metrics", "health": "down"},
    {"scrapeUrl": "http://loki.core:3100/metrics", "health": "down"},
]


def container(service: str, state: str = "running", health: str = "") -> dict[str, Any]:
    return {"Service": service, "State": state, "Health": health}


@pytest.mark.parametrize(
    ("listed", "health", "well"),
    [
        pytest.param(container("loki", health="healthy"), "healthy", True, id="its own check counts, not the scrape"),
        pytest.param(container("loki", health="unhealthy"), "unhealthy", False, id="an ill one is not well"),
        pytest.param(container("loki", health="starting"), "starting", False, id="a starting one is not well yet"),
        pytest.param(container("collector"), "scraped", True, id="without a check Prometheus' scrape counts"),
        pytest.param(container("redis-exporter-cache"), "not scraped", False, id="and so does a failing scrape"),
        pytest.param(container("worker"), "no check", True, id="what has no check only has to run"),
        pytest.param(container("worker", state="exited"), "no check", False, id="what has stopped is not well"),
        pytest.param(
            container("loki", "exited", "healthy"), "healthy", False, id="the last check of a stopped one is old"
        ),
    ],
)
def test_a_row(listed: dict[str, Any], health: str, well: bool) -> None:
    (row,) = rows([listed], TARGETS)
    assert (row.health, row.well) == (health, well)


def test_one_of_two_scrapes_that_fails_is_enough_to_be_reported() -> None:
    again = [{"scrapeUrl": "http://collector.core:13133/", "health": "down"}, *TARGETS]
    (row,) = rows([container("collector")], again)
    assert row.health == "not scraped"


def test_the_table_is_sorted_and_marks_what_is_not_well() -> None:
    listed = [container("prometheus", health="healthy"), container("loki", "exited")]
    assert table(rows(listed, [])).splitlines() == [
        "   SERVICE     STATE    HEALTH",
        "!  loki        exited   no check",
        "   prometheus  running  healthy",
    ]


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which `make up` was run once."""
    (tmp_path / ".env").write_text("IMAGE_LOKI=loki\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def machine(started: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What docker and Prometheus answer; a test sets it."""
    said: dict[str, Any] = {"containers": [], "code": 0, "targets": TARGETS}

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        lines = "\n".join(json.dumps(each) for each in said["containers"])
        return subprocess.CompletedProcess(command, said["code"], lines, "no such daemon")

    def targets(url: str) -> list[dict[str, Any]]:
        said["asked"] = url
        if said["targets"] is None:
            raise NoAnswer("Prometheus does not answer")
        found: list[dict[str, Any]] = said["targets"]
        return found

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(status, "targets", targets)
    return said


def test_all_well_leaves_with_0(machine: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    machine["containers"] = [container("loki", health="healthy"), container("collector")]
    assert main() == 0
    assert "scraped" in capsys.readouterr().out


def test_prometheus_is_asked_at_the_port_of_the_env_file(
    machine: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("LOOKOUT_PORT=18080\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOOKOUT_PORT", raising=False)
    machine["containers"] = [container("collector")]
    assert main() == 0
    assert machine["asked"].startswith("http://127.0.0.1:18080/")


def test_something_ill_leaves_with_1(machine: dict[str, Any]) -> None:
    machine["containers"] = [container("redis-exporter-cache")]
    assert main() == 1


def test_without_prometheus_the_rest_is_still_reported(
    machine: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    machine.update(containers=[container("collector"), container("prometheus", "exited")], targets=None)
    assert main() == 1
    assert "collector   running  no check" in capsys.readouterr().out


def test_nothing_that_runs_is_said_with_what_to_do(machine: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 1
    assert capsys.readouterr().out == "nothing runs; `make up` starts the stack\n"


def test_without_docker_it_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], started: Path
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SystemExit, match="3"):
        main()
    assert capsys.readouterr().err == (
        "lookout: docker cannot be run: No such file or directory; `make up` installs it\n"
    )


def test_a_docker_that_does_not_answer_is_one_line(machine: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    machine["code"] = 1
    with pytest.raises(SystemExit, match="3"):
        main()
    assert capsys.readouterr().err == "lookout: no such daemon\n"


def test_before_the_first_start_nothing_runs_and_compose_is_not_asked(
    machine: dict[str, Any], started: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (started / ".env").unlink()
    machine["code"] = 1
    assert main() == 1
    assert capsys.readouterr().out == "nothing runs; `make up` starts the stack\n"
