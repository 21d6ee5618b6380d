"""A Postgres for one restore: no network, no ports, gone afterwards with all that was in it.

Owns the container and what is asked of it. It judges nothing: errors come back as sentences.
"""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe
from typing import Final

import yaml

from generator.clients.docker import docker, dotenv
from generator.diagnostics import Diagnostic, Problems
from generator.verbs.backup.dump import Dump, format_of, opened, plain_problem

_READY: Final = 90.0
_DATABASE: Final = "scratch"
# Counts every row there is: the planner has no numbers for a table that was never analysed.
_COUNT: Final = """
select count(*), coalesce(sum((xpath('/row/c/text()', query_to_xml(
    format('select count(*) as c from %I.%I', table_schema, table_name), false, true, '')))[1]::text::bigint), 0)
from information_schema.tables
where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')
"""


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back."""

    tables: int
    rows: int
    seconds: float


class RestoreFailed(Exception):
    """The dump is at fault; the message says how."""


class Scratch:
    """Postgres in a container of its own, for the time of a `with`. Raises Problems when Docker cannot run it."""

    def __init__(self, root: Path, service: str) -> None:
        self._root = root
        self._image = image_of(root)
        self._name = f"lookout-backup-check-{service}"

    def __enter__(self) -> "Scratch":
        # What an interrupted check left.
        self._run(["rm", "--force", "--volumes", self._name])
        # Nothing of it has to survive anything, and everybody else's work goes first.
        options = ["--detach", "--name", self._name, "--network", "none", "--cpu-shares", "256"]
        options += ["--label", "com.docker.compose.service=backup-check", "--env", f"POSTGRES_DB={_DATABASE}"]
        # Not needed: it is queried from inside, over its socket.
        options += ["--env", f"POSTGRES_PASSWORD={token_urlsafe()}"]
        settings = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "autovacuum=off"]
        self._must("run", *options, self._image, "postgres", *settings)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._run(["rm", "--force", "--volumes", self._name])

    def contents(self, dump: Dump) -> int:
        """How many entries the dump lists. Raises Failed when Postgres cannot read it."""
        if format_of(dump) == "plain":
            if problem := plain_problem(dump):
                raise RestoreFailed(problem)
            return 1
        listed = self._feed(dump, ["pg_restore", "--list"])
        return sum(1 for line in listed.splitlines() if line.strip() and not line.startswith(";"))

    def restore(self, dump: Dump) -> Restored:
        """Bring the dump back. Raises Failed when it does not come back whole."""
        began = time.monotonic()
        user = ["--username", "postgres", "--dbname", _DATABASE]
        if format_of(dump) == "custom":
            self._feed(dump, ["pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", *user])
        else:
            self._feed(dump, ["psql", "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", *user])
        seconds = time.monotonic() - began
        counted = self._exec(["psql", "--tuples-only", "--no-align", "--command", _COUNT, *user])
        if counted.returncode:
            raise RestoreFailed(_last(counted.stderr))
        tables, rows = (int(word) for word in counted.stdout.strip().split("|"))
        if tables == 0:
            raise RestoreFailed("there is not a single table in it")
        return Restored(tables, rows, seconds)

    def _wait(self) -> None:
        """Over TCP: while the cluster is made, the server answers on its socket alone."""
        deadline = time.monotonic() + _READY
        ask = ["pg_isready", "--quiet", "--host", "127.0.0.1", "--username", "postgres"]
        while self._exec(ask).returncode:
            if (
                self._run(["container", "inspect", "--format", "{{.State.Running}}", self._name]).stdout.strip()
                != "true"
            ):
                raise _no_docker(f"the scratch database ended: {_last(self._run(['logs', self._name]).stderr)}")
            if time.monotonic() > deadline:
                raise _no_docker(f"the scratch database was not ready within {_READY:.0f} s")
            time.sleep(0.5)

    def _feed(self, dump: Dump, command: Sequence[str]) -> str:
        with opened(dump) as stdin:
            done = docker(self._root, "exec", "--interactive", self._name, *command, timeout=None, stdin=stdin)
        if done.returncode:
            raise RestoreFailed(_last(done.stderr))
        return done.stdout

    def _exec(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return self._run(["exec", self._name, *command])

    def _must(self, *arguments: str) -> None:
        done = self._run(arguments)
        if done.returncode:
            raise _no_docker(_last(done.stderr))

    def _run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return docker(self._root, *arguments, timeout=None)


def image_of(root: Path) -> str:
    """The Postgres that this machine has, else the pinned one."""
    if reference := dotenv(root).get("IMAGE_POSTGRES"):
        return reference
    pins = yaml.safe_load((root / "versions.yaml").read_text(encoding="utf-8"))
    return str(pins["postgres"]["image"])


def _no_docker(message: str) -> Problems:
    hint = "`make up` brings Docker, `python -m images postgres` the image"
    return Problems([Diagnostic("backup/no-docker", message, hint=hint)])


def _last(text: str) -> str:
    """The line that says what went wrong: errors come first, then what they led to."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "no reason was given")
