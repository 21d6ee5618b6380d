"""`lookout backup-check`: which dump is looked at, when a restore is due, and what is recorded. What Postgres makes of
dumps is in tests/tools/test_backup_live.py."""

import gzip
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import pytest

from generator.cli import main
from generator.clients.textfile import TextfileMetric, recorded
from generator.diagnostics import Diagnostic, Problems
from generator.verbs.backup import run
from generator.verbs.backup.dump import Dump, checksum_problem, find_dumps, format_of, opened, plain_problem
from generator.verbs.backup.scratch import Restored, RestoreFailed, image_of

WHOLE = b"--\n-- PostgreSQL database dump\n--\nselect 1;\n--\n-- PostgreSQL database dump complete\n--\n\n"
DAY = 86_400


def dump_in(folder: Path, name: str, content: bytes = b"PGDMP", age: float = 0, checksum: str | None = "") -> Dump:
    """A file as pg_dump leaves it; `checksum` None writes no sidecar, an empty one the right one."""
    path = folder / name
    path.write_bytes(content)
    if checksum is not None:
        digest = checksum or hashlib.sha256(content).hexdigest()
        (folder / f"{name}.sha256").write_text(f"{digest}  {name}\n")
    written = path.stat().st_mtime - age
    os.utime(path, (written, written))
    return Dump(path, written, len(content))


# --- files --------------------------------------------------------------------------------------------------


def test_the_newest_dump_is_last_and_what_is_not_finished_is_no_dump(tmp_path: Path) -> None:
    dump_in(tmp_path, "new.dump")
    dump_in(tmp_path, "old.dump", age=DAY)
    for other in ("half.dump.part", "half.dump.tmp", ".hidden.dump", "orphan.sha256"):
        (tmp_path / other).touch()
    (tmp_path / "folder").mkdir()
    assert [dump.path.name for dump in find_dumps(tmp_path, "*")] == ["old.dump", "new.dump"]


def test_a_pattern_chooses_among_dumps_and_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    dump_in(tmp_path, "shop.dump")
    dump_in(tmp_path, "blog.dump")
    assert [dump.path.name for dump in find_dumps(tmp_path, "shop*")] == ["shop.dump"]
    assert find_dumps(tmp_path / "nowhere", "*") == []


@pytest.mark.parametrize(
    ("checksum", "problem"),
    [
        ("", ""),
        (None, "a.dump.sha256 is missing"),
        ("0" * 64, "a.dump.sha256 says another checksum"),
        ("x", "a.dump.sha256 says another checksum"),
    ],
    ids=["right", "none", "wrong", "no checksum at all"],
)
def test_a_checksum_is_right_only_when_it_is_there_and_the_same(
    tmp_path: Path, checksum: str | None, problem: str
) -> None:
    assert checksum_problem(dump_in(tmp_path, "a.dump", checksum=checksum)) == problem


def test_an_empty_sidecar_and_one_in_capitals(tmp_path: Path) -> None:
    dump = dump_in(tmp_path, "a.dump")
    sidecar = tmp_path / "a.dump.sha256"
    sidecar.write_text(sidecar.read_text().upper())
    assert checksum_problem(dump) == ""
    sidecar.write_text("")
    assert checksum_problem(dump) != ""


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (WHOLE, ""),
        (gzip.compress(WHOLE), ""),
        (b"", "is empty"),
        (WHOLE[:40], "does not end as a dump ends"),
        (gzip.compress(WHOLE)[:-12], "cannot be unpacked"),
        (b"\x1f\x8bnonsense", "cannot be unpacked"),
        (b"hello", "does not end as a dump ends"),
    ],
    ids=["whole", "whole and packed", "empty", "cut", "packed and cut", "not packed at all", "something else"],
)
def test_a_plain_dump_ends_as_pg_dump_ends_one(tmp_path: Path, content: bytes, problem: str) -> None:
    dump = dump_in(tmp_path, "a.sql", content)
    found = plain_problem(dump)
    assert found.startswith(problem) and bool(found) == bool(problem)


def test_a_folder_that_services_share_is_not_mixed_up(tmp_path: Path) -> None:
    names = ("api-20260101T000000Z.dump", "api-v2-20260102T000000Z.dump", "by-hand.dump")
    for number, name in enumerate(names):
        dump_in(tmp_path, name, b"x")
        os.utime(tmp_path / name, (number, number))
    assert [dump.path.name for dump in find_dumps(tmp_path, "*", "api")] == [names[0], names[2]]
    assert [dump.path.name for dump in find_dumps(tmp_path, "*", "api-v2")] == [names[1], names[2]]
    assert [dump.path.name for dump in find_dumps(tmp_path, "*")] == list(names)


