"""scripts/dump.sh: what a command prints becomes a dump with its checksum, or nothing is left of it."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from generator.verbs.backup.dump import checksum_problem, find_dumps

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
    reported = re.match(r"record backup_step_seconds (\d+) service=db step=dump\n", recorded)
    assert reported is not None and int(reported[1]) >= 1


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


LONG_AGO = "20260101T000000Z"
BROTHERS = ("api", "api-v2", f"api-{LONG_AGO}", "api-", "API", "a", "ap[i]", "api*", "a.i", "api v2", "-api")


def old(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    then = time.time() - 20 * 86_400
    for name in names:
        (folder / name).write_text("x")
        os.utime(folder / name, (then, then))


@pytest.mark.parametrize("service", BROTHERS)
def test_only_old_dumps_of_this_very_service_go(folder: Path, service: str) -> None:
    ends = (".dump", ".dump.sha256", ".dump.part")
    files = {each: [f"{each}-{LONG_AGO}{end}" for end in ends] for each in BROTHERS}
    for names in files.values():
        old(folder, *names)
    before = {path.name for path in folder.iterdir()}
    assert dump(folder, "echo", "PGDMP", service=service).returncode == 0
    assert before - {path.name for path in folder.iterdir()} == set(files[service])


def test_what_is_no_dump_of_this_script_stays(folder: Path) -> None:
    names = ("db-old.dump", f"db-{LONG_AGO}.dump.gpg", f"db-{LONG_AGO}.sql", f"db{LONG_AGO}.dump", "notes.txt", "db")
    old(folder, *names, f"x-db-{LONG_AGO}.dump", f"db-{LONG_AGO}.dump\n")
    (folder / "db-20260102T000000Z.dump").write_text("of today, by its time")
    before = {path.name for path in folder.iterdir()}
    assert dump(folder, "echo", "PGDMP").returncode == 0
    assert before <= {path.name for path in folder.iterdir()}


def test_a_name_that_leaves_the_folder_is_refused(folder: Path) -> None:
    for service in ("../db", "", ".db"):
        assert dump(folder, "echo", "PGDMP", service=service).returncode == 2
    assert not folder.exists()


def test_too_few_words_are_usage(folder: Path) -> None:
    done = dump(folder)
    assert done.returncode == 2
    assert "scripts/dump.sh SERVICE FOLDER COMMAND" in done.stderr
