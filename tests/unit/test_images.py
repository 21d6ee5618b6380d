"""Getting the images: the pins are true, .env is kept, what can be pulled is pulled, the rest is built or left out."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from images import ROOT, Failed, build, demo, docker, machine, pins, progress, provide, registry, tools
from images.__main__ import main
from images.dotenv import merge_dotenv, read_dotenv
from images.pins import Image, load_pins
from images.provide import Mode
from images.recipes import COMPOSE, RECIPES, DebianPackage, GoModule, recipe_of

HOST = ROOT / "images" / "host.sh"
IMAGES = tuple(load_pins().images.values())
PARTS = [
    *((part, load_pins().images[recipe.name].version) for recipe in RECIPES for part in recipe.parts),
    (COMPOSE, load_pins().builders["compose"]),
]
CHOICES = [(part.otherwise if isinstance(part, DebianPackage) else part, version) for part, version in PARTS]
GO_MODULES = [(part, version) for part, version in CHOICES if part is not None]
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
    provide.registry_answers,
)

# Answers as docker does, out of files beside it: `images` is what is local, `registry` what a pull says.
FAKE_DOCKER = """#!/bin/sh
here=$(dirname "$0")
echo "$*" >>"$here/calls"
case "$1 $2" in
    "image ls") cat "$here/images" ;;
    "info "*) echo /var/lib/docker ;;
    "compose version") echo 2.40.3 ;;
    "create "*) echo container ;;
    "cp "*) for target; do :; done; cp "$here/program" "$target" ;;
    "pull "*) . "$here/registry" ;;
esac
"""
SILENT = "sleep 30\n"
REFUSES = "echo no such host >&2; exit 1\n"
ANSWERS = 'echo "v1: Pulling from somewhere"; echo "$2" >>"$here/images"\n'
KNOWS_ONE = f'case $2 in *node*) {ANSWERS.strip()} ;; *) echo "manifest unknown" >&2; exit 1 ;; esac\n'


class Docker:
    """The fake docker of a test: what it was asked, and what it has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.holds()
        self.registry(REFUSES)
        (folder / "docker").write_text(FAKE_DOCKER)
        (folder / "docker").chmod(0o755)

    def holds(self, *references: str) -> None:
        (self.folder / "images").write_text("".join(f"{name}\n" for name in references))

    def registry(self, behaviour: str) -> None:
        (self.folder / "registry").write_text(behaviour)

    def program(self, script: str) -> None:
        (self.folder / "program").write_text(script)
        (self.folder / "program").chmod(0o755)

    def calls(self, verb: str) -> list[str]:
        calls = self.folder / "calls"
        lines = calls.read_text().splitlines() if calls.is_file() else []
        return [line for line in lines if line.startswith(verb)]


