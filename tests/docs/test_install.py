"""The library installs as docs/instrument.md says, into an environment that has nothing of this repository."""

import shutil
import subprocess
import venv
from pathlib import Path
from typing import Final

from tests.docs.blocks import REPOSITORY

# As on the page, with another folder in place of /root/lookout.
REQUIREMENT: Final = "lookout-instrumentation[fastapi] @ file:///root/lookout/instrumentation"
PROGRAM: Final = """
from lookout_instrumentation.fastapi import init
from lookout_instrumentation.redaction import redact
from starlette.applications import Starlette
lookout = init(Starlette(), checks={}, logging=False)
print(redact("password=hunter2"), "http_requests_in_progress" in lookout.metrics.exposition().decode())
"""


def test_pip_installs_the_library_with_all_that_it_needs(tmp_path: Path) -> None:
    source = tmp_path / "lookout" / "instrumentation"
    shutil.copytree(REPOSITORY / "instrumentation", source, ignore=shutil.ignore_patterns("__pycache__", "build"))
    venv.create(tmp_path / "venv", with_pip=True)
    requirement = REQUIREMENT.replace("/root/lookout", str(tmp_path / "lookout"))
    run(tmp_path, "pip", "install", "--quiet", "--disable-pip-version-check", requirement)
    run(tmp_path, "pip", "check", "--disable-pip-version-check")
    assert run(tmp_path, "python", "-c", PROGRAM).split() == ["password=[redacted:secret]", "True"]


def run(folder: Path, program: str, *arguments: str) -> str:
    """What a program of the environment prints; it has to succeed."""
    command = [str(folder / "venv" / "bin" / program), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
