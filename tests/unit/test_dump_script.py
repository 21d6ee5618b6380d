"""scripts/dump.sh: what a command prints becomes a dump with its checksum, or nothing is left of it."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from generator.backup.dump import checksum_problem, find_dumps

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of dumps; the script runs in a copy of what it needs, where `db` is a service."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/dump.sh").write_text((ROOT / "scripts/dump.sh").read_text())
    (tmp_path / "lookout").write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/recorded\n')
    for path in (tmp_path / "scripts/dump.sh", tmp_path / "lookout"):
        path.chmod(0o755)
    return tmp_path / "dumps"


def dump(folder: Path, *command: str, service: str = "db") -> subprocess.CompletedProcess[str]:
    script = str(folder.parent / "scripts/dump.sh")
    return subprocess.run([script, service, str(folder), *command], capture_output=True, text=True, check=False)


def test_a_dump_has_its_checksum_and_its_time_is_recorded(folder: Path) -> None:
    done = dump(folder, "sh", "-c", "sleep 1; echo PGDMP and so on")
    assert done.returncode == 0, done.stderr
    (found,) = find_dumps(folder, "*")
    assert found.path.read_text() == "PGDMP and so on\n"
    assert checksum_problem(found) == ""
    assert done.stdout.strip() == str(found.path)
    recorded = (folder.parent / "recorded").read_text()
    told = re.match(r"record backup_step_seconds (\d+) service=db step=dump\n", recorded)
    assert told is not None and int(told[1]) >= 1


@pytest.mark.parametrize(
    ("command", "code"),
    [(("sh", "-c", "echo half; exit 7"), 7), (("true",), 1), (("no-such-program",), 127)],
    ids=["it fails half way", "it prints nothing", "it is not there"],
)
def test_of_a_command_that_fails_nothing_is_left_and_nothing_recorded(
    folder: Path, command: tuple[str, ...], code: int
) -> None:
    assert dump(folder, *command).returncode == code
    assert list(folder.iterdir()) == []
    assert not (folder.parent / "recorded").exists()


def test_old_dumps_of_this_service_go_and_others_stay(folder: Path) -> None:
    folder.mkdir()
    long_ago = time.time() - 20 * 86_400
    for name in ("db-old.dump", "db-old.dump.sha256", "shop-old.dump", "notes.txt"):
        (folder / name).write_text("x")
        os.utime(folder / name, (long_ago, long_ago))
    (folder / "db-lately.dump").write_text("x")
    assert dump(folder, "echo", "PGDMP").returncode == 0
    left = {path.name for path in folder.iterdir() if not path.name.startswith("db-2")}
    assert left == {"db-lately.dump", "shop-old.dump", "notes.txt"}


def test_too_few_words_are_usage(folder: Path) -> None:
    done = dump(folder)
    assert done.returncode == 2
    assert "scripts/dump.sh SERVICE FOLDER COMMAND" in done.stderr
