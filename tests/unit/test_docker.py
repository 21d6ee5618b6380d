"""Docker Compose as Lookout runs it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from generator.docker import compose, running_services, started_at


def test_a_compose_that_hangs_is_ended_and_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexec /bin/sleep 30\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    done = compose(tmp_path, "up", timeout=1)
    assert (done.returncode, done.stderr) == (124, "docker compose did not end within 1 s")


@pytest.mark.parametrize(
    ("shown", "code", "expected"),
    [("2026-11-21T16:40:22.932123456Z", 0, datetime(2026, 11, 21, 16, 40, 22, 932123, UTC)), ("", 1, None)],
    ids=["it runs", "it has just gone"],
)
def test_a_container_is_asked_when_it_started(
    shown: str, code: int, expected: datetime | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\n[ "$1" = compose ] && echo 4f2a && exit 0\necho "{shown}"\nexit {code}\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert started_at(tmp_path, "postgres-exporter-db") == expected


def test_a_container_that_does_not_run_has_no_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexit 0\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert started_at(tmp_path, "postgres-exporter-db") is None


def test_without_docker_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert running_services(tmp_path) == frozenset()
