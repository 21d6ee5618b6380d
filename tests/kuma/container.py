"""Uptime Kuma in a container of its own, on a loopback port, gone when the test is."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

import pytest
import yaml

_ROOT: Final = Path(__file__).resolve().parents[2]
# Written by `make up` where the docker client needs settings to match the daemon.
_DOCKER_ENV: Final = Path.home() / ".cache" / "lookout" / "docker.env"
# A cold server to use in place of a container: to try another version of Uptime Kuma out.
_URL_VARIABLE: Final = "LOOKOUT_TEST_KUMA_URL"


@contextmanager
def running_kuma() -> Iterator[str]:
    """The URL of a server that no one has set up yet."""
    if given := os.environ.get(_URL_VARIABLE):
        yield given
        return
    image = _image()
    started = _docker(
        *("run", "--detach", "--publish", "127.0.0.1::3001", "--memory", "512m"),
        *("--env", "UPTIME_KUMA_DB_TYPE=sqlite", "--env", "UPTIME_KUMA_PORT=3001", image),
    )
    if started.returncode:
        raise RuntimeError(f"{image} does not start: {started.stderr.strip()}")
    container = started.stdout.strip()
    try:
        yield "http://" + _docker("port", container, "3001/tcp").stdout.split()[0]
    finally:
        _docker("rm", "--force", "--volumes", container)


def _image() -> str:
    """The first image reference of this project that is on this machine."""
    try:
        alive = _docker("version").returncode == 0
    except FileNotFoundError:
        alive = False
    if not alive:
        _give_up("no docker daemon answers")
    for reference in _references():
        if _docker("image", "inspect", reference).returncode == 0:
            return reference
    _give_up("no image of Uptime Kuma is on this machine: run `make up`")


def _references() -> list[str]:
    """What .env says, then the stand-in and the image of versions.yaml."""
    path = _ROOT / ".env"
    lines = path.read_text().splitlines() if path.exists() else []
    chosen = [line.partition("=")[2].strip() for line in lines if line.startswith("IMAGE_UPTIME_KUMA=")]
    pins = yaml.safe_load((_ROOT / "versions.yaml").read_text())["uptime-kuma"]
    return [*chosen, *(pins[name] for name in ("image", "standin") if pins.get(name))]


def _give_up(reason: str) -> NoReturn:
    """A laptop may lack docker; continuous integration may not."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    settings = _DOCKER_ENV.read_text().splitlines() if _DOCKER_ENV.exists() else []
    extra = dict(line.split("=", 1) for line in settings if "=" in line and not line.startswith("#"))
    return subprocess.run(
        ["docker", *arguments], env={**extra, **os.environ}, capture_output=True, text=True, timeout=120, check=False
    )
