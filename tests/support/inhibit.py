"""Alertmanager's own inhibition, as a program that is compiled of its package at the pinned version.

Owns the program: where it is kept, and how it is asked. What is asked is for the tests to say.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from images.pins import load_pins
from tests.support.tools import REPOSITORY

_SOURCE: Final = REPOSITORY / "tests" / "support" / "go" / "inhibit.go"
# The versions of all its modules are those of the Alertmanager that Lookout runs.
_MODULE: Final = REPOSITORY / "images" / "go" / "alertmanager"
_KEPT: Final = Path.home() / ".cache" / "lookout" / "tests"


def muted_alone(config: Path, alerts: Sequence[Mapping[str, str]]) -> list[frozenset[int]]:
    """For each alert, as if it fired alone: the numbers of the alerts that it mutes under the configuration."""
    asked = json.dumps({"config": str(config), "alerts": [dict(labels) for labels in alerts]})
    done = subprocess.run([_program()], input=asked, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return [frozenset(numbers) for numbers in json.loads(done.stdout)]


@cache
def _program() -> Path:
    """The program, compiled again when its source or a version changes."""
    digest = hashlib.sha256(_SOURCE.read_bytes())
    for name in ("go.mod", "go.sum"):
        digest.update((_MODULE / name).read_bytes())
    path = _KEPT / f"inhibit-{digest.hexdigest()[:12]}"
    if not path.exists():
        if shutil.which("go") is None:
            pytest.fail("this test compiles a package of Alertmanager's: install Go 1.21 or newer")
        _KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_KEPT) as folder:
            half = _compile(Path(folder))
            half.replace(path)
    return path


def _compile(folder: Path) -> Path:
    for source in (_SOURCE, _MODULE / "go.mod", _MODULE / "go.sum"):
        shutil.copy(source, folder)
    settings = {
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "go" + load_pins().builders["go"],
        "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false",
    }
    command = ["go", "build", "-o", "inhibit", "inhibit.go"]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **settings}, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "inhibit"