@pytest.fixture(autouse=True)
def machine_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing of the machine is read or written but what a test puts there."""
    cache = tmp_path / "cache"
    monkeypatch.setattr(progress, "LOGS", cache / "logs")
    monkeypatch.setattr(registry, "SILENT", cache / "registry.silent")
    monkeypatch.setattr(tools, "FOLDER", cache / "tools")
    monkeypatch.setattr(build, "CACHE", cache)
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


def command(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def image(name: str) -> Image:
    return load_pins().images[name]


# --- the pins ---


@pytest.mark.parametrize("pinned", IMAGES, ids=lambda pinned: pinned.name)
def test_an_image_is_pinned_to_one_release_in_both_columns(pinned: Image) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", pinned.version)
    name, tag = pinned.pulled.split(":")
    assert pinned.version in tag
    assert "." not in name, "an image's name names no registry's host"
    if pinned.standin is not None:
        assert pinned.standin == f"lookout/{pinned.name}:{pinned.standin_version}"


@pytest.mark.parametrize("pinned", IMAGES, ids=lambda pinned: pinned.name)
def test_what_has_a_stand_in_has_a_recipe_and_a_dockerfile(pinned: Image) -> None:
    recipes = [recipe for recipe in RECIPES if recipe.name == pinned.name]
    assert len(recipes) == (0 if pinned.standin is None else 1)
    assert (build.STANDINS / pinned.name / "Dockerfile").is_file() == bool(recipes)


@pytest.mark.parametrize(("part", "version"), GO_MODULES, ids=[part.module for part, _ in GO_MODULES])
def test_a_go_module_requires_the_version_that_is_pinned(part: GoModule, version: str) -> None:
    required = (build.MODULES / part.module / "go.mod").read_text()
    major, minor, patch = version.split(".")
    # The Prometheus module counts its releases as v0.<major><minor in two digits>.<patch>.
    counted = f"v0.{major}{int(minor):02}.{patch}" if part.module == "prometheus" else f"v{version}"
    for package in part.programs:
        if package.startswith("lookout/"):
            assert f"go.opentelemetry.io/collector/otelcol {counted}\n" in required
        else:
            root = re.match(r"github\.com/[^/]+/[^/]+(/v\d+)?", package)
            assert root and f"\t{root[0]} {counted} " in required
    assert (build.MODULES / part.module / "go.sum").stat().st_size > 0


def test_the_packages_of_uptime_kuma_are_locked_and_name_no_registry() -> None:
    folder = build.STANDINS / "uptime-kuma"
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    assert wanted == {"uptime-kuma": image("uptime-kuma").standin_version}
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert packages["node_modules/uptime-kuma"]["version"] == wanted["uptime-kuma"]
    assert not [path for path, entry in packages.items() if "resolved" in entry]
    assert not [path for path, entry in packages.items() if path and "integrity" not in entry]


def test_a_broken_pin_file_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "versions.yaml"
    path.write_text("prometheus: {version: 1.0.0, image: prom/prometheus:v1.0.0}\n")
    with pytest.raises(Failed, match=r"versions\.yaml: cannot be read: 'standin'"):
        pins.load_pins(path)


@pytest.mark.parametrize(
    ("debian", "upstream"),
    [("5:8.0.6-3", "8.0.6"), ("2.11.4-1", "2.11.4"), ("24.21.0+dfsg+~cs24.13.4-1", "24.21.0"), ("1.0-2-3", "1.0-2")],
)
def test_the_programs_own_version_in_that_of_a_package(debian: str, upstream: str) -> None:
    assert build.upstream_version(debian) == upstream


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

    def fail(self: Path, target: Path) -> Path:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        merge_dotenv(path, {"A": "2"})
    assert [entry.name for entry in tmp_path.glob(".env*")] == [".env"]
    assert path.read_text() == "A=1\n"


# --- pull, build or leave out ---

LOKI = image("loki")
CASES = {
    "what was pulled is used": (Mode.AUTO, [LOKI.pulled, str(LOKI.standin)], REFUSES, LOKI.pulled, 0, []),
    "a stand-in that is there is used, and nobody asked": (Mode.AUTO, [str(LOKI.standin)], SILENT, LOKI.standin, 0, []),
    "a registry that answers is pulled from": (Mode.AUTO, [], ANSWERS, LOKI.pulled, 2, []),
    "no registry, so it is built": (Mode.AUTO, [], REFUSES, LOKI.standin, 1, ["loki"]),
    "a registry that lacks this one": (Mode.AUTO, [], KNOWS_ONE, LOKI.standin, 2, ["loki"]),
    "pull: a stand-in does not count": (Mode.PULL, [str(LOKI.standin)], ANSWERS, LOKI.pulled, 1, []),
    "build: what was pulled does not count, and nobody is asked": (
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
    assert "!! uptime-kuma: 2.0.0-dev.0 stands in for 2.5.3" in capsys.readouterr().out


def test_one_image_that_fails_does_not_keep_the_others(fake: Docker) -> None:
    def get(wanted: Image) -> str:
        if wanted.name == "loki":
            raise Failed("loki: broken")
        return wanted.pulled

    had, failures = provide.each([LOKI, image("caddy")], get)
    assert had == {"caddy": image("caddy").pulled}
    assert [str(failure) for failure in failures] == ["loki: broken"]


# --- does a registry answer? ---


def test_a_registry_that_says_nothing_is_not_waited_for(fake: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "PATIENCE_SECONDS", 1.0)
    fake.registry("exec sleep 30\n")
    started = time.monotonic()
    assert not registry.answers(LOKI)
    assert time.monotonic() - started < 5


def test_that_no_registry_answers_is_remembered_for_an_hour(fake: Docker) -> None:
    assert not registry.answers(LOKI)
    fake.registry(ANSWERS)
    assert not registry.answers(LOKI)
    assert len(fake.calls("pull")) == 1
    hour_ago = time.time() - 3601
    os.utime(registry.SILENT, (hour_ago, hour_ago))
    assert registry.answers(LOKI)
    assert not registry.SILENT.exists()


# --- what the machine's package clients say ---

DEBIAN = "Debian Debian-Security http://security.example/\\nDebian Debian http://mirror.example/debian/"


def test_the_mirror_is_the_one_that_apt_uses(bin_folder: Path) -> None:
    command(bin_folder, "apt-get", f"printf '{DEBIAN}\\n'")
    assert machine.debian_mirror() == "http://mirror.example/debian/"


def test_a_machine_without_a_debian_mirror_says_what_to_set(bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command(bin_folder, "apt-get", "echo Ubuntu Ubuntu http://mirror.example/ubuntu/")
    with pytest.raises(Failed, match=f"{machine.MIRROR} to one"):
        machine.debian_mirror()
    monkeypatch.setenv(machine.MIRROR, "http://other.example/debian")
    assert machine.debian_mirror() == "http://other.example/debian"


def test_npm_go_and_apt_are_asked_for_their_settings(bin_folder: Path) -> None:
    command(bin_folder, "npm", "echo https://npm.example/")
    command(bin_folder, "go", '[ "$2" = GOPROXY ] && echo https://go.example || echo')
    command(bin_folder, "apt-config", "case $3 in *::http::*) echo \"P='http://proxy.example:3128'\" ;; esac")
    assert machine.npm_settings() == {"NPM_CONFIG_REGISTRY": "https://npm.example/"}
    assert machine.go_settings() == {"GOPROXY": "https://go.example"}
    assert 'Acquire::http::Proxy "http://proxy.example:3128";' in machine.apt_settings()


# --- compiling ---


@pytest.fixture
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Runs of the compiler, each of which writes its programs where they are expected."""
    runs: list[str] = []

    def run(name: str, reference: str, options: list[str], script: str) -> None:
        runs.append(script)
        output = next(word.removesuffix(":/out") for word in options if word.endswith(":/out"))
        if len(runs) == 1:
            raise KeyboardInterrupt
        Path(output, "amtool").write_text("compiled")

    monkeypatch.setattr(docker, "run", run)
    monkeypatch.setattr(build, "ensure_builder", lambda: "builder")
    monkeypatch.setattr(build, "_GO_CACHE", tmp_path / "go")
    return runs


