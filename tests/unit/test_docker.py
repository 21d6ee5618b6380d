"""Docker Compose as Lookout runs it."""

from pathlib import Path

import pytest

from generator.docker import compose, running_services


def test_a_compose_that_hangs_is_ended_and_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexec /bin/sleep 30\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    done = compose(tmp_path, "up", timeout=1)
    assert (done.returncode, done.stderr) == (124, "docker compose did not end within 1 s")


def test_without_docker_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert running_services(tmp_path) == frozenset()
