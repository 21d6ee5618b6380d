"""What became of mutants: counted for each pack and for each kind of mistake, and the report.

Owns the counting. A mutant that no proof can notice, because it means the same, is named in the pack's tests.yaml under
`equivalent`, with the reason; a name there that stands for nothing is a problem too.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from generator.packs.case_schema import EquivalentSpec
from generator.prove.mutation import Mutant


@dataclass(frozen=True, slots=True)
class Count:
    """Of one kind of mistake: how many mutants there are, and how many of them mean the same."""

    operator: str
    mutants: int
    equivalent: int
    survived: int

    @property
    def killed(self) -> int:
        """How many a proof noticed."""
        return self.mutants - self.equivalent - self.survived


@dataclass(frozen=True, slots=True)
class Score:
    """What became of the mutants of one pack. `idle` are the equivalents that name no mutant which lives."""

    pack: str
    alerts: int
    counts: tuple[Count, ...]
    survivors: tuple[Mutant, ...]
    idle: tuple[str, ...]

    @property
    def mutants(self) -> int:
        """How many were made."""
        return sum(each.mutants for each in self.counts)

    @property
    def equivalent(self) -> int:
        """How many mean the same as their rule."""
        return sum(each.equivalent for each in self.counts)

    @property
    def killed(self) -> int:
        """How many a proof noticed."""
        return self.mutants - self.equivalent - len(self.survivors)


def full_name(pack: str, mutant: Mutant) -> str:
    """What a mutant is called among those of all packs: by the rule that has the mistake."""
    return f"{pack}/{mutant.place}: {mutant.name}"


def score_of(pack: str, named: Sequence[EquivalentSpec], mutants: Sequence[Mutant], killed: Collection[str]) -> Score:
    """The score of one pack: `killed` has the full names of those that a proof noticed."""
    alerts = {mutant.alert.name for mutant in mutants}
    # A mistake in a record is one, however many alerts read the record.
    each_once = {full_name(pack, mutant): mutant for mutant in mutants}
    read = [mutant for mutant in each_once.values() if mutant.same]
    alive = [mutant for name, mutant in each_once.items() if name not in killed and not mutant.same]
    survivors = tuple(mutant for mutant in alive if not any(_names(each, mutant) for each in named))
    idle = tuple(f"{each.alert}: {each.mutant}" for each in named if not any(_names(each, mutant) for mutant in alive))
    counts = tuple(
        Count(
            operator,
            _of(operator, each_once.values()),
            _of(operator, read) + _of(operator, alive) - _of(operator, survivors),
            _of(operator, survivors),
        )
        for operator in dict.fromkeys(mutant.operator for mutant in each_once.values())
    )
    return Score(pack, len(alerts), counts, survivors, idle)


def _of(operator: str, mutants: Iterable[Mutant]) -> int:
    return sum(mutant.operator == operator for mutant in mutants)


def _names(equivalent: EquivalentSpec, mutant: Mutant) -> bool:
    return fnmatchcase(mutant.place, equivalent.alert) and fnmatchcase(mutant.name, equivalent.mutant)


def report(scores: Sequence[Score]) -> str:
    """The tables of scores, by pack and by kind of mistake, and every survivor with what it says."""
    total = total_of(scores)
    rows = [f"{'pack':<20} alerts  mutants  killed  equivalent  survived"]
    rows += [
        f"{each.pack:<20} {each.alerts:>6}  {each.mutants:>7}  {each.killed:>6}  {each.equivalent:>10}  "
        f"{len(each.survivors):>8}"
        for each in (*scores, total)
    ]
    rows += ["", f"{'mistake':<20}         mutants  killed  equivalent  survived"]
    rows += [
        f"{each.operator:<20} {'':>6}  {each.mutants:>7}  {each.killed:>6}  {each.equivalent:>10}  {each.survived:>8}"
        for each in total.counts
    ]
    for score in scores:
        for mutant in score.survivors:
            rows += [f"survived: {full_name(score.pack, mutant)}", f"    {' '.join(mutant.expr.split())}"]
        rows += [f"{score.pack}: 'equivalent' names no mutant that lives: {name}" for name in score.idle]
    tried = max(total.mutants - total.equivalent, 1)
    return "\n".join([*rows, f"score {total.killed / tried:.1%} of those that mean something else"])


def total_of(scores: Sequence[Score]) -> Score:
    """All packs together."""
    counts = [count for score in scores for count in score.counts]
    return Score(
        "all",
        sum(each.alerts for each in scores),
        tuple(_sum(operator, counts) for operator in dict.fromkeys(each.operator for each in counts)),
        tuple(mutant for each in scores for mutant in each.survivors),
        tuple(name for each in scores for name in each.idle),
    )


def _sum(operator: str, counts: Sequence[Count]) -> Count:
    own = [each for each in counts if each.operator == operator]
    return Count(
        operator,
        sum(each.mutants for each in own),
        sum(each.equivalent for each in own),
        sum(each.survived for each in own),
    )