def test_an_interrupted_build_is_not_taken_for_a_whole_one(compiler: list[str]) -> None:
    part = recipe_of("alertmanager").parts[1]
    assert isinstance(part, GoModule)
    with pytest.raises(KeyboardInterrupt):
        build.compile_module(part, "alertmanager", "0.33.1")
    folder = build.compile_module(part, "alertmanager", "0.33.1")
    assert [file.name for file in folder.iterdir()] == ["amtool"]
    assert build.compile_module(part, "alertmanager", "0.33.1") == folder
    assert len(compiler) == 2
    assert "-X github.com/prometheus/common/version.Version=0.33.1" in compiler[1]


def test_another_go_sum_is_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = recipe_of("alertmanager").parts[1]
    assert isinstance(part, GoModule)
    folder = tmp_path / "modules" / part.module
    folder.mkdir(parents=True)
    (folder / "go.sum").write_text("one")
    monkeypatch.setattr(build, "MODULES", tmp_path / "modules")
    before = build.built_folder(part, "0.33.1")
    (folder / "go.sum").write_text("two")
    assert build.built_folder(part, "0.33.1") != before


def test_where_the_distribution_has_moved_on_the_pinned_version_is_compiled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "caddy").write_text("compiled")
    monkeypatch.setattr(build, "_unpack", lambda *arguments: "2.12.0")
    monkeypatch.setattr(build, "compile_module", lambda *arguments: tmp_path)
    build.place(recipe_of("caddy").parts[0], "caddy", "2.11.4", tmp_path / "root")
    assert (tmp_path / "root/usr/bin/caddy").read_text() == "compiled"


