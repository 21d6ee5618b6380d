"""Diagnostics as text with a caret. The only module that words a report.

A quoted line shows no secret, whatever the line is quoted for.
"""

import re
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from generator.diagnostics import Diagnostic, Level, Span
from generator.net.addresses import without_logins

_MAX_WIDTH = 120
_SECRET_CODE = "spec/plain-secret"
_COLOURS: Final[Mapping[Level, str]] = {"error": "31", "warning": "33", "note": "36"}
# Keys whose values are secrets when they do not name one: ours, and what people call them elsewhere.
_SECRET_KEY: Final = re.compile(
    r"""(\b(?:webhook|token|password|passwd|passwrd|pass|pwd|dsn|ping|secret|api_?key|auth)["']?\s*:\s+)"""
    r"""(?!["']?secret:)([^\s\[{,}#][^,}#]*)""",
    re.IGNORECASE,
)
# What is said of a key that was meant to be one of those.
_MISSPELT: Final = re.compile(r"did you mean '(?:webhook|token|password|dsn|ping)'")
_VALUE: Final = re.compile(r"""(?<=[:\s])(?!["']?secret:)[^\s:,}#][^,}#]*""")


def render_text(diagnostics: Iterable[Diagnostic], sources: Mapping[str, str], colour: bool = False) -> str:
    """One block a diagnostic; the first line alone says it all. `sources` maps file names to their text.

    What a user typed where a secret's name belongs is shown as stars, whichever diagnostic quotes its line.
    """
    found = tuple(diagnostics)
    spans = [d.span for d in found if d.code == _SECRET_CODE]
    misspelt = [d.span for d in found if _MISSPELT.search(d.hint)]
    shown = {file: _masked(text, spans, misspelt) for file, text in sources.items()}
    return "\n".join(_block(d, shown, colour) for d in found)


def summarise(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`."""
    levels = [d.level for d in diagnostics]
    parts = [
        f"{count} {level}{'s' if count != 1 else ''}"
        for level in ("error", "warning", "note")
        if (count := levels.count(level))
    ]
    return ", ".join(parts) or "no problems"


def internal_error(error: Exception) -> str:
    """What is said of a defect of ours: what and where, and not the exception's own text, which may hold anything."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    hint = "This is a defect of Lookout. LOOKOUT_DEBUG=1 shows where it happened."
    return f"lookout: internal error: {type(error).__name__}{place}\n{hint}"


def _masked(text: str, spans: Iterable[Span | None], misspelt: Iterable[Span | None]) -> str:
    """`text` with stars in place of secrets: at `spans`, after the keys at `misspelt`, and where a line has their
    shape."""
    rows = text.splitlines()
    for key in filter(None, misspelt):
        row = rows[key.line - 1]
        rest = row[key.end_column - 1 :]
        rows[key.line - 1] = row[: key.end_column - 1] + _VALUE.sub(lambda found: "*" * len(found[0]), rest, count=1)
    for span in filter(None, spans):
        row = rows[span.line - 1]
        start = span.column - 1
        # A value that goes on in further lines has the span of one character.
        end = span.end_column - 1 if span.end_column - span.column > 1 else len(row)
        rows[span.line - 1] = row[:start] + "*" * (end - start) + row[end:]
    return "\n".join(map(_without_secrets, rows))


def _without_secrets(row: str) -> str:
    """A line of services.yaml with stars for logins in addresses, and for what stands where a secret's name belongs."""
    return _SECRET_KEY.sub(lambda found: found[1] + "*" * len(found[2]), without_logins(row, "*"))


def _block(d: Diagnostic, sources: Mapping[str, str], colour: bool) -> str:
    place = f"{d.span.file}:{d.span.line}:{d.span.column}: " if d.span else ""
    head = f"{d.level}[{d.code}]"
    if colour:
        head = f"\033[1;{_COLOURS[d.level]}m{head}\033[0m"
    lines = [f"{place}{head}: {d.message}"]
    snippet = _snippet(d.span, sources, d.hint) if d.span else []
    lines += snippet
    if d.hint and not snippet:
        lines.append(f"  = {d.hint}")
    lines += [f"  = {note}" for note in d.notes]
    return "\n".join(lines) + "\n"


def _snippet(span: Span, sources: Mapping[str, str], hint: str) -> list[str]:
    """The line with a caret below it; long lines are cut around the caret. Tabs become single spaces."""
    text = sources.get(span.file)
    rows = text.splitlines() if text is not None else []
    if span.line > len(rows):
        return []
    row, start = rows[span.line - 1].expandtabs(1), span.column - 1
    width = max(span.end_column - span.column, 1)
    if len(row) > _MAX_WIDTH:
        cut = max(0, start - 40)
        row, start = row[cut : cut + _MAX_WIDTH], start - cut
    width = min(width, max(len(row) - start, 1))
    number = f"{span.line:>3} | "
    caret = " " * (len(number) - 2) + "| " + " " * start + "^" * width
    return [number + row, f"{caret} {hint}".rstrip()]
