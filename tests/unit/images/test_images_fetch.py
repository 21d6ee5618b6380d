"""One tool without the images: pulled, compiled by this machine's Go, or said to be impossible."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from generator.cli import cli
from images import Failed, alone, fetch, tools
from images.pins import load_pins
from tests.unit.images.fake_docker import ANSWERS, Docker, command, image

PROMTOOL = tools.tool_named("promtool")
NO_DOCKER = "exit 1"
# Writes what it was asked for to where it was asked to.
GO = """case "$1" in
    env) echo "${FAKE_GO:-go1.26.8}" ;;
    build) echo "$*" >>"$(dirname "$0")/built"; echo "$GOTOOLCHAIN $CGO_ENABLED" >>"$(dirname "$0")/built"
           while [ "$1" != -o ]; do shift; done; echo '#!/bin/sh' >"$2"; chmod +x "$2" ;;
esac"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tools, "FOLDER", tmp_path / "tools")
    monkeypatch.setattr(fetch, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(alone, "CACHE", tmp_path / "cache")
    return tmp_path / "tools" / f"promtool-{image('prometheus').version}" / "promtool"


def test_a_tool_that_is_there_is_not_fetched_again(fake: Docker, place: Path) -> None:
    place.parent.mkdir(parents=True)
    place.write_text("there")
    assert fetch.fetch_tools(()) == [place]
    assert fake.calls("") == []


def test_out_of_a_registry_comes_one_image_alone(fake: Docker, place: Path) -> None:
    fake.registry(ANSWERS)
    fake.program("#!/bin/sh\n")
    assert fetch.fetch_tools(()) == [place]
    assert [call.split()[1] for call in fake.calls("pull")] == [image("prometheus").pulled]
    assert place.is_file()


def test_without_docker_this_machines_go_compiles_the_pinned_program(bin_folder: Path, place: Path) -> None:
    command(bin_folder, "docker", NO_DOCKER)
    command(bin_folder, "go", GO)
    assert fetch.fetch_tools(["promtool"]) == [place]
    asked, settings = (bin_folder / "built").read_text().splitlines()
    assert asked.endswith("github.com/prometheus/prometheus/cmd/promtool")
    assert f"Version={image('prometheus').version}" in asked
    assert settings == f"go{load_pins().builders['go']} 0"


@pytest.mark.parametrize("go", ["exit 127", 'echo "go1.19.8"'], ids=["no Go", "one that is too old"])
def test_without_both_it_says_what_is_needed(bin_folder: Path, go: str) -> None:
    command(bin_folder, "docker", NO_DOCKER)
    command(bin_folder, "go", go)
    with pytest.raises(Failed, match=r"this needs Docker, or Go 1\.21 or newer, on this machine"):
        fetch.fetch_tools(())
    left = CliRunner().invoke(cli, ["tools"])
    assert left.exit_code == 3
    assert "this needs Docker" in left.output


def test_a_tool_that_there_is_not_is_refused() -> None:
    with pytest.raises(Failed, match="no tool is called 'promtol': promtool, amtool"):
        fetch.fetch_tools(["promtol"])
