"""Docker Compose as Lookout runs it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from generator.clients.docker import NOT_RUN, compose, running_services, started


def test_a_compose_that_hangs_is_ended_and_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexec /bin/sleep 30\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    done = compose(tmp_path, "up", timeout=1)
    assert (done.returncode, done.stderr) == (124, "docker compose did not end within 1 s")


def test_without_docker_all_that_asks_it_has_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = compose(tmp_path, "up")
    assert (done.returncode, done.stderr) == (NOT_RUN, "docker cannot be run: No such file or directory")
    assert (started(tmp_path), running_services(tmp_path)) == ({}, frozenset())


def test_containers_are_asked_when_they_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = tmp_path / "docker"
    shown = "loki /lookout-loki-1 2026-11-21T16:40:22.932123456Z\ngone\ncache /lookout-cache-1 2026-11-21T16:40:23Z"
    docker.write_text(f'#!/bin/sh\n[ "$1" = compose ] && echo 4f2a && exit 0\necho "{shown}"\nexit 1\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    loki, cache = datetime(2026, 11, 21, 16, 40, 22, 932123, UTC), datetime(2026, 11, 21, 16, 40, 23, tzinfo=UTC)
    assert started(tmp_path) == {
        "loki": ("lookout-loki-1", loki.timestamp()),
        "cache": ("lookout-cache-1", cache.timestamp()),
    }


def test_where_nothing_runs_nothing_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexit 0\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert started(tmp_path) == {}


def test_without_docker_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert running_services(tmp_path) == frozenset()
