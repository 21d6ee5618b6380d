"""A machine of their own for the tests of images/."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from images import build, docker, machine, progress, provide, registry, room, tools
from tests.unit.images.fake_docker import Docker

CACHED = (
    docker.environment,
    machine.ca_bundle,
    machine.debian_mirror,
    machine.apt_settings,
    machine.go_settings,
    machine.npm_settings,
    machine.pip_settings,
    machine.own_certificates,
    machine.proxies,
    provide._say_unreachable,
    registry.asked,
)


@pytest.fixture(autouse=True)
def machine_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing of the machine is read or written but what a test puts there."""
    cache = tmp_path / "cache"
    monkeypatch.setattr(progress, "LOGS", cache / "logs")
    monkeypatch.setattr(registry, "SILENT", cache / "registry.silent")
    monkeypatch.setattr(tools, "FOLDER", cache / "tools")
    monkeypatch.setattr(build, "CACHE", cache)
    monkeypatch.setattr(room, "CACHE", cache)
    # The machine of these tests has room enough; those of a small one say so.
    monkeypatch.setattr(room, "shortages", lambda image: [])
    monkeypatch.setattr(registry, "RETRY_SECONDS", (0.0, 0.0))
    for variable in (machine.MODE, machine.MIRROR, "NPM_CONFIG_REGISTRY", "GOPROXY", "PIP_INDEX_URL"):
        monkeypatch.delenv(variable, raising=False)
    for function in CACHED:
        function.cache_clear()
    yield
    for function in CACHED:
        function.cache_clear()


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


@pytest.fixture
def fake(bin_folder: Path) -> Docker:
    return Docker(bin_folder)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the images that were built, which takes no time here."""
    names: list[str] = []
    monkeypatch.setattr(provide, "build_image", lambda image: names.append(image.name))
    monkeypatch.setattr(provide, "install_tools", lambda image, reference: None)
    return names
