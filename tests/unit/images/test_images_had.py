"""What can be pulled is pulled, the rest is built or left out, and .env says which."""

import os
import re
from pathlib import Path

import pytest

from images import Failed, demo, docker, machine, progress, provide
from images.__main__ import main
from images.dotenv import merge_dotenv, read_dotenv
from images.pins import Image, Pins, load_pins
from images.provide import Mode
from tests.unit.images.fake_docker import ANSWERS, REFUSES, SILENT, Docker, command, image

IMAGES = tuple(load_pins().images.values())
# --- .env ---


def test_env_keeps_what_others_wrote_and_where(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# mine\nLOOKOUT_PORT=9999\nIMAGE_LOKI=old\nIMAGE_GRAFANA=gone\n\nOTHER=a=b\n")
    assert merge_dotenv(path, {"IMAGE_LOKI": "new", "IMAGE_GRAFANA": None, "IMAGE_CADDY": "caddy:2"})
    assert path.read_text() == "# mine\nLOOKOUT_PORT=9999\nIMAGE_LOKI=new\n\nOTHER=a=b\nIMAGE_CADDY=caddy:2\n"
    assert read_dotenv(path)["OTHER"] == "a=b"


def test_env_is_not_written_when_nothing_changes(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert merge_dotenv(path, {"A": "1", "B": None})
    inode = path.stat().st_ino
    assert not merge_dotenv(path, {"A": "1", "B": None})
    assert path.stat().st_ino == inode


def test_env_keeps_its_mode_because_it_may_hold_what_is_not_for_all(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    path.chmod(0o600)
    merge_dotenv(path, {"A": "2"})
    assert path.stat().st_mode & 0o777 == 0o600


def test_env_is_whole_even_if_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")

    def fail(source: Path, target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        merge_dotenv(path, {"A": "2"})
    assert [entry.name for entry in tmp_path.glob(".env*")] == [".env"]
    assert path.read_text() == "A=1\n"


def test_pins_that_cannot_be_read_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> Pins:
        raise Failed("versions.yaml: cannot be read: 'standin'")

    monkeypatch.setattr("images.__main__.load_pins", broken)
    assert main([]) == 1
    assert capsys.readouterr().err == "lookout: versions.yaml: cannot be read: 'standin'\n"


# --- pull, build or leave out ---

LOKI = image("loki")
CASES = {
    "what was pulled is used": (Mode.AUTO, [LOKI.pulled, str(LOKI.standin)], REFUSES, LOKI.pulled, 0, []),
    "a stand-in that is there is used, and no one asked": (Mode.AUTO, [str(LOKI.standin)], SILENT, LOKI.standin, 0, []),
    "a registry that answers is pulled from": (Mode.AUTO, [], ANSWERS, LOKI.pulled, 1, []),
    "no registry, so it is built": (Mode.AUTO, [], REFUSES, LOKI.standin, 1, ["loki"]),
    "pull: a stand-in does not count": (Mode.PULL, [str(LOKI.standin)], ANSWERS, LOKI.pulled, 1, []),
    "build: what was pulled does not count, and no one is asked": (
        Mode.BUILD, [LOKI.pulled], SILENT, LOKI.standin, 0, ["loki"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("mode", "local", "behaviour", "expected", "pulls", "builds"), CASES.values(), ids=CASES)
def test_an_image_is_had_by(
    fake: Docker,
    built: list[str],
    mode: Mode,
    local: list[str],
    behaviour: str,
    expected: str,
    pulls: int,
    builds: list[str],
) -> None:
    fake.holds(*local)
    fake.registry(behaviour)
    assert provide.provide(LOKI, mode) == expected
    assert len(fake.calls("pull")) == pulls
    assert built == builds


def test_pull_alone_fails_when_no_registry_answers(fake: Docker, built: list[str]) -> None:
    with pytest.raises(Failed, match="no such host") as failure:
        provide.provide(LOKI, Mode.PULL)
    assert str(progress.LOGS / "loki.log") in str(failure.value)
    assert built == []


def test_what_no_package_registry_has_is_left_out_loudly(
    fake: Docker, built: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert provide.provide(image("grafana"), Mode.AUTO) is None
    assert "!! grafana" in (shown := capsys.readouterr().out) and "LEFT OUT" in shown
    assert built == []


def test_an_older_stand_in_is_said_loudly(fake: Docker, built: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert provide.provide(image("uptime-kuma"), Mode.BUILD) == "lookout/uptime-kuma:2.0.0-dev.0"
    assert "!! uptime-kuma: 2.0.0-dev.0 stands in for 2.5.5" in capsys.readouterr().out


def test_one_image_that_fails_does_not_keep_the_others(fake: Docker) -> None:
    def get(wanted: Image) -> str:
        if wanted.name == "loki":
            raise Failed("loki: broken")
        return wanted.pulled

    had, failures = provide.each([LOKI, image("caddy")], get)
    assert had == {"caddy": image("caddy").pulled}
    assert [str(failure) for failure in failures] == ["loki: broken"]


# --- the demo's image ---


def test_the_demos_tag_follows_its_content_alone(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        (folder / "demo").mkdir(parents=True)
        (folder / "demo" / "api.py").write_text("x = 1\n")
    (two / "__pycache__").mkdir()
    (two / "__pycache__" / "api.pyc").write_text("compiled")
    tag = demo.reference(one)
    assert re.fullmatch(r"lookout/demo:[0-9a-f]{12}", tag)
    assert demo.reference(two) == tag
    (two / "demo" / "api.py").rename(two / "demo" / "app.py")
    assert demo.reference(two) != tag


def test_the_demos_tag_follows_its_library_but_not_what_is_rendered_for_each_service(tmp_path: Path) -> None:
    apps, library = tmp_path / "apps", tmp_path / "instrumentation"
    for file in (apps / "api.py", library / "core.py", library / "services" / "api.json"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("1\n")
    tag = demo.reference(apps, library)
    (library / "services" / "api.json").write_text("2\n")
    assert demo.reference(apps, library) == tag
    (library / "core.py").write_text("2\n")
    assert demo.reference(apps, library) != tag


# --- the command line ---


@pytest.fixture
def checkout(fake: Docker, built: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for .env, and images that are all there: the stand-ins, the demo, but no Grafana."""
    monkeypatch.setattr("images.__main__._DOTENV", tmp_path / ".env")
    monkeypatch.setattr("images.alone.CACHE", tmp_path / "cache")
    monkeypatch.setattr("images.tracker.ROOT", tmp_path)
    fake.holds(*(standin for pinned in IMAGES if (standin := pinned.standin)), demo.reference())
    return tmp_path


def test_a_run_that_finds_everything_writes_env_and_builds_nothing(checkout: Path, built: list[str]) -> None:
    (checkout / ".env").write_text("COMPOSE_PROFILES=mine,grafana\nLOOKOUT_PORT=9999\n")
    assert main([]) == 0
    env = read_dotenv(checkout / ".env")
    assert built == []
    assert env["LOOKOUT_PORT"] == "9999"
    assert env["DOCKER_ROOT"] == "/var/lib/docker"
    assert env["DOCKER_API"] == "1.41"
    assert env["COMPOSE_FILE"] == "compose.yaml:compose.rendered.yaml"
    assert env["IMAGE_NODE_EXPORTER"] == image("node-exporter").standin
    assert env["IMAGE_DEMO"] == demo.reference()
    assert "IMAGE_GRAFANA" not in env
    assert "mine" in env["COMPOSE_PROFILES"].split(",") and "grafana" not in env["COMPOSE_PROFILES"]


@pytest.mark.parametrize("wanted", [True, False], ids=["the demo is watched", "it is not"])
def test_the_demos_profile_follows_services_yaml(
    checkout: Path, fake: Docker, monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    monkeypatch.setattr(demo, "is_wanted", lambda: wanted)
    assert main([]) == 0
    env = read_dotenv(checkout / ".env")
    assert env["COMPOSE_PROFILES"] == ("demo" if wanted else "")
    assert env["IMAGE_REDIS"] == (image("redis").standin if wanted else image("redis").pulled)


def test_the_profile_of_a_part_is_on_where_services_yaml_asks_for_it(checkout: Path) -> None:
    (checkout / "services.yaml").write_text("stack: {errors: bugsink}\n")
    assert main([]) == 0
    env = read_dotenv(checkout / ".env")
    assert "errors" in env["COMPOSE_PROFILES"].split(",")
    assert env["IMAGE_BUGSINK"] == image("bugsink").standin
    (checkout / "services.yaml").write_text("stack: {name: acme}\n")
    assert main([]) == 0
    assert "errors" not in read_dotenv(checkout / ".env")["COMPOSE_PROFILES"].split(",")


@pytest.mark.parametrize("pulled", [True, False], ids=["it was pulled", "no registry answers"])
def test_the_store_of_traces_runs_where_it_is_asked_for_and_can_be_had(
    checkout: Path, fake: Docker, capsys: pytest.CaptureFixture[str], pulled: bool
) -> None:
    (checkout / "services.yaml").write_text("stack: {traces: tempo}\n")
    if pulled:
        had = (standin for pinned in IMAGES if (standin := pinned.standin))
        fake.holds(*had, demo.reference(), image("tempo").pulled)
    assert main([]) == 0
    env = read_dotenv(checkout / ".env")
    assert ("traces" in env["COMPOSE_PROFILES"].split(",")) is pulled
    assert ("IMAGE_TEMPO" in env) is pulled
    assert ("tempo 3.0.3 IS LEFT OUT" in capsys.readouterr().out) is not pulled


def test_some_images_change_only_their_own_keys(checkout: Path) -> None:
    assert main(["caddy"]) == 0
    assert set(read_dotenv(checkout / ".env")) == {"IMAGE_CADDY", "DOCKER_API", "DOCKER_ROOT"}


@pytest.mark.parametrize(
    ("server", "asked"),
    [("1.41", "1.41"), ("1.44", "1.44"), ("1.51", "1.44"), ("2.0", "1.44")],
    ids=["an older Docker's own", "just new enough", "a newer one in what it still answers", "a new major one"],
)
def test_docker_is_asked_in_a_version_that_it_answers(monkeypatch: pytest.MonkeyPatch, server: str, asked: str) -> None:
    monkeypatch.setattr(docker, "ask", lambda *_: server)
    assert docker.api_version() == asked


def test_the_list_shows_a_stand_in_from_what_is_missing(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    rows = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()}
    assert rows["uptime-kuma"] == ["2.0.0-dev.0", "stand-in", "lookout/uptime-kuma:2.0.0-dev.0"]
    assert rows["grafana"] == [image("grafana").version, "missing", image("grafana").pulled]
    assert not (checkout / ".env").exists()


def test_no_docker_is_exit_code_3_and_says_what_to_run(bin_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command(bin_folder, "docker", "echo Cannot connect to the Docker daemon >&2; exit 1")
    assert main([]) == 3
    assert "scripts/host.sh ensure" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "mode"),
    [(["gatus"], "auto"), (["--rebuild"], "auto"), ([], "steal")],
    ids=["a name that is not known", "all at once", "a mode that is not one"],
)
def test_what_is_not_understood_is_exit_code_2(
    fake: Docker, monkeypatch: pytest.MonkeyPatch, arguments: list[str], mode: str
) -> None:
    monkeypatch.setenv(machine.MODE, mode)
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