def test_formats_are_reported_by_their_first_bytes(tmp_path: Path) -> None:
    assert format_of(dump_in(tmp_path, "a", b"PGDMP\1\2")) == "custom"
    assert format_of(dump_in(tmp_path, "b", WHOLE)) == format_of(dump_in(tmp_path, "c", b"")) == "plain"


@pytest.mark.parametrize("content", [WHOLE, gzip.compress(WHOLE)], ids=["plain", "packed"])
def test_postgres_is_given_what_pg_dump_wrote(tmp_path: Path, content: bytes) -> None:
    with opened(dump_in(tmp_path, "a.sql", content)) as file:
        assert file.read() == WHOLE


@pytest.mark.parametrize(
    ("dotenv", "image"), [("IMAGE_POSTGRES=mine:1\n", "mine:1"), ("", "postgres:18")], ids=["this machine's", "pinned"]
)
def test_the_scratch_database_is_the_postgres_of_this_machine(tmp_path: Path, dotenv: str, image: str) -> None:
    (tmp_path / ".env").write_text(dotenv)
    (tmp_path / "versions.yaml").write_text("postgres: {image: postgres:18}\n")
    assert image_of(tmp_path) == image


# --- what is done and recorded ------------------------------------------------------------------------------


class FakeScratch:
    """A scratch database that does what the test says."""

    restores = 0
    readable: str = ""
    restorable: str = ""

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> "FakeScratch":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def contents(self, dump: Dump) -> int:
        if self.readable:
            raise RestoreFailed(self.readable)
        return 12

    def restore(self, dump: Dump) -> Restored:
        type(self).restores += 1
        if self.restorable:
            raise RestoreFailed(self.restorable)
        return Restored(3, 20_002, 1.25)


class Check:
    """One service's folder of dumps, checked as often as a test likes."""

    def __init__(self, folder: Path, scratch: type[FakeScratch]) -> None:
        self.dumps, self.textfiles, self.scratch = folder / "dumps", folder / "textfiles", scratch
        self.dumps.mkdir()
        self.said: list[str] = []

    def __call__(self, restore_every: int = 7 * DAY, service: str = "db") -> bool:
        self.said.clear()
        return run.check_backup(service, self.dumps, "*", restore_every, self.said.append, self.textfiles)

    def metric(self, name: str, **labels: str) -> float | None:
        return recorded(TextfileMetric(name, 0, {"service": "db", **labels}), self.textfiles)


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    scratch = type("Scratch", (FakeScratch,), {})
    monkeypatch.setattr(run, "Scratch", scratch)
    monkeypatch.setattr(run, "known_services", lambda: frozenset({"db"}))
    return Check(tmp_path, scratch)


def test_a_good_dump_is_read_restored_and_all_of_it_recorded(check: Check) -> None:
    dump = dump_in(check.dumps, "a.dump", age=3600)
    assert check()
    assert check.said == [
        "a.dump: 5 bytes, written 1h ago, 1 in all",
        "its checksum is the one that was written down",
        "Postgres reads it: 12 entries",
        "restored: 3 tables, 20002 rows, in 1.2 s",
    ]
    assert check.metric("backup_dumps") == 1
    assert check.metric("backup_newest_timestamp_seconds") == pytest.approx(dump.written, abs=0.01)
    assert check.metric("backup_size_bytes") == 5
    good = ("backup_checksum_ok", "backup_readable_ok", "backup_restore_ok")
    assert [check.metric(name) for name in good] == [1, 1, 1]
    assert (check.metric("backup_restored_tables"), check.metric("backup_restored_rows")) == (3, 20_002)
    assert check.metric("backup_step_seconds", step="restore") == 1.25
    assert check.metric("backup_check_duration_seconds") is not None


def test_only_that_the_check_itself_ran_is_expected_every_day(check: Check) -> None:
    dump_in(check.dumps, "a.dump")
    check()
    rhythmic = [path.name for path in check.textfiles.iterdir() if "lookout_record_every_seconds{" in path.read_text()]
    assert len(rhythmic) == 1 and rhythmic[0].startswith("backup_check_duration_seconds")


