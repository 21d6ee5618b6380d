"""A clone on a bare machine: before `make up`, without Docker, without the tools, without network. Each command works,
or says in one line what is missing and leaves with 3; none blames services.yaml for it.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from generator.artifact import Artifact
from generator.check.checkers import CheckedTree, check_compose
from generator.check.origins import origin_of
from generator.check.run import check_tree
from generator.cli import main
from generator.clients import tools
from generator.diagnostics import Diagnostic, Span, exit_code
from generator.pipeline import Compiled, compile_text
from generator.verbs import up
from generator.verbs.stages import compile_file

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PROGRAMS: Final = ("amtool", "caddy", "docker", "loki", "otelcol-contrib", "promtool")


@pytest.fixture(scope="module")
def demo() -> Compiled:
    return compile_file(REPOSITORY / "services.yaml")


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The demo's services.yaml and compose files on a machine that has nothing else."""
    for name in ("services.yaml", "compose.yaml", "compose.rendered.yaml", "apps/compose.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("LOOKOUT_PORT", "1")
    monkeypatch.delenv("PROMETHEUS_URL", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    tools.tool_path.cache_clear()
    yield tmp_path
    tools.tool_path.cache_clear()


VERBS: Final = {
    "check": 3,
    "render -o tree": 0,
    "plan": 0,
    "apply": 3,
    "explain ServiceDown --service api": 0,
    "explain store/stale": 0,
    "backtest": 3,
    "schema": 0,
    "connect api": 0,
    "logs status=500": 3,
    "backup-check db dumps": 3,
}


@pytest.mark.parametrize(("command", "code"), VERBS.items(), ids=VERBS)
def test_a_verb_works_or_says_in_one_line_what_is_missing(
    bare: Path, capsys: pytest.CaptureFixture[str], command: str, code: int
) -> None:
    (bare / "dumps").mkdir()
    (bare / "dumps/db.dump").write_text("PGDMP")
    (bare / "dumps/db.dump.sha256").write_text(f"{hashlib.sha256(b'PGDMP').hexdigest()}  db.dump\n")
    with pytest.raises(SystemExit) as left:
        main(command.split())
    assert (left.value.code or 0) == code
    said = capsys.readouterr().err
    errors = [line for line in said.splitlines() if "error[" in line]
    assert len(errors) == (code == 3), said
    assert "services.yaml:" not in said and "internal error" not in said


def test_every_tool_that_is_missing_stands_in_that_line(bare: Path, demo: Compiled) -> None:
    said: list[str] = []
    (found,) = check_tree(demo.site, demo.artifacts, bare, said.append)
    assert (found.code, found.span) == ("check/tool-missing", None)
    for program in PROGRAMS:
        assert program in found.message
    assert "make up" in found.hint
    assert sorted(said) == sorted(f"{each}: not checked" for each in (
        "alertmanager", "caddy", "collector", "compose", "loki", "panels", "prometheus", "proofs",
    ))  # fmt: skip


def test_what_make_up_cannot_check_leaves_with_3_too(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert up.main(["prepare"]) == 3
    assert capsys.readouterr().err.count("error[") == 1


@pytest.mark.parametrize(
    ("levels", "code"),
    [
        ([], 0),
        ([("store/stale", "note"), ("notify/nobody", "warning")], 0),
        ([("check/tool-missing", "error"), ("notify/nobody", "warning")], 3),
        ([("check/tool-missing", "error"), ("apply/unreachable", "error")], 3),
        ([("check/tool-missing", "error"), ("spec/bad-name", "error")], 1),
    ],
)
def test_the_exit_code_shows_what_is_wrong_from_what_was_not_judged(levels: list[tuple[str, str]], code: int) -> None:
    assert exit_code(Diagnostic(each, "m", level=level) for each, level in levels) == code  # type: ignore[arg-type]


# --- compose, before there is an .env ---

# Answers as compose does: it names the first variable that is required and has no value.
COMPOSE: Final = r"""#!/bin/bash
[[ $2 == config || $6 == config ]] || exit 0
set -a; [[ ! -f .env ]] || . ./.env
for name in $(/usr/bin/grep -hoP '\$\{\K\w+(?=:\?)' compose.yaml compose.rendered.yaml apps/compose.yaml); do
    [[ -n ${!name} ]] || { echo "required variable $name is missing a value: run make up" >&2; exit 1; }
done
"""


@pytest.mark.parametrize(
    "dotenv", [None, "", "IMAGE_LOKI=mine\n"], ids=["no .env", "an empty one", "one of an old run"]
)
def test_compose_is_checked_without_the_images_of_this_machine(
    bare: Path, demo: Compiled, monkeypatch: pytest.MonkeyPatch, dotenv: str | None
) -> None:
    (bare / "docker").write_text(COMPOSE)
    (bare / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(bare))
    for name in [name for name in os.environ if name.startswith("IMAGE_")]:
        monkeypatch.delenv(name)
    if dotenv is not None:
        (bare / ".env").write_text(dotenv)
        (bare / ".env").chmod(0o400)
    tree = CheckedTree(bare, demo.site, {artifact.path: artifact for artifact in demo.artifacts})
    assert check_compose(tree) == []
    assert (bare / ".env").read_text().startswith(dotenv or "")


def test_docker_without_compose_is_a_tool_that_is_missing(
    bare: Path, demo: Compiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare / "docker").write_text("#!/bin/sh\necho \"docker: 'compose' is not a docker command.\" >&2\nexit 1\n")
    (bare / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(bare))
    tree = CheckedTree(bare, demo.site, {artifact.path: artifact for artifact in demo.artifacts})
    with pytest.raises(tools.ToolMissing, match="docker compose is not on this machine"):
        check_compose(tree)


# --- the cause of a complaint ---

UP: Final = Artifact("prometheus/prometheus.yml", "", {"up": Span("services.yaml", 20, 3, 5)})


@pytest.mark.parametrize(
    "message",
    [
        "required variable IMAGE_LOKI is missing a value: run make up",
        "cannot start up",
        "up: no such file",
        'open "/tmp/up/x": permission denied',
    ],
)
def test_a_word_that_happens_to_be_a_jobs_name_blames_no_one(message: str) -> None:
    assert origin_of(message, {UP.path: UP}) is None


@pytest.mark.parametrize("quoted", ['"up"', "'up'", "`up`"])
def test_a_name_that_is_quoted_leads_to_its_origin(quoted: str) -> None:
    assert origin_of(f"job {quoted} is there twice", {UP.path: UP}) == Span("services.yaml", 20, 3, 5)


def test_a_tool_blames_only_what_it_has_read(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """compose has read no scrape job, so that none is its complaint's cause, even if one has the service's name."""
    text = "services:\n  app: {kind: http, targets: [app:80]}\n"
    compiled = compile_text(text, "services.yaml")
    (bare / "docker").write_text(
        "#!/bin/sh\n[ $2 = version ] || { echo \"service 'app' has neither an image nor a build\" >&2; exit 1; }\n"
    )
    (bare / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(bare))
    artifacts = {artifact.path: artifact for artifact in compiled.artifacts}
    assert "app" in artifacts["prometheus/prometheus.yml"].origins
    (found,) = check_compose(CheckedTree(bare, compiled.site, artifacts))
    assert (found.code, found.span) == ("check/failed", None)


# --- the scripts ---


@pytest.mark.parametrize("verb", ["down", "logs", "clean yes"])
@pytest.mark.parametrize(
    ("docker", "line"),
    [
        (None, "docker is not on this machine: make up"),
        ("exit 1", "docker compose is not on this machine: make up"),
        ("exit 0", "nothing was started here yet: make up"),
    ],
    ids=["no docker", "no compose", "no .env"],
)
def test_a_target_that_needs_what_is_missing_says_so_in_one_line(
    tmp_path: Path, verb: str, docker: str | None, line: str
) -> None:
    scripts, programs = tmp_path / "scripts", tmp_path / "bin"
    shutil.copytree(REPOSITORY / "scripts", scripts)
    programs.mkdir()
    for name in ("bash", "dirname"):
        (programs / name).symlink_to(f"/usr/bin/{name}")
    if docker:
        (programs / "docker").write_text(f"#!/bin/sh\n{docker}\n")
        (programs / "docker").chmod(0o755)
    environment = {"PATH": str(programs), "HOME": str(tmp_path)}
    command = ["/bin/bash", str(scripts / "stack.sh"), *verb.split()]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, f"lookout: {line}\n")


# Makes an environment as venv does, with a pip that reaches no index; `$VENV` breaks it earlier.
PYTHON: Final = r"""#!/bin/bash
case "$2" in
    venv)
        [[ -z ${VENV:-} ]] || { echo "The virtual environment was not created: no ensurepip" >&2; exit 1; }
        mkdir -p "$3/bin"
        printf '#!/bin/sh\necho WARNING: Retrying >&2\necho "ERROR: %s" >&2\nexit 1\n' \
            "No matching distribution found for click==8" >"$3/bin/pip"
        chmod +x "$3/bin/pip" ;;
esac
"""


@pytest.mark.parametrize(
    ("broken", "why"),
    [("", "ERROR: No matching distribution found for click==8"), ("yes", "The virtual environment was not created")],
    ids=["pip reaches no index", "venv is not whole"],
)
def test_a_python_environment_that_cannot_be_made_says_why_in_one_line(tmp_path: Path, broken: str, why: str) -> None:
    shutil.copytree(REPOSITORY / "scripts", tmp_path / "scripts")
    (tmp_path / "scripts/host.sh").write_text(f"#!/bin/sh\necho {tmp_path}/python\n")
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    (tmp_path / "pyproject.toml").write_text("")
    environment = {**os.environ, "HOME": str(tmp_path), "VENV": broken}
    script = '. scripts/common.sh; python=$(venv_python); echo "$python"'
    done = subprocess.run(
        ["/bin/bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (3, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"lookout: the Python environment cannot be made: {why}")
    assert line.endswith("; full log: " + str(tmp_path / ".cache/lookout/logs/venv.log"))
