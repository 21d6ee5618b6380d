"""Blocks of commands that neither a copy of the repository nor the running stack can take: each is run as it stands.

Nothing of a command is repeated here: what is run is the text of the page, with an address or a path in place of the
reader's own.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.docs.blocks import REPOSITORY, Block, pages, proven_by
from tests.support.checkout import CLONE, bare_repository

HOME: Final = "/root/lookout"
PROGRAM: Final = """
from lookout_instrumentation.fastapi import init
from lookout_instrumentation.redaction import redact
from starlette.applications import Starlette
lookout = init(Starlette(), checks={}, logging=False)
print(redact("password=hunter2"), "http_requests_in_progress" in lookout.metrics.exposition().decode())
"""
EXPOSITION: Final = """# HELP memcached_current_connections Current number of open connections
# TYPE memcached_current_connections gauge
memcached_current_connections 3
# HELP memcached_connections_total Total number of connections opened since the server started running
# TYPE memcached_connections_total counter
memcached_connections_total 87
# HELP memcached_up Could the memcached server be reached
# TYPE memcached_up gauge
memcached_up 1
"""


def run(script: str, folder: Path, **environment: str) -> str:
    """What a script prints; it has to succeed. Within `make test`, make would print which folder it enters."""
    outer = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, env={**outer, **environment},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def clone_and_up(text: str, folder: Path) -> None:
    """Cloned from a bare repository. Here `make up` only says what it would run; the stacks of tests/e2e are begun with
    this same block (tests.support.checkout.begin), and there it runs."""
    bare = bare_repository(folder)
    *first, last = text.splitlines()
    assert last == "make up"
    script = CLONE.sub(f"git clone {bare} lookout\n", "\n".join(first))
    assert run(f"{script}\nmake --dry-run up\npwd", folder).split() == ["scripts/up.sh", str(folder / "lookout")]
    for name in ("scripts/up.sh", "lookout"):
        assert (folder / "lookout" / name).stat().st_mode & stat.S_IXUSR, f"{name} can be run in a clone"
    run("git diff --exit-code && test -z \"$(git status --porcelain)\"", folder / "lookout")


def tunnel(text: str, folder: Path) -> None:
    """No server to reach: ssh itself says what it would forward, which is what the stack listens on."""
    asked = run(text.replace("ssh ", "ssh -G ", 1), folder)
    forwarded = set(re.findall(r"^localforward (\d+) \[127\.0\.0\.1\]:(\d+)$", asked, re.MULTILINE))
    compose = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())
    published = [port for service in compose["services"].values() for port in service.get("ports", ())]
    listening = {re.sub(r"\$\{\w+:-(\d+)\}", r"\1", str(port)).split(":")[1] for port in published}
    assert {there for _, there in forwarded} == listening
    assert all(here == there for here, there in forwarded), "the links of the page are those of the server"
    assert re.search(r"^user USER$", asked, re.MULTILINE) and re.search(r"^host SERVER$", asked, re.MULTILINE)


def install(text: str, folder: Path) -> None:
    """Into an environment that has nothing of this repository; pip itself is that of the tests, which is quicker."""
    source = folder / "lookout" / "instrumentation"
    shutil.copytree(REPOSITORY / "instrumentation", source, ignore=shutil.ignore_patterns("__pycache__", "build"))
    venv.create(folder / "venv", with_pip=False)
    pip = folder / "bin" / "pip"
    pip.parent.mkdir()
    pip.write_text(f'#!/bin/sh\nexec {sys.executable} -m pip --python {folder}/venv/bin/python "$@"\n')
    pip.chmod(0o755)
    quiet = {"PIP_QUIET": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_COMPILE": "1"}
    paths = {"PATH": f"{pip.parent}:{os.environ['PATH']}", "PYTHONPATH": ""}
    run(text.replace(HOME, str(folder / "lookout")) + "\npip check", folder, **quiet, **paths)
    (folder / "program.py").write_text(PROGRAM)
    printed = run("venv/bin/python program.py", folder, PYTHONPATH="")
    assert printed.split() == ["password=[redacted:secret]", "True"]


def new_pack(text: str, folder: Path) -> None:
    """Over a fixture with the name that the page has; what is written is a kind that renders."""
    shutil.copytree(REPOSITORY / "generator", folder / "generator", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / "packs", folder / "packs")
    (folder / "lookout").write_text(f'#!/bin/sh\nexec {sys.executable} -m generator "$@"\n')
    (folder / "lookout").chmod(0o755)
    (fixture,) = re.findall(r"--from (\S+)", text)
    (folder / fixture).write_text(EXPOSITION)
    run(text, folder, PYTHONPATH=str(folder))
    made = {path.name for path in (folder / "packs" / "memcached").iterdir()}
    assert made == {"pack.yaml", "rules.yaml", "panels.yaml", "tests.yaml", "runbooks", "fixtures"}
    (folder / "services.yaml").write_text("services: {web: {kind: memcached, targets: [memcached-exporter:9150]}}\n")
    run("./lookout render", folder, PYTHONPATH=str(folder))
    assert (folder / "prometheus" / "rules" / "web" / "memcached.yml").is_file()


def check_pack(text: str, folder: Path) -> None:
    """With promtool alone, which this machine has or gets."""
    for name in ("generator", "packs", "images"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "versions.yaml", folder)
    (folder / "lookout").write_text(f'#!/bin/sh\nexec {sys.executable} -m generator "$@" 2>&1\n')
    (folder / "lookout").chmod(0o755)
    said = run(text, folder, PYTHONPATH=str(folder))
    assert [word for word in ("promtool", "contract: kept", "panels: ", "proofs: ", "mutants: ") if word not in said] == []
    assert "error[" not in said


def completion(text: str, folder: Path) -> None:
    """In a home of its own, from a clone to what bash offers at TAB through the link."""
    (folder / ".cache").mkdir()
    (folder / ".cache/lookout").symlink_to(Path.home() / ".cache/lookout")
    paths = {"HOME": str(folder), "PATH": f"{folder}/.local/bin:{os.environ['PATH']}"}
    run(text, REPOSITORY, **paths)
    (folder / "services.yaml").write_text("services: {shop: {kind: http, targets: [shop:80]}, db: {kind: postgres}}\n")
    offered = run(
        ". ~/.bashrc\nCOMP_WORDS=(lookout connect s) COMP_CWORD=2\n"
        '_lookout_completion lookout s connect\necho "${COMPREPLY[@]}"', folder, **paths
    )  # fmt: skip
    assert offered == "shop\n"


# By the program that a block begins with.
RUNNERS: Final[dict[str, Callable[[str, Path], None]]] = {
    "git clone": clone_and_up,
    "ssh -L": tunnel,
    "pip install": install,
    "./lookout new-pack": new_pack,
    "./lookout tools": check_pack,
    "mkdir -p ~/.local/bin": completion,
}


@pytest.mark.parametrize("block", proven_by("elsewhere"), ids=str)
def test_a_block_is_run_as_it_stands(block: Block, tmp_path: Path) -> None:
    (runner,) = (run_it for begin, run_it in RUNNERS.items() if block.text.startswith(begin))
    runner(block.text, tmp_path)


def test_every_runner_has_its_block() -> None:
    texts = [block.text for block in proven_by("elsewhere")]
    assert [begin for begin in RUNNERS if not any(text.startswith(begin) for text in texts)] == []


def test_the_tunnel_that_make_up_prints_is_that_of_the_pages(tmp_path: Path) -> None:
    (line,) = re.findall(r'say "  From your own computer: (ssh .*)"', (REPOSITORY / "scripts" / "up.sh").read_text())
    printed = run(f'port=8080 kuma_port=3001\nprintf "%s\\n" "{line}"', tmp_path)
    written = {block.text for block in proven_by("elsewhere") if block.text.startswith("ssh -L")}
    assert written == {printed}
    assert sum(printed in text for text in pages().values()) == 2
