"""The Python environments of the make targets: a small one runs Lookout, a larger one its tests. `./lookout` runs in
either, through a symbolic link too, without looking for a Python that it has found before.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PROJECT: Final = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# They run in Bugsink's container, among its own libraries.
ELSEWHERE: Final = ("generator/bugsink/inside.py", "generator/bugsink/settings/")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone in which whatever looks for a Python fails."""
    for name in ("lookout", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    (tmp_path / "scripts").mkdir()
    shutil.copy(REPOSITORY / "scripts/common.sh", tmp_path / "scripts")
    host = tmp_path / "scripts/host.sh"
    host.write_text("#!/bin/sh\necho 'a Python was looked for' >&2\nexit 3\n")
    host.chmod(0o755)
    return tmp_path


def shell(script: str, clone: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HOME": str(clone / "home")}
    command = ["/bin/bash", "-c", f". scripts/common.sh; {script}"]
    return subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False)


def make(clone: Path, kind: str, program: str, made_with: str = "/bin/sh") -> Path:
    """An environment that is complete, with a Python that is a shell script."""
    venv = Path(shell(f"venv_path {kind}", clone).stdout.strip())
    (venv / "bin").mkdir(parents=True)
    (venv / "bin/python").write_text(program)
    (venv / "bin/python").chmod(0o755)
    (venv / "complete").write_text(f"{made_with}\n")
    return venv


def test_the_environments_hold_what_pyproject_lists(clone: Path) -> None:
    run, dev = (shell(f"requirements {kind}", clone).stdout.split() for kind in ("run", "dev"))
    assert run == PROJECT["dependencies"]
    assert dev == [*run, *PROJECT["optional-dependencies"]["dev"]]


def test_lookout_runs_in_the_small_one_until_there_is_the_larger_one(clone: Path) -> None:
    small = make(clone, "run", "")
    assert shell("run_python", clone).stdout == f"{small}/bin/python\n"
    large = make(clone, "dev", "")
    assert small != large
    assert shell("run_python", clone).stdout == f"{large}/bin/python\n"
    assert shell("venv_python", clone).stdout == f"{large}/bin/python\n"


def test_another_setting_of_pyproject_keeps_the_environment_another_list_does_not(clone: Path) -> None:
    before = shell("venv_path run; venv_path dev", clone).stdout.split()
    page = clone / "pyproject.toml"
    page.write_text(page.read_text().replace("line-length = 120", "line-length = 100"))
    assert shell("venv_path run; venv_path dev", clone).stdout.split() == before
    page.write_text(re.sub('mypy==.*"', 'mypy==1.0"', page.read_text(), count=1))
    run, dev = shell("venv_path run; venv_path dev", clone).stdout.split()
    assert (run, dev) != tuple(before) and run == before[0]


def test_an_environment_whose_python_is_gone_is_made_again(clone: Path) -> None:
    make(clone, "run", "", made_with="/usr/bin/python3.1")
    done = shell("run_python", clone)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "a Python was looked for\n")


@pytest.mark.parametrize(("kind", "kept"), [("run", False), ("dev", True)])
def test_the_small_one_does_not_keep_what_installed_it(clone: Path, kind: str, kept: bool) -> None:
    said = clone / "said"
    python = clone / "python"
    program = f'#!/bin/sh\necho "$@" >>{said}\n'
    # As `python -m venv FOLDER` does: a Python and a pip, which write down what they are asked.
    python.write_text(f'{program}mkdir -p "$3/bin"\nfor each in python pip; do cp {clone}/asked "$3/bin/$each"; done\n')
    (clone / "asked").write_text(program)
    (clone / "scripts/host.sh").write_text(f"#!/bin/sh\necho {python}\n")
    for path in (python, clone / "asked"):
        path.chmod(0o755)
    done = shell(f"ensure_venv {kind}", clone)
    assert (done.returncode, done.stderr) == (0, "")
    made, installed, *rest = said.read_text().splitlines()
    assert made.startswith("-m venv ") and installed.startswith("install ")
    assert rest == ([] if kept else ["-m pip uninstall --quiet --yes pip setuptools"])


