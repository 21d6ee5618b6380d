"""Where the keys of services.yaml are that have another name since a release: the way from the old name to the new one.

Owns which names those are, for the kinds of the product and for those that a user wrote. The rewriting is elsewhere.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from generator.packs.load import load_packs
from generator.packs.renamed import PLACES
from generator.verbs.upgrade.rewriting import Place


def place_of(root: Path) -> Place:
    """For the kinds in a tree: a parameter that stands under no kind belongs under one. May raise Problems."""

    @cache
    def own() -> Mapping[tuple[str, str], tuple[str, str]]:
        return {
            (kind, param.name): (param.kind, param.name)
            for kind, pack in load_packs(root / "packs").items()
            for param in pack.params.values()
        }

    def place(name: str, kinds: tuple[str, ...]) -> tuple[str, str] | None:
        if name in PLACES:
            return PLACES[name]
        return next((own()[kind, name] for kind in kinds if (kind, name) in own()), None)

    return place
