"""The verb as a function: write the parts, hold them against the contract, and say what is still to be done."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.conventions import OWN_PACK
from generator.diagnostics import Diagnostic, Problems
from generator.disk.atomic import write_file
from generator.disk.confined import FILE_MODE
from generator.packs.contract import check_pack
from generator.packs.load import LABEL, PACKS, load_packs
from generator.verbs.new_pack.exposition import gauges, measure, up_like
from generator.verbs.new_pack.parts import MARK, Start, parts_of

_KIND: Final = re.compile(r"[a-z][a-z0-9-]{1,30}")
_FIXTURE: Final = re.compile(r"(?P<exporter>[\w-]*?[A-Za-z]\w*)-(?P<version>\d[\w.]*?)(-[\w-]+)?\.prom")


@dataclass(frozen=True, slots=True)
class NewPack:
    """What was written, what the contract says of it, and the lines that wait for their author."""

    folder: Path
    files: tuple[str, ...]
    problems: tuple[Diagnostic, ...]
    open: tuple[str, ...]


def write_new_pack(kind: str, fixture: Path | None, root: Path = PACKS) -> NewPack:
    """Write the pack `kind` below `root`. Raises Problems, and then wrote nothing."""
    _check_name(kind, root)
    text = _read(fixture)
    named = _FIXTURE.fullmatch(fixture.name) if fixture else None
    found = gauges(text)
    start = Start(
        kind=kind,
        exporter=named["exporter"] if named else kind,
        version=named["version"] if named else "0",
        up=up_like(found),
        level=measure(found),
    )
    parts = dict(parts_of(start))
    if fixture:
        parts[f"fixtures/{fixture.name if named else f'{kind}-0.prom'}"] = text
    _write(root / kind, parts)
    return NewPack(root / kind, tuple(parts), _contract(kind, root), tuple(_open(root / kind, start, named is None)))


def _check_name(kind: str, root: Path) -> None:
    if not _KIND.fullmatch(kind):
        near = re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind).lower()).strip("-0123456789")
        hint = f"such as '{near[:31]}'" if _KIND.fullmatch(near[:31]) else "such as 'nginx'"
        message = f"'{kind}' cannot be a kind: up to 31 lower-case letters, digits and -, a letter first"
        raise Problems([Diagnostic("spec/bad-name", message, hint=hint)])
    if kind == OWN_PACK or (root / kind).exists():
        hint = f"`kind: {kind}` in services.yaml uses it" if kind != OWN_PACK else "choose another name"
        raise Problems([Diagnostic("spec/reserved-name", f"there is a kind '{kind}' already", hint=hint)])


def _read(fixture: Path | None) -> str:
    if fixture is None:
        return ""
    try:
        return fixture.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{fixture} cannot be read as a page of metrics: {type(error).__name__}"
        raise Problems([Diagnostic("source/unreadable", message)]) from error


def _write(folder: Path, parts: Mapping[str, str]) -> None:
    """All of the pack in one step: half of one would be a kind that is taken. Raises Problems."""
    # A level deeper than packs are, so that one that is cut off is not loaded.
    drafts = folder.with_name(".lookout-draft")
    draft = drafts / folder.name
    try:
        shutil.rmtree(drafts, ignore_errors=True)
        for name, content in parts.items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, content, FILE_MODE)
        draft.rename(folder)
    except OSError as error:
        message = f"{folder} cannot be written: {error.strerror or error}"
        raise Problems([Diagnostic("store/not-written", message)]) from error
    finally:
        shutil.rmtree(drafts, ignore_errors=True)


def _contract(kind: str, root: Path) -> tuple[Diagnostic, ...]:
    load_packs.cache_clear()
    return check_pack(load_packs(root)[kind])


def _open(folder: Path, start: Start, unnamed: bool) -> list[str]:
    """Each line that waits for its author, and what no file has a line for."""
    lines = [
        f"{LABEL}/{path.relative_to(folder.parent)}:{number}: {_said(line)}"
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".yaml", ".md")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MARK in line
    ]
    if start.up is None and start.level is None:
        lines.append(f"fixtures/: save /metrics of the real program as {start.kind}-VERSION.prom")
    elif unnamed:
        lines.append("fixtures/: name the fixture PROGRAM-VERSION.prom, and so in `requires` of pack.yaml")
    lines.append("rules.yaml: an alert for each other way in which it fails, these ways under `fails_by` of pack.yaml")
    return lines


def _said(line: str) -> str:
    return line[line.index(MARK) :].strip()