@pytest.mark.parametrize("links", [0, 1, 2], ids=["the file itself", "a link", "a link to a link"])
def test_lookout_runs_from_any_folder_and_through_links(clone: Path, tmp_path: Path, links: int) -> None:
    make(clone, "run", '#!/bin/sh\necho "$PWD|$PYTHONPATH|$@"\n')
    command = clone / "lookout"
    for number in range(links):
        link = tmp_path / f"link-{number}/lookout"
        link.parent.mkdir()
        link.symlink_to(os.path.relpath(command, link.parent))
        command = link
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {**os.environ, "HOME": str(clone / "home")}
    done = subprocess.run([command, "check", "-f", "my file"], cwd=elsewhere, env=environment, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert (done.stdout, done.stderr) == (f"{elsewhere}|{clone}|-m generator check -f my file\n", "")


def imported(path: Path) -> Iterator[str]:
    """The packages that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_the_small_one_has_all_that_lookout_imports() -> None:
    """What the tests' libraries bring along would be missing on a user's machine."""
    named = {Requirement(line).name.lower() for line in PROJECT["dependencies"]}
    # A part of pydantic that is imported beside it.
    named |= {name for name in ("pydantic-core",) if "pydantic" in named}
    brought = metadata.packages_distributions()
    missing = {
        f"{path.relative_to(REPOSITORY)}: {package}"
        for folder in ("generator", "images")
        for path in sorted((REPOSITORY / folder).rglob("*.py"))
        if not str(path.relative_to(REPOSITORY)).startswith(ELSEWHERE)
        for package in imported(path)
        if package not in {*sys.stdlib_module_names, "generator", "images"}
        and not named & {name.lower().replace("_", "-") for name in brought.get(package, ())}
    }
    assert missing == set()


LEFT: Final = {
    "minutes": ("3\n200\n0\n40\n", ", about 4 min left|, about 4 min left|, about 40 s left|, about 40 s left"),
    "seconds, in fives": ("1\n1\n1\n5\n", ", about 10 s left|, about 10 s left|, about 10 s left|, about 5 s left"),
    "nearly nothing": ("1\n1\n0\n2\n", "|||"),
}


@pytest.mark.parametrize("times, said", LEFT.values(), ids=LEFT)
def test_steps_say_how_much_time_is_left(clone: Path, times: str, said: str) -> None:
    (clone / "times").write_text(times)
    script = 'TIMES=times; OF_STEPS=4; for n in one two three four; do step "$n" true; done'
    lines = [line for line in shell(script, clone).stdout.splitlines() if line.startswith("==")]
    names = zip(("one", "two", "three", "four"), said.split("|"), strict=True)
    assert lines == [f"== {number} of 4: {name}{left}" for number, (name, left) in enumerate(names, 1)]


def test_without_times_steps_say_none(clone: Path) -> None:
    for before in ("", "TIMES=missing; "):
        assert shell(f"{before}OF_STEPS=1; step one true", clone).stdout.splitlines()[0] == "== 1 of 1: one"


def test_a_run_leaves_its_times_for_the_next_one(clone: Path) -> None:
    """One figure for each step, in their order; that of the images is none."""
    script = (REPOSITORY / "scripts/up.sh").read_text(encoding="utf-8")
    steps = re.findall(r'^step "([^":]+)', script, re.MULTILINE)
    (usual,) = re.findall(r"^USUAL=\((.*)\)$", script, re.MULTILINE)
    figures = dict(zip(steps, map(int, usual.split()), strict=True))
    assert [name for name, seconds in figures.items() if not seconds] == ["images"]
    (remember,) = re.findall(r"^remember_times\(\) \{.*?^\}$", script, re.MULTILINE | re.DOTALL)
    shell(f'{remember}; TIMES=times; STEPS=("7 machine" "90 images" "3 render"); remember_times', clone)
    assert (clone / "times").read_text() == "7\n0\n3\n"
