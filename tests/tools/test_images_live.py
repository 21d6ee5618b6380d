"""The real Docker against an image registry on the loopback: what it has is pulled, what it refuses is quoted, and only
where nothing listens is anything built.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from images import Failed, progress, provide, registry, room
from images.pins import Image, load_pins
from images.provide import Mode
from tests.support import tools
from tests.support.image_registry import REFUSALS, Registry, image_registry
from tests.support.servers import free_port


@pytest.fixture(autouse=True)
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What would have been built; nothing of this machine's cache is read or written."""
    names: list[str] = []
    monkeypatch.setattr(provide, "build_image", lambda image: names.append(image.name))
    monkeypatch.setattr(provide, "install_tools", lambda image, reference: None)
    monkeypatch.setattr(room, "shortages", lambda image: [])
    monkeypatch.setattr(progress, "LOGS", tmp_path)
    monkeypatch.setattr(registry, "SILENT", tmp_path / "registry.silent")
    monkeypatch.setattr(registry, "RETRY_SECONDS", (0.1, 0.1))
    registry.asked.cache_clear()
    yield names
    registry.asked.cache_clear()


@pytest.fixture(scope="module")
def running() -> Iterator[Registry]:
    with image_registry() as found:
        yield found
        tools.docker("image", "rm", "--force", found.reference)


def pinned(reference: str) -> Image:
    """A pinned image that is to be pulled from elsewhere, and whose stand-in is nowhere."""
    return replace(load_pins().images["loki"], pulled=reference, standin="lookout/no-such-stand-in:1")


def test_what_a_registry_has_is_pulled(running: Registry, built: list[str]) -> None:
    running.refusal = None
    tools.docker("image", "rm", "--force", running.reference)
    assert provide.provide(pinned(running.reference), Mode.AUTO) == running.reference
    labels = tools.docker("image", "inspect", "--format", "{{.Os}}", running.reference)
    assert labels.stdout.strip() == "linux"
    asked = len(running.asked)
    assert provide.provide(pinned(running.reference), Mode.AUTO) == running.reference
    assert len(running.asked) == asked, "what is here is not asked for again"
    assert built == []


# A word of Docker's sentence about each; its releases word the rest differently.
SENTENCES: Final[dict[str, str]] = {
    "rate limit": "You have reached your pull rate limit",
    "login": "unauthorized",
    "denied": "denied",
    "unknown": "manifest unknown",
    "broken": "500",
    "page": "invalid character '<'",
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_a_registry_refuses_is_reported_in_dockers_words_and_nothing_is_built(
    running: Registry, built: list[str], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    tools.docker("image", "rm", "--force", running.reference)
    running.refusal = REFUSALS[name]
    with pytest.raises(Failed) as failure:
        provide.provide(pinned(running.reference), Mode.AUTO)
    assert SENTENCES[name] in str(failure.value).splitlines()[0]
    assert built == []
    assert not registry.SILENT.exists()
    tried = capsys.readouterr().out.count("the next try is in")
    assert tried == (2 if name == "rate limit" else 0)


def test_where_nothing_listens_it_is_built_and_said_why(built: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    image = pinned(f"127.0.0.1:{free_port()}/acme/tiny:1")
    assert provide.provide(image, Mode.AUTO) == image.standin
    assert built == ["loki"]
    said = capsys.readouterr().out
    assert "no image registry can be reached, so what is missing is built: " in said
    assert "connection refused" in said


def test_where_a_name_leads_nowhere_it_is_built_too(built: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert provide.provide(pinned("registry.invalid/acme/tiny:1"), Mode.AUTO) == "lookout/no-such-stand-in:1"
    assert built == ["loki"]
    assert "registry.invalid" in capsys.readouterr().out


def test_a_registry_that_is_back_is_found_although_the_last_run_reached_none(
    running: Registry, built: list[str]
) -> None:
    running.refusal = None
    tools.docker("image", "rm", "--force", running.reference)
    registry.SILENT.touch()
    assert provide.provide(pinned(running.reference), Mode.AUTO) == running.reference
    assert not registry.SILENT.exists()


def test_when_asked_to_build_no_registry_is_asked(running: Registry, built: list[str]) -> None:
    asked = len(running.asked)
    provide.provide(pinned(running.reference), Mode.BUILD)
    assert built == ["loki"]
    assert len(running.asked) == asked