def test_a_restore_is_due_once_a_week_and_an_hour_early_is_no_week_late(check: Check) -> None:
    dump_in(check.dumps, "a.dump")
    assert check() and check()
    assert check.scratch.restores == 1
    (path,) = check.textfiles.glob("backup_restore_timestamp_seconds-*")
    lines = path.read_text().splitlines()
    for age, restores in ((7 * DAY - 7200, 1), (7 * DAY - 1800, 2)):
        value = float(lines[2].split()[-1]) - age
        path.write_text("\n".join([*lines[:2], f"{lines[2].rsplit(' ', 1)[0]} {value}", *lines[3:]]) + "\n")
        assert check()
        assert check.scratch.restores == restores


@pytest.mark.parametrize(("every", "restores"), [(0, 3), (-1, 0)], ids=["always", "never"])
def test_a_restore_can_be_had_always_or_never(check: Check, every: int, restores: int) -> None:
    dump_in(check.dumps, "a.dump")
    assert all(check(every) for _ in range(3))
    assert check.scratch.restores == restores


def test_a_restore_that_failed_is_tried_again_the_next_time(check: Check) -> None:
    dump_in(check.dumps, "a.dump")
    assert check()
    check.scratch.restorable = "end of file"
    assert not check(0)
    assert check.said[-1] == "NOT OK: it cannot be restored: end of file"
    before = check.metric("backup_restore_timestamp_seconds")
    assert (check.metric("backup_restore_ok"), check.scratch.restores) == (0, 2)
    check.scratch.restorable = ""
    assert check()
    assert (check.metric("backup_restore_ok"), check.scratch.restores) == (1, 3)
    after = check.metric("backup_restore_timestamp_seconds")
    assert before is not None and after is not None and after > before


def damaged(check: Check) -> None:
    dump_in(check.dumps, "a.dump", checksum="0" * 64)


def unreadable(check: Check) -> None:
    dump_in(check.dumps, "a.dump")
    check.scratch.readable = "is empty"


@pytest.mark.parametrize(
    ("breakage", "metric", "said"),
    [
        (damaged, "backup_checksum_ok", "a.dump.sha256 says another checksum"),
        (unreadable, "backup_readable_ok", "Postgres cannot read it: is empty"),
    ],
    ids=["a wrong checksum", "not to be read"],
)
def test_what_is_wrong_with_a_dump_is_said_and_recorded(
    check: Check, breakage: Callable[[Check], None], metric: str, said: str
) -> None:
    breakage(check)
    assert not check()
    assert f"NOT OK: {said}" in check.said
    assert check.metric(metric) == 0


def test_an_empty_folder_forgets_the_dumps_that_were_in_it(check: Check) -> None:
    dump_in(check.dumps, "a.dump")
    assert check()
    for path in check.dumps.iterdir():
        path.unlink()
    assert not check()
    assert check.said == [f"NOT OK: there is no dump in {check.dumps}"]
    assert check.metric("backup_dumps") == 0
    assert check.metric("backup_newest_timestamp_seconds") is check.metric("backup_size_bytes") is None
    assert check.metric("backup_restore_ok") == 1, "what was restored once was restored"


def test_a_service_that_is_not_declared_is_a_problem(check: Check) -> None:
    with pytest.raises(Problems) as raised:
        check(service="dbs")
    (problem,) = raised.value.diagnostics
    assert (problem.code, problem.hint) == ("record/unknown-service", "did you mean 'db'?")


# --- the verb -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (True, 0),
        (False, 1),
        (Problems([Diagnostic("backup/no-docker", "docker cannot be run")]), 3),
        (Problems([Diagnostic("record/unknown-service", "no service is called 'x'")]), 1),
    ],
    ids=["all is well", "something is not", "no one knows", "a wrong name"],
)
def test_the_exit_code_says_how_it_went(monkeypatch: pytest.MonkeyPatch, answer: object, code: int) -> None:
    asked: list[tuple[object, ...]] = []

    def check_backup(*arguments: object) -> object:
        asked.append(arguments[:4])
        if isinstance(answer, Problems):
            raise answer
        return answer

    monkeypatch.setattr(run, "check_backup", check_backup)
    with pytest.raises(SystemExit) as left:
        main(["backup-check", "db", "/var/backups/db", "--pattern", "*.dump", "--restore", "never"])
    assert left.value.code == code
    assert asked == [("db", Path("/var/backups/db"), "*.dump", -1)]


def test_a_rhythm_that_is_none_is_usage() -> None:
    with pytest.raises(SystemExit) as left:
        main(["backup-check", "db", "/var/backups/db", "--restore", "weekly"])
    assert left.value.code == 2
