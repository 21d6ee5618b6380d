"""An alert made wrong in one way: what a proof has to notice.

Owns what a mutant is; the mistakes themselves are generator.prove.operators', and generator.prove.mutants has the
proofs judge them. An alert can be wrong in what it reads, too: a record with a mistake is a mutant of each alert that
reads it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from generator.promql.spans import read_spans
from generator.promql.tree import PromQLError, parse
from generator.prove.operators import OPERATORS
from generator.prove.same import same_by_reading
from generator.site.model import Alert, Record

_HALF_AND_DOUBLE: Final = ((0.5, "halved"), (2.0, "doubled"))


@dataclass(frozen=True, slots=True)
class Mutant:
    """An alert with one mistake, and the mistake's name: what, which one in the order of the text, how. `record`: what
    the alert reads, where the mistake is there. `operator`: which kind of mistake it is."""

    name: str
    alert: Alert
    operator: str = ""
    record: Record | None = None
    same: str = ""
    """Why it means the same as the rule, where reading both shows that."""

    @property
    def place(self) -> str:
        """The rule that has the mistake."""
        return self.record.name if self.record else self.alert.name

    @property
    def expr(self) -> str:
        """The expression that has the mistake."""
        return self.record.expr if self.record else self.alert.expr


def mutants_of(alert: Alert, records: Iterable[Record] = ()) -> list[Mutant]:
    """Every mistake that this alert is tried with, those in the `records` that it reads at the end; what would be no
    PromQL is left out."""
    made = [
        Mutant(name, replace(alert, expr=expr), operator, same=same_by_reading(alert.expr, expr))
        for operator, name, expr in _mistakes(alert.expr)
    ]
    for record in records:
        made += [
            Mutant(name, alert, operator, replace(record, expr=expr), same=same_by_reading(record.expr, expr))
            for operator, name, expr in _mistakes(record.expr)
        ]
    return [*made, *_holds(alert)]


def _holds(alert: Alert) -> Iterator[Mutant]:
    if alert.for_seconds:
        yield Mutant("for dropped", replace(alert, for_seconds=0), "dropped")
        for factor, how in _HALF_AND_DOUBLE:
            changed = replace(alert, for_seconds=int(alert.for_seconds * factor))
            yield Mutant(f"for {how}", changed, "for")
    if alert.keep_firing_seconds:
        yield Mutant("keep_firing_for dropped", replace(alert, keep_firing_seconds=0), "dropped")
        for factor, how in _HALF_AND_DOUBLE:
            changed = replace(alert, keep_firing_seconds=int(alert.keep_firing_seconds * factor))
            yield Mutant(f"keep_firing_for {how}", changed, "keep_firing_for")


def _mistakes(expr: str) -> Iterator[tuple[str, str, str]]:
    spans = read_spans(expr)
    for operator, make in OPERATORS:
        for name, wrong in make(expr, spans):
            if wrong != expr and _is_promql(wrong):
                yield operator, name, wrong


def _is_promql(expr: str) -> bool:
    try:
        parse(expr)
    except PromQLError:
        return False
    return True