def test_a_distribution_that_has_moved_on_is_an_error_without_another_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(build, "_unpack", lambda *arguments: "0.34.0")
    package = recipe_of("alertmanager").parts[0]
    with pytest.raises(Failed, match=r"pins 0\.33\.1, Debian's prometheus-alertmanager is 0\.34\.0"):
        build.place(package, "alertmanager", "0.33.1", tmp_path)


def test_a_step_that_fails_quotes_the_end_of_its_log() -> None:
    script = "for i in $(seq 100); do echo line $i; done; exit 7"
    with pytest.raises(Failed) as failure:
        progress.run_logged("loki", ["sh", "-c", script])
    message = str(failure.value)
    assert "loki: sh ended with 7" in message
    assert "| line 100\n" in message and "| line 85\n" not in message
    assert f"full log: {progress.LOGS / 'loki.log'}" in message


# --- tools on this machine ---


def test_a_tool_is_copied_out_of_a_pulled_image(fake: Docker) -> None:
    fake.program("#!/bin/sh\necho caddy runs\n")
    tools.install_tools(image("caddy"), image("caddy").pulled)
    path = tools.tool_path("caddy")
    assert path == tools.FOLDER / f"caddy-{image('caddy').version}" / "caddy"
    assert subprocess.run([path], capture_output=True, text=True, check=True).stdout == "caddy runs\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["caddy"]


def test_a_tool_that_does_not_run_here_runs_in_its_image(fake: Docker) -> None:
    fake.program("#!/bin/sh\necho needs another libc >&2; exit 127\n")
    tools.install_tools(image("caddy"), image("caddy").pulled)
    subprocess.run([tools.tool_path("caddy"), "adapt", "two words"], check=True)
    (call,) = fake.calls("run --rm")
    assert call.endswith(f"--entrypoint /usr/bin/caddy {image('caddy').pulled} adapt two words")


def test_a_compiled_tool_is_the_program_of_the_stand_in(fake: Docker) -> None:
    part = recipe_of("prometheus").parts[0]
    assert isinstance(part, GoModule)
    folder = build.built_folder(part, image("prometheus").version)
    folder.mkdir(parents=True)
    command(folder, "promtool", "echo compiled")
    tools.install_tools(image("prometheus"), str(image("prometheus").standin))
    assert tools.tool_path("promtool").stat().st_ino == (folder / "promtool").stat().st_ino
    assert fake.calls("create") == []


@pytest.mark.parametrize(("name", "reason"), [("promtool", "make up"), ("pint", "no tool is called 'pint'")])
def test_a_tool_that_is_not_there_says_so(name: str, reason: str) -> None:
    with pytest.raises(Failed, match=reason):
        tools.tool_path(name)


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


# --- the command line ---


