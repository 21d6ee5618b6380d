""".gitattributes marks all that is rendered or made by `make docs`, whatever services.yaml says, and nothing else."""

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

from generator.conventions import LOCK_FILE
from generator.packs import load_packs
from generator.pipeline import compile_text
from generator.reference.product import BY_THE_LIBRARY, make_product
from generator.store.ownership import parse_lock

REPOSITORY: Final = Path(__file__).resolve().parents[2]
MADE: Final = {LOCK_FILE, BY_THE_LIBRARY, *(artifact.path for artifact in make_product(load_packs()))}
DEMO: Final = (REPOSITORY / "services.yaml").read_text(encoding="utf-8")
# An error tracker, traces and a data store bring files that the demo's services.yaml does not.
OTHER: Final = """\
stack: {errors: bugsink, traces: tempo, machine: {memory: 8GiB}}
services:
  web: {kind: [fastapi, instrumentation], targets: [web:8000], slo: {availability: 99.9%}}
  db: {kind: [postgres, backup], address: db:5432, dsn: secret:dsn}
"""


def marked(paths: Iterable[str]) -> set[str]:
    """Those of the paths that git would show as generated."""
    asked = subprocess.run(
        ["git", "check-attr", "--stdin", "-z", "linguist-generated"], input="\0".join(paths), cwd=REPOSITORY,
        capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    return {path for path, value in zip(asked[::3], asked[2::3], strict=False) if value == "set"}


def tracked() -> set[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return set(filter(None, listed.stdout.split("\0")))


def test_of_the_committed_files_exactly_those_that_are_made_are_marked() -> None:
    made = MADE | parse_lock((REPOSITORY / LOCK_FILE).read_bytes()).keys()
    assert marked(tracked()) == made & tracked()


@pytest.mark.parametrize(
    "text", [(REPOSITORY / "services.yaml").read_text(encoding="utf-8"), OTHER], ids=["demo", "other"]
)
def test_all_that_is_rendered_is_marked(text: str) -> None:
    rendered = {artifact.path for artifact in compile_text(text, "services.yaml").artifacts}
    assert rendered - marked(rendered) == set()


def test_rules_of_a_users_own_are_not_marked() -> None:
    assert marked(["prometheus/custom/mine.yml", "packs/redis/rules.yaml", "services.yaml"]) == set()
