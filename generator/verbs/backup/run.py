"""`lookout backup-check`: look at the newest dump, restore it when it is time, record what was found.

Owns the order, and what is recorded under which name; the alerts over these names are in the pack `backup`.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from generator import units
from generator.clients.textfile import (
    EVERY,
    ROOT,
    TextfileMetric,
    default_folder,
    recorded,
    remove_metric,
    write_metric,
)
from generator.diagnostics import Diagnostic, Problems, did_you_mean
from generator.verbs.backup.dump import Dump, checksum_problem, find_dumps
from generator.verbs.backup.scratch import RestoreFailed, Scratch
from generator.verbs.record import known_services

# What is said of a dump that is not there any more would be a lie.
_OF_A_DUMP: Final = ("backup_newest_timestamp_seconds", "backup_size_bytes", "backup_checksum_ok", "backup_readable_ok")
# A weekly restore by a daily job: an hour early is not a day late.
_SLACK: Final = 3600


@dataclass(slots=True)
class _Check:
    """One run for one service. `good` becomes false with the first thing that is wrong."""

    service: str
    folder: Path
    textfiles: Path
    restore_every: int
    good: bool = True
    now: float = field(default_factory=time.time)

    def metric(self, name: str, value: float = 0.0, every: int = 0, **labels: str) -> TextfileMetric:
        return TextfileMetric(name, value, {"service": self.service, **labels}, every)

    def record(self, name: str, value: float, every: int = 0, **labels: str) -> None:
        write_metric(self.metric(name, value, every, **labels), self.textfiles, self.now)

    def note(self, what: str, problem: str, otherwise: str) -> str:
        """Record whether something is as it should be, and say so."""
        self.record(what, 0 if problem else 1)
        self.good &= not problem
        return f"NOT OK: {problem}" if problem else otherwise

    def look(self, dumps: list[Dump]) -> Iterator[str]:
        self.record("backup_dumps", len(dumps))
        if not dumps:
            self.good = False
            for name in _OF_A_DUMP:
                remove_metric(self.metric(name), self.textfiles)
            yield f"NOT OK: there is no dump in {self.folder}"
            return
        dump = dumps[-1]
        self.record("backup_newest_timestamp_seconds", dump.written)
        self.record("backup_size_bytes", dump.size)
        age = units.format_duration(max(int(self.now - dump.written), 0))
        yield f"{dump.path.name}: {dump.size} bytes, written {age} ago, {len(dumps)} in all"
        yield self.note("backup_checksum_ok", checksum_problem(dump), "its checksum is the one that was written down")
        with Scratch(ROOT, self.service) as scratch:
            yield from self.read(scratch, dump)

    def read(self, scratch: Scratch, dump: Dump) -> Iterator[str]:
        try:
            entries = scratch.contents(dump)
        except RestoreFailed as failed:
            yield self.note("backup_readable_ok", f"Postgres cannot read it: {failed}", "")
            return
        yield self.note("backup_readable_ok", "", f"Postgres reads it: {entries} entries")
        if self.is_due():
            yield self.restore(scratch, dump)

    def is_due(self) -> bool:
        """Whether a restore is due: never done, long ago, or the last one failed."""
        if self.restore_every < 0:
            return False
        last = recorded(self.metric("backup_restore_timestamp_seconds"), self.textfiles)
        failed = recorded(self.metric("backup_restore_ok"), self.textfiles) == 0
        return last is None or failed or self.now - last >= self.restore_every - _SLACK

    def restore(self, scratch: Scratch, dump: Dump) -> str:
        try:
            done = scratch.restore(dump)
        except RestoreFailed as failed:
            return self.note("backup_restore_ok", f"it cannot be restored: {failed}", "")
        self.record("backup_restore_timestamp_seconds", self.now)
        self.record("backup_restored_tables", done.tables)
        self.record("backup_restored_rows", done.rows)
        self.record("backup_step_seconds", round(done.seconds, 3), step="restore")
        said = f"restored: {done.tables} tables, {done.rows} rows, in {done.seconds:.1f} s"
        return self.note("backup_restore_ok", "", said)


def check_backup(
    service: str,
    folder: Path,
    pattern: str,
    restore_every: int,
    say: Callable[[str], None],
    textfiles: Path | None = None,
) -> bool:
    """Check the newest dump of `service` in `folder`; whether all is well. A restore is due every `restore_every`
    seconds (negative: never). Raises Problems when nothing could be found out."""
    known = known_services()
    if known and service not in known:
        message = f"no service is called '{service}'"
        raise Problems([Diagnostic("record/unknown-service", message, hint=did_you_mean(service, known))])
    check = _Check(service, folder, textfiles or default_folder(), restore_every)
    began = time.monotonic()
    for line in check.look(find_dumps(folder, pattern, service)):
        say(line)
    check.record("backup_check_duration_seconds", round(time.monotonic() - began, 3), EVERY)
    return check.good
