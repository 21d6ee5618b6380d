"""What the packs promise, line by line: promises.yaml, joined with the alerts and metrics that keep it.

Owns that join. Which line an alert keeps is written at the alert (`promises` in rules.yaml).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Final

from pydantic import Field

from generator.packs.load import PACKS, Pack, load_packs, read_yaml
from generator.packs.schema import AlertSpec, PackModel, Text

FILE: Final = PACKS / "promises.yaml"
_TEST: Final = r"^tests/[\w/]+\.py::test_\w+$"
Line = Annotated[str, Field(pattern=r"^(AL|ME)[0-9]+$")]


class PromiseSpec(PackModel):
    """One line: what is promised, and what keeps it beside alerts."""

    says: Text
    kept_by: list[Annotated[str, Field(pattern=_TEST)]] = Field([])
    metrics: list[Text] = Field([])


class PromisesFile(PackModel):
    """promises.yaml."""

    alerts: dict[Line, PromiseSpec]
    metrics: dict[Line, PromiseSpec]


@dataclass(frozen=True, slots=True)
class Keeper:
    """An alert, and the pack whose rules it is in."""

    pack: Pack
    alert: AlertSpec


@cache
def load_promises() -> PromisesFile:
    """promises.yaml."""
    data, _ = read_yaml(FILE, "packs/promises.yaml")
    return PromisesFile.model_validate(data)


def keepers() -> list[Keeper]:
    """Every alert of every pack that has rules of its own."""
    own = [pack for name, pack in load_packs().items() if pack.source == name]
    return [Keeper(pack, alert) for pack in own for alert in pack.rules.alerts]


def packs_with(metric: str) -> list[str]:
    """The packs whose signals, rules or panels ask for a metric."""
    return [name for name, asked in _asked().items() if metric in asked.words or asked.by_pattern(metric)]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What stands in a pack's expressions: words, and patterns of metrics' names."""

    words: frozenset[str]
    patterns: tuple[str, ...]

    def by_pattern(self, metric: str) -> bool:
        return any(re.fullmatch(pattern, metric) for pattern in self.patterns)


@cache
def _asked() -> Mapping[str, _Asked]:
    own = {name: pack for name, pack in load_packs().items() if pack.source == name}
    texts = {
        name: "\n".join(
            (pack.folder / f"{file}.yaml").read_text(encoding="utf-8") for file in ("pack", "rules", "panels")
        )
        for name, pack in own.items()
    }
    return {
        name: _Asked(frozenset(re.findall(r"\w+", text)), tuple(re.findall(r'__name__=~"([^"<]+)"', text)))
        for name, text in texts.items()
    }
