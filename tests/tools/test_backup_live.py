"""Real dumps of a real Postgres, whole and broken in every way that dumps are, before the check that ships.

One database for all, and one folder of textfiles for each; the scratch databases are the check's own.
"""

import hashlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from generator.clients.docker import docker_environment
from generator.clients.textfile import TextfileMetric, recorded
from generator.verbs.backup import run, scratch
from tests.support import tools
from tests.support.waiting import until

ROWS: Final = 20_000
FILL: Final = f"""
create role app;
create table orders (id serial primary key, note text);
insert into orders (note) select md5(n::text) from generate_series(1, {ROWS}) n;
alter table orders owner to app;
create table nothing (x int);
create schema "Odd";
create table "Odd"."T" (a int);
insert into "Odd"."T" values (1), (2);
create database empty;
"""


def docker(*arguments: str, text: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    environment = docker_environment(tools.REPOSITORY)
    return subprocess.run(["docker", *arguments], env=environment, input=text, capture_output=True, check=False)


class Database:
    """A Postgres with a small shop in it, and another database with nothing."""

    def __init__(self, container: str) -> None:
        self.container = container

    def wait(self) -> None:
        ready = ("pg_isready", "--quiet", "--host", "127.0.0.1")
        until(lambda: not self.run(*ready).returncode, f"Postgres in {self.container}", 90)

    def run(self, *command: str, text: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        return docker("exec", "--interactive", "--user", "postgres", self.container, *command, text=text)

    def dump(self, *options: str) -> bytes:
        done = self.run("pg_dump", *options)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    started = docker("run", "--detach", "--env", "POSTGRES_PASSWORD=shop", tools.image("postgres"))
    assert started.returncode == 0, started.stderr.decode()
    database = Database(started.stdout.decode().strip())
    try:
        database.wait()
        filled = database.run("psql", "--quiet", "--set", "ON_ERROR_STOP=1", text=FILL.encode())
        assert filled.returncode == 0, filled.stderr.decode()
        yield database
    finally:
        docker("rm", "--force", "--volumes", database.container)


Breakage = Callable[[Database], bytes]


def custom(database: Database) -> bytes:
    return database.dump("--format", "custom", "postgres")


def plain(database: Database) -> bytes:
    return database.dump("--no-owner", "--no-privileges", "postgres")


def packed(database: Database) -> bytes:
    return database.dump("--no-owner", "--compress", "gzip:6", "postgres")


def cut(database: Database) -> bytes:
    whole = custom(database)
    return whole[: len(whole) // 2]


def bits_flipped(database: Database) -> bytes:
    whole = bytearray(custom(database))
    middle = len(whole) // 2
    whole[middle : middle + 12] = b"XXXXXXXXXXXX"
    return bytes(whole)


def nothing_in_it(database: Database) -> bytes:
    return database.dump("--format", "custom", "empty")


def check(
    folder: Path, content: bytes | None, checksum: str | None = None
) -> tuple[bool, str, dict[str, float | None]]:
    """Whether all is well, what was said, and what of it was recorded."""
    dumps = folder / "dumps"
    dumps.mkdir()
    if content is not None:
        (dumps / "shop.dump").write_bytes(content)
        (dumps / "shop.dump.sha256").write_text(f"{checksum or hashlib.sha256(content).hexdigest()}  shop.dump\n")
    said: list[str] = []
    good = run.check_backup("live", dumps, "*", 0, said.append, folder / "textfiles")
    names = ("checksum_ok", "readable_ok", "restore_ok", "restored_tables", "restored_rows")
    found = {
        name: recorded(TextfileMetric(f"backup_{name}", 0, {"service": "live"}), folder / "textfiles") for name in names
    }
    return good, "\n".join(said), found


@pytest.fixture(autouse=True)
def _declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "known_services", frozenset)
    # What `make up` would have written into .env.
    monkeypatch.setattr(scratch, "image_of", lambda _root: tools.image("postgres"))


@pytest.mark.parametrize("dump", [custom, plain, packed], ids=["custom", "plain", "packed"])
def test_a_whole_dump_comes_back_with_every_row(database: Database, tmp_path: Path, dump: Breakage) -> None:
    good, said, found = check(tmp_path, dump(database))
    assert good, said
    assert found == {
        "checksum_ok": 1, "readable_ok": 1, "restore_ok": 1, "restored_tables": 3, "restored_rows": ROWS + 2
    }  # fmt: skip


@pytest.mark.parametrize(
    ("dump", "metric", "said"),
    [
        (cut, "restore_ok", "could not read from input file"),
        (bits_flipped, "restore_ok", "it cannot be restored"),
        (nothing_in_it, "restore_ok", "not a single table"),
        (lambda _: b"", "readable_ok", "is empty"),
        (lambda database: plain(database)[:5000], "readable_ok", "does not end as a dump ends"),
        (lambda database: packed(database)[:5000], "readable_ok", "cannot be unpacked"),
        (lambda _: b"PGDMP and nothing more", "readable_ok", "Postgres cannot read it"),
    ],
    ids=["cut", "bits flipped", "an empty database", "an empty file", "plain, cut", "packed, cut", "only a beginning"],
)
def test_a_broken_dump_is_found_out_although_its_checksum_is_right(
    database: Database, tmp_path: Path, dump: Breakage, metric: str, said: str
) -> None:
    good, reported, found = check(tmp_path, dump(database))
    assert not good
    assert found["checksum_ok"] == 1
    assert found[metric] == 0
    assert said in reported


def test_a_dump_that_changed_after_it_was_written_is_found_out_by_its_checksum(
    database: Database, tmp_path: Path
) -> None:
    right = hashlib.sha256(custom(database)).hexdigest()
    good, reported, found = check(tmp_path, bits_flipped(database), right)
    assert not good and found["checksum_ok"] == 0
    assert "says another checksum" in reported


def test_nothing_of_a_check_is_left(database: Database, tmp_path: Path) -> None:
    check(tmp_path, custom(database))
    left = docker("ps", "--all", "--quiet", "--filter", "name=lookout-backup-check-live").stdout
    assert left == b""


def test_the_dump_is_only_read(database: Database, tmp_path: Path) -> None:
    check(tmp_path, custom(database))
    assert sorted(path.name for path in (tmp_path / "dumps").iterdir()) == ["shop.dump", "shop.dump.sha256"]
