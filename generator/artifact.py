"""A rendered file, before it is written: what every renderer returns and generator.store.plan takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from generator.diagnostics import Span
from generator.disk.confined import inside
from generator.disk.spool import Spool


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


class Spooled(Artifact):
    """The same, whose text is read each time it is asked for: thousands of them would fill the memory."""

    __slots__ = ("_read",)
    _read: Callable[[], str]

    def __init__(self, path: str, read: Callable[[], str], origins: Mapping[str, Span]) -> None:
        for name, value in (("path", path), ("_read", read), ("origins", origins)):
            object.__setattr__(self, name, value)

    @property
    def content(self) -> str:
        """The text."""
        return self._read()


def spooled(artifact: Artifact, spool: Spool) -> Artifact:
    """The same artifact, its text in `spool` where that takes it."""
    read = spool.put(artifact.content)
    return Spooled(artifact.path, read, artifact.origins) if read else artifact
