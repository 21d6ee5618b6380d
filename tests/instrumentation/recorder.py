"""A `Lookout` for tests of recorders: what it counted can be asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from lookout_instrumentation import Lookout, Settings

SETTINGS: Final = Settings(service="shop", environment="test", slow_query_seconds=0.05)


@dataclass
class Recorder:
    """A handle, and what it has counted since it was made."""

    lookout: Lookout = field(default_factory=lambda: Lookout(SETTINGS, logging=False))

    def value(self, name: str, **labels: str) -> float | None:
        """The value of one series, or None when it does not exist."""
        return self.lookout.metrics.registry.get_sample_value(name, labels)

    def series(self, name: str) -> dict[tuple[str, ...], float]:
        """Every series of that name: the values of its labels, in the order of the catalogue, and its own."""
        found = [
            (sample.labels, sample.value)
            for family in self.lookout.metrics.registry.collect()
            for sample in family.samples
            if sample.name == name
        ]
        return {tuple(value for label, value in labels.items() if label != "le"): number for labels, number in found}

    def counted(self, name: str) -> dict[tuple[str, ...], float]:
        """The same without what is zero."""
        return {labels: number for labels, number in self.series(name).items() if number}


def recorder(*, label_budgets: Mapping[str, int] | None = None, **settings: Any) -> Recorder:
    """A recorder with other settings than usual."""
    if label_budgets is not None:
        settings["label_budgets"] = dict(label_budgets)
    return Recorder(Lookout(replace(SETTINGS, **settings), logging=False))
