"""The only place where the stages meet: text -> Spec -> Site -> Artifacts. A Site comes from here."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from generator.artifact import Artifact, spooled
from generator.diagnostics import Diagnostic
from generator.disk.spool import Spool
from generator.packs import load_packs
from generator.prove.coverage import render_coverage
from generator.prove.proofs import render_proofs
from generator.render.registry import Renderer, render_all
from generator.resolve import resolve_site
from generator.site.model import Site
from generator.source.read import Source, load_source
from generator.spec.keys import load_spec

# What proves the rendered rules.
_BESIDE: Final[tuple[Renderer, ...]] = (render_proofs, render_coverage)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A services.yaml that has gone all the way."""

    file: str
    site: Site
    artifacts: tuple[Artifact, ...]
    warnings: tuple[Diagnostic, ...]


def resolve_text(text: str, file: str) -> tuple[Site, tuple[Diagnostic, ...]]:
    """The Site that `text` means, and warnings. Raises Problems."""
    return resolve_source(load_source(text, file))


def resolve_source(source: Source) -> tuple[Site, tuple[Diagnostic, ...]]:
    """The same of a text that was read already, or changed since. Raises Problems."""
    return resolve_site(load_spec(source), source, load_packs())


def compile_text(text: str, file: str) -> Compiled:
    """Everything that `text` renders to. Raises Problems."""
    site, warnings = resolve_text(text, file)
    return Compiled(file, site, render_all(site, _BESIDE, partial(spooled, spool=Spool())), warnings)
