"""A rendered file, before it is written: what every renderer returns and generator.store.plan takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from generator.diagnostics import Span
from generator.disk.confined import inside


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of the rendered tree.

    `path` is relative to the tree's root, with forward slashes. `origins` leads from a name inside the file (an
    alert, a receiver, a panel) back to the line of the pack or of services.yaml that caused it.
    """

    path: str
    content: str
    origins: Mapping[str, Span] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not inside(self.path):
            raise ValueError(f"an artifact stays inside its tree: {self.path}")
