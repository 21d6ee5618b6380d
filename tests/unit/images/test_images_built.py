"""How a stand-in is built: by this machine's package clients, whole or not at all, with its tools."""

import subprocess
from pathlib import Path

import pytest

from images import Failed, build, docker, machine, progress, tools
from images.recipes import GoModule, recipe_of
from tests.unit.images.fake_docker import Docker, command, image

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
    part = recipe_of("alertmanager").parts[0]
    assert isinstance(part, GoModule)
    with pytest.raises(KeyboardInterrupt):
        build.compile_module(part, "alertmanager", "0.35.0")
    folder = build.compile_module(part, "alertmanager", "0.35.0")
    assert [file.name for file in folder.iterdir()] == ["amtool"]
    assert build.compile_module(part, "alertmanager", "0.35.0") == folder
    assert len(compiler) == 2
    assert "-X github.com/prometheus/common/version.Version=0.35.0" in compiler[1]


def test_what_only_compiling_needs_is_removed_and_the_programs_stay(
    fake: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = recipe_of("alertmanager").parts[0]
    assert isinstance(part, GoModule)
    monkeypatch.setattr(build, "_GO_CACHE", go_cache := tmp_path / "go")
    monkeypatch.setattr(build, "_APT_CACHE", tmp_path / "apt-lists")
    monkeypatch.setattr(build, "_WORK", tmp_path / "work")
    current = build.built_folder(part, image("alertmanager").version)
    earlier, half = current.with_name("alertmanager-0.32.0-0123456789ab"), current.with_name(f"{current.name}.part")
    for folder in (current, earlier, half, go_cache / "mod"):
        folder.mkdir(parents=True)
    build.sweep()
    assert current.is_dir()
    assert not earlier.exists() and not half.exists() and not go_cache.exists()
    assert fake.calls("image rm") == ["image rm lookout/builder:forky"]


def test_another_go_sum_is_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = recipe_of("alertmanager").parts[0]
    assert isinstance(part, GoModule)
    folder = tmp_path / "modules" / part.module
    folder.mkdir(parents=True)
    (folder / "go.sum").write_text("one")
    monkeypatch.setattr(build, "MODULES", tmp_path / "modules")
    before = build.built_folder(part, "0.35.0")
    (folder / "go.sum").write_text("two")
    assert build.built_folder(part, "0.35.0") != before


def test_where_the_distribution_has_moved_on_the_pinned_version_is_compiled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "caddy").write_text("compiled")
    monkeypatch.setattr(build, "_unpack", lambda *arguments: "2.12.0")
    monkeypatch.setattr(build, "compile_module", lambda *arguments: tmp_path)
    build.place(recipe_of("caddy").parts[0], "caddy", "2.11.9", tmp_path / "root")
    assert (tmp_path / "root/usr/bin/caddy").read_text() == "compiled"


def test_a_module_that_lacks_files_is_compiled_from_a_copy_that_has_them(compiler: list[str]) -> None:
    part = recipe_of("alertmanager").parts[0]
    assert isinstance(part, GoModule) and part.whole
    with pytest.raises(KeyboardInterrupt):
        build.compile_module(part, "alertmanager", "0.35.0")
    (script,) = compiler
    for file in part.whole.files:
        assert f"> /tmp/whole/{file}" in script
    assert script.index("go mod download") < script.index("cp -r") < script.index("go build $flags")
    assert subprocess.run(["sh", "-n", "-c", script], check=False).returncode == 0


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


@pytest.mark.parametrize(
    ("name", "reason"), [("promtool", "lookout tools promtool"), ("pint", "no tool is called 'pint'")]
)
def test_a_tool_that_is_not_there_says_so(name: str, reason: str) -> None:
    with pytest.raises(Failed, match=reason):
        tools.tool_path(name)


def test_a_log_shows_the_command_but_not_who_logs_in_where() -> None:
    progress.run_logged("loki", ["echo", "--build-arg", "PIP_INDEX_URL=https://me:hunter2@index.example/simple"])
    first = progress.log_of("loki").read_text().splitlines()[0]
    assert first == "$ echo --build-arg PIP_INDEX_URL=https://***@index.example/simple"
