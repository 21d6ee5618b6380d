"""The only place where the stages meet: text -> Spec -> Site -> Artifacts. A Site comes from here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.artifact import Artifact
from generator.diagnostics import Diagnostic, Problems, Span
from generator.packs import load_packs
from generator.prove.coverage import render_coverage
from generator.prove.proofs import render_proofs
from generator.render.registry import Renderer, render_all
from generator.resolve import resolve_site
from generator.site.model import Site
from generator.source.read import MAX_BYTES, Source, load_source
from generator.spec.keys import load_spec

_START: Final = (1, 1, 1)

# What proves the rendered rules.
_BESIDE: Final[tuple[Renderer, ...]] = (render_proofs, render_coverage)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A services.yaml that has gone all the way."""

    file: str
    site: Site
    artifacts: tuple[Artifact, ...]
    warnings: tuple[Diagnostic, ...]


def read_spec_file(path: Path) -> str:
    """The text of services.yaml. Raises Problems when it cannot be read as UTF-8 text."""
    name = str(path)
    span = Span(name, *_START)
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or "cannot be read"
        hint = "`lookout init` writes one to start from" if isinstance(error, FileNotFoundError) else ""
        raise Problems([Diagnostic("source/unreadable", f"{name}: {reason}", span, hint=hint)]) from error
    if len(data) > MAX_BYTES:
        raise Problems([Diagnostic("source/unreadable", f"the file is larger than {MAX_BYTES // 2**20} MiB", span)])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        place = Span(name, line, column, column + 1)
        raise Problems([Diagnostic("source/unreadable", "the file is not UTF-8 text", place)]) from error


def resolve_text(text: str, file: str) -> tuple[Site, tuple[Diagnostic, ...]]:
    """The Site that `text` means, and warnings. Raises Problems."""
    return resolve_source(load_source(text, file))


def resolve_source(source: Source) -> tuple[Site, tuple[Diagnostic, ...]]:
    """The same of a text that was read already, or changed since. Raises Problems."""
    return resolve_site(load_spec(source), source, load_packs())


def compile_text(text: str, file: str) -> Compiled:
    """Everything that `text` renders to. Raises Problems."""
    site, warnings = resolve_text(text, file)
    return Compiled(file, site, render_all(site, _BESIDE), warnings)