@pytest.fixture
def checkout(fake: Docker, built: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for .env, and images that are all there: the stand-ins, the demo, but no Grafana."""
    monkeypatch.setattr("images.__main__._DOTENV", tmp_path / ".env")
    monkeypatch.setattr("images.__main__.CACHE", tmp_path / "cache")
    fake.holds(*(standin for pinned in IMAGES if (standin := pinned.standin)), demo.reference())
    return tmp_path


def test_a_run_that_finds_everything_writes_env_and_builds_nothing(checkout: Path, built: list[str]) -> None:
    (checkout / ".env").write_text("COMPOSE_PROFILES=mine,grafana\nLOOKOUT_PORT=9999\n")
    assert main([]) == 0
    env = read_dotenv(checkout / ".env")
    assert built == []
    assert env["LOOKOUT_PORT"] == "9999"
    assert env["DOCKER_ROOT"] == "/var/lib/docker"
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


def test_some_images_change_only_their_own_keys(checkout: Path) -> None:
    assert main(["caddy"]) == 0
    assert set(read_dotenv(checkout / ".env")) == {"IMAGE_CADDY", "DOCKER_ROOT"}


def test_the_list_tells_a_stand_in_from_what_is_missing(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    rows = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()}
    assert rows["uptime-kuma"] == ["2.0.0-dev.0", "stand-in", "lookout/uptime-kuma:2.0.0-dev.0"]
    assert rows["grafana"] == [image("grafana").version, "missing", image("grafana").pulled]
    assert not (checkout / ".env").exists()


def test_no_docker_is_exit_code_3_and_says_what_to_run(bin_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command(bin_folder, "docker", "echo Cannot connect to the Docker daemon >&2; exit 1")
    assert main([]) == 3
    assert "images/host.sh ensure" in capsys.readouterr().err


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


# --- the machine ---


@pytest.fixture
def host(tmp_path: Path, bin_folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs host.sh with a home of its own; `only` leaves nothing on PATH but a few plain commands and the fakes."""

    def run(verb: str, only: bool = False, user: str = "") -> subprocess.CompletedProcess[str]:
        path = str(bin_folder)
        if only:
            for name in ("bash", "cat", "sh", "dirname", "mkdir"):
                if not (bin_folder / name).exists():
                    (bin_folder / name).symlink_to(f"/bin/{name}")
        else:
            path = f"{bin_folder}:{os.environ['PATH']}"
        words = ["/bin/bash", str(HOST), verb]
        if user and os.getuid() == 0:
            words = ["/usr/bin/setpriv", "--reuid", user, "--clear-groups", *words]
        environment = {"HOME": str(tmp_path / "home"), "PATH": path, "USER": "someone"}
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    return run


def test_a_python_that_can_make_environments_is_printed(host: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = host("python")
    assert done.returncode == 0
    version = subprocess.run([done.stdout.strip(), "--version"], capture_output=True, text=True, check=True).stdout
    assert tuple(int(part) for part in version.split()[1].split(".")[:2]) >= (3, 11)


def test_an_old_python_says_in_one_line_what_is_missing(
    host: Callable[..., subprocess.CompletedProcess[str]], bin_folder: Path, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    command(bin_folder, "python3", "exit 1")
    done = host("python", only=True)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1 and "Python >= 3.11 with venv is missing" in done.stderr


def test_ensure_writes_down_what_an_old_daemon_needs(
    host: Callable[..., subprocess.CompletedProcess[str]], bin_folder: Path, tmp_path: Path
) -> None:
    command(
        bin_folder,
        "docker",
        'case "$*" in *DefaultAPIVersion*) echo 1.50 ;; *Server.APIVersion*) echo 1.41 ;;'
        ' buildx*) exit 1 ;; "compose version"*) echo 2.40.3 ;; esac',
    )
    assert host("ensure").returncode == 0
    facts = (tmp_path / "home/.cache/lookout/docker.env").read_text()
    assert facts == "DOCKER_API_VERSION=1.41\nDOCKER_BUILDKIT=0\n"


def test_ensure_writes_nothing_where_client_and_daemon_agree(
    host: Callable[..., subprocess.CompletedProcess[str]], bin_folder: Path, tmp_path: Path
) -> None:
    command(bin_folder, "docker", 'case "$*" in *APIVersion*) echo 1.50 ;; "compose version"*) echo 2.40.3 ;; esac')
    assert host("ensure").returncode == 0
    assert (tmp_path / "home/.cache/lookout/docker.env").read_text() == ""


def test_release_leaves_a_process_alone_that_is_no_dockerd(
    host: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    pid_file = tmp_path / "home/.cache/lookout/dockerd.pid"
    pid_file.parent.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as bystander:
        pid_file.write_text(str(bystander.pid))
        assert host("release").returncode == 0
        assert bystander.poll() is None
        bystander.terminate()
    assert not pid_file.exists()


def test_release_stops_the_daemon_of_the_pid_file(
    host: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    pid_file = tmp_path / "home/.cache/lookout/dockerd.pid"
    pid_file.parent.mkdir(parents=True)
    program = tmp_path / "dockerd"
    program.write_bytes(Path("/bin/sleep").read_bytes())
    program.chmod(0o755)
    # No child of this process, as the real one is none.
    started = subprocess.run(
        ["sh", "-c", f"{program} 60 >/dev/null 2>&1 & echo $!"], capture_output=True, text=True, check=True
    )
    pid_file.write_text(started.stdout)
    done = host("release")
    assert done.returncode == 0 and "stopped dockerd" in done.stderr
    assert not Path(f"/proc/{started.stdout.strip()}/exe").exists()
    assert not pid_file.exists()


def test_host_tells_how_it_is_used(host: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = host("dance")
    assert (done.returncode, done.stderr) == (2, "usage: host.sh ensure | release | python\n")
