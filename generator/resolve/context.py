"""What all steps of resolve share: the input, and the list of problems found on the way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from generator.diagnostics import Diagnostic, Level, did_you_mean
from generator.packs import Pack
from generator.source.read import Path, Source
from generator.spec.keys import Spec

Given = TypeVar("Given")


def default(given: Given | None, otherwise: Given) -> Given:
    """What the user wrote, or the default beside it."""
    return otherwise if given is None else given


@dataclass(slots=True)
class Context:
    """The input of resolve. Steps report problems and go on, so that one run shows them all."""

    spec: Spec
    source: Source
    packs: Mapping[str, Pack]
    problems: list[Diagnostic] = field(default_factory=list)
    _users: dict[str, list[str]] | None = None
    _at: dict[str, list[str]] | None = None

    def users_of(self, service: str) -> list[str]:
        """The services that use it. Who they are is found once for all services."""
        if self._users is None:
            self._users = {}
            for name, spec in self.spec.services.items():
                for used in spec.uses or ():
                    self._users.setdefault(used, []).append(name)
        return self._users.get(service, [])

    def sharing_address(self, service: str) -> list[str]:
        """The services that have its address, itself included; none where it has none."""
        if self._at is None:
            self._at = {}
            for name, spec in self.spec.services.items():
                if spec.address:
                    self._at.setdefault(spec.address.lower(), []).append(name)
        return self._at.get((self.spec.services[service].address or "").lower(), [])

    def problem(
        self,
        code: str,
        message: str,
        path: Path,
        *,
        level: Level = "error",
        at_key: bool = False,
        hint: str = "",
        notes: Iterable[str] = (),
    ) -> None:
        """Report a problem at the value (or the key) that stands at `path`."""
        span = self.source.key_span(path) if at_key else self.source.value_span(path)
        self.problems.append(Diagnostic(code, message, span, level, hint, tuple(notes)))

    def unknown(self, code: str, message: str, word: str, known: Iterable[str], path: Path) -> None:
        """Report a word that names nothing, with the nearest word that does."""
        names = sorted(known)
        notes = [f"known: {', '.join(names)}"] if names else []
        self.problem(code, message, path, hint=did_you_mean(word, names), notes=notes)
