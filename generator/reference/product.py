"""What `make docs` makes: every page and table about the product, and whether the committed ones are these.

Owns the list of makers, and the writing of what they make into the repository. What depends on services.yaml is none
of it; the library's own reference of metrics is made by the library (scripts/docs.sh runs both).
"""

from pathlib import Path
from typing import Final

from generator.artifact import Artifact
from generator.conventions import REFERENCE
from generator.disk.atomic import write_file
from generator.disk.confined import FILE_MODE
from generator.packs import load_packs
from generator.reference.alerts import alerts_page
from generator.reference.kinds import kinds_pages
from generator.reference.log_fields import log_fields_page
from generator.reference.markdown import Packs
from generator.reference.metrics import metrics_page
from generator.reference.rules import rules_page
from generator.reference.services_yaml import services_yaml_page
from generator.render.collector.redaction import library_tables

# What the library's own `python -m lookout_instrumentation.reference` prints.
BY_THE_LIBRARY: Final = f"{REFERENCE}app-metrics.md"


def make_product(packs: Packs) -> tuple[Artifact, ...]:
    """Every page of docs/reference/ but the library's own, and the tables that the library reads; sorted by path."""
    of_packs = (alerts_page(packs), metrics_page(packs), rules_page(packs), *kinds_pages(packs))
    pages = (services_yaml_page(), log_fields_page(), *of_packs)
    return tuple(sorted((*pages, *library_tables()), key=lambda artifact: artifact.path))


def documented(root: Path) -> Packs:
    """The packs that have a page below `root`: a new pack is whole without one, until `make docs` is run."""
    return {name: pack for name, pack in load_packs().items() if (root / f"{REFERENCE}kinds/{name}.md").is_file()}


def stale_files(root: Path, packs: Packs) -> tuple[dict[str, str], list[str]]:
    """What has to be written below `root`, by path, and which pages of docs/reference/ are made no more."""
    wanted = {artifact.path: artifact.content for artifact in make_product(packs)}
    write = {path: text for path, text in wanted.items() if _read(root / path) != text}
    there = {path.relative_to(root).as_posix() for path in (root / REFERENCE).rglob("*.md")}
    return write, sorted(there - wanted.keys() - {BY_THE_LIBRARY})


def write_product(root: Path) -> list[str]:
    """Bring the files below `root` up to date; the paths that changed. Raises OSError."""
    write, remove = stale_files(root, load_packs())
    for path, text in write.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        write_file(root / path, text, FILE_MODE)
    for path in remove:
        (root / path).unlink()
    return sorted([*write, *remove])


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
