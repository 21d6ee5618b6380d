"""What a rule is: an id for good, a sentence, and a function over all files together."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from generator.prove.dashboards.document import Bundle


@dataclass(frozen=True, slots=True)
class Finding:
    """One objection to one file; `panel` is the id of the panel that it is about."""

    path: str
    message: str
    panel: Any = None


@dataclass(frozen=True, slots=True)
class DashboardRule:
    """A lint rule. Its documentation is the function's docstring."""

    id: str
    check: Callable[[Bundle], Iterator[Finding]]

    @property
    def doc(self) -> str:
        """What the rule asks for, in one line."""
        return (self.check.__doc__ or "").strip().splitlines()[0]
