"""What went wrong, where, and what to do about it: the one shape in which Lookout reports problems.

A Diagnostic is data. Nothing here prints; generator.report does. Lines and columns count from 1.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from generator.net.addresses import without_logins

Level = Literal["error", "warning", "note"]

# Each code has a page docs/errors/<code>.md with a bad and a good example that a test runs.
CODES: Final[tuple[str, ...]] = (
    "source/unreadable",
    "source/syntax",
    "source/duplicate-key",
    "source/alias",
    "source/empty",
    "source/tag",
    "spec/unknown-key",
    "spec/missing-key",
    "spec/wrong-type",
    "spec/bad-value",
    "spec/bad-name",
    "spec/plain-secret",
    "spec/unknown-kind",
    "spec/unknown-service",
    "spec/unknown-host",
    "spec/unknown-owner",
    "spec/unknown-channel",
    "spec/unknown-param",
    "spec/flat-param",
    "spec/unknown-alert",
    "spec/unproven",
    "spec/param-range",
    "spec/bad-expression",
    "spec/bad-text",
    "spec/alert-clash",
    "spec/no-proof",
    "spec/missing-target",
    "spec/bad-target",
    "spec/duplicate-target",
    "spec/shared-target",
    "spec/shared-address",
    "spec/shared-log",
    "spec/reserved-name",
    "spec/self-use",
    "spec/plain-token",
    "spec/insecure",
    "spec/detection-impossible",
    "spec/uncovered",
    "spec/slo-impossible",
    "spec/slo-indicator",
    "spec/slo-window",
    "spec/slo-traffic",
    "spec/slo-edge",
    "spec/bucket-edge",
    "spec/disk-budget",
    "spec/memory-budget",
    "notify/nobody",
    "pack/invalid",
    "pack/survivor",
    "store/busy",
    "store/edited",
    "store/foreign",
    "store/link",
    "store/not-written",
    "store/stale",
    "store/unreadable",
    "check/failed",
    "check/tool-missing",
    "check/dashboard",
    "check/missing",
    "check/proof",
    "check/not-stored",
    "apply/unreachable",
    "apply/not-loaded",
    "apply/secret-missing",
    "apply/secret-form",
    "apply/bugsink",
    "apply/kuma",
    "upgrade/conflict",
    "upgrade/refused",
    "record/bad-name",
    "record/bad-value",
    "record/bad-label",
    "record/unknown-service",
    "record/not-written",
    "backup/no-docker",
)

# Codes that say that nothing was judged: a tool or a server is not there.
_MISSING: Final = frozenset({"check/tool-missing", "apply/unreachable", "backup/no-docker"})


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of one file. `end_column` is exclusive; both columns are on `line`."""

    file: str
    line: int
    column: int
    end_column: int

    def __post_init__(self) -> None:
        if self.line < 1 or self.column < 1 or self.end_column < self.column:
            raise ValueError(f"impossible position {self.line}:{self.column}-{self.end_column}")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem. `hint` is shown at the caret, `notes` below it."""

    code: str
    message: str
    span: Span | None = None
    level: Level = "error"
    hint: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"unregistered diagnostic code {self.code}")
        if not self.message:
            raise ValueError("a diagnostic needs a message")
        # User input may be quoted in a sentence, but no login inside an address.
        for name in ("message", "hint"):
            object.__setattr__(self, name, without_logins(getattr(self, name)))
        object.__setattr__(self, "notes", tuple(map(without_logins, self.notes)))


class Problems(Exception):
    """Raised by a stage that cannot hand anything on; carries all that it found."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = sort_diagnostics(diagnostics)
        super().__init__("; ".join(d.message for d in self.diagnostics))


def sort_diagnostics(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """By place, then code; each only once."""

    def key(d: Diagnostic) -> tuple[str, int, int, str, str]:
        place = (d.span.file, d.span.line, d.span.column) if d.span else ("", 0, 0)
        return (*place, d.code, d.message)

    return tuple(sorted(dict.fromkeys(diagnostics), key=key))


def exit_code(diagnostics: Iterable[Diagnostic]) -> int:
    """0 without errors, 3 when all that is wrong is that a tool or a server is missing, else 1."""
    codes = {d.code for d in diagnostics if d.level == "error"}
    return 0 if not codes else 3 if codes <= _MISSING else 1


def is_text(word: str) -> bool:
    """Whether a word of the command line is UTF-8 text: Python lets other bytes through, and cannot print them."""
    return all(not "\ud800" <= character <= "\udfff" for character in word)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean 'celery'?`, or an empty string when nothing is near."""
    near = nearest(word, known)
    return f"did you mean '{near}'?" if near else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is written most like this one, or an empty string when none is near."""
    return next(iter(difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)), "")
