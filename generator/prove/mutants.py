"""`make mutants`: every alert made wrong in every way that generator.prove.mutation knows, and its proof has to notice.

Owns the judging and the report. A mutant that no proof can notice, because it means the same, is named in the pack's
tests.yaml under `equivalent`, with the reason; a name there that stands for nothing is a problem too.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from time import monotonic
from typing import Final

from generator.packs import Pack, load_packs
from generator.packs.case_schema import EquivalentSpec
from generator.packs.load import tests_of
from generator.packs.sample import SAMPLE_STACK, sample_instance
from generator.prove.mutation import Mutant, mutants_of
from generator.prove.proof import Proof
from generator.prove.proofs import proofs_of
from generator.prove.proving import Trial, cut_rules, run_trials
from generator.prove.verdicts import Verdicts
from generator.site.model import Alert, PackInstance, Service
from generator.units import how_far

# Seconds between two lines where none can be redrawn.
_PAUSE: Final = 10.0
_STOPPED: Final = re.compile(r"^\s*rule: \w+__\d+, time: .*err: ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Score:
    """What became of the mutants of one pack. `idle` are the equivalents that name no mutant which lives."""

    pack: str
    alerts: int
    mutants: int
    equivalent: int
    survivors: tuple[Mutant, ...]
    idle: tuple[str, ...]

    @property
    def killed(self) -> int:
        """How many a proof noticed."""
        return self.mutants - self.equivalent - len(self.survivors)


def judge(
    packs: Iterable[Pack],
    chosen: Callable[[Alert, int], bool] = lambda _alert, _number: True,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    also: Callable[[Alert], Iterable[Mutant]] = lambda _alert: (),
    verdicts: Verdicts | None = None,
) -> list[Score]:
    """The score of each pack. `chosen` says of an alert's mutants, by number, which are tried; `also` gives more of
    them; what `verdicts` remembers is not run again."""
    mutants = {pack.name: _mutants(pack, chosen, also) for pack in packs}
    open_ones = [group for pack in packs for group in _groups(pack, mutants[pack.name])]
    killed: set[str] = set()
    total = len(open_ones)
    while open_ones:
        with tempfile.TemporaryDirectory(prefix="lookout-mutants-") as folder:
            said = run_trials(map(_trial, open_ones), Path(folder), lambda done: progress(done, total), verdicts)
        for group in open_ones:
            killed |= {_name(group.pack, mutant) for mutant in _found(group, said.get(group.name, ""))}
        # A rule that cannot be evaluated ends its test: the others beside it are judged again, without it.
        again = [group for group in open_ones if _STOPPED.search(said.get(group.name, ""))]
        left = [replace(group, mutants=_alive(group, killed)) for group in again]
        open_ones = [group for group in left if group.mutants]
    return [_score(pack, mutants[pack.name], killed) for pack in packs]


def _mutants(
    pack: Pack, chosen: Callable[[Alert, int], bool], also: Callable[[Alert], Iterable[Mutant]]
) -> list[Mutant]:
    _, instance = sample_instance(pack)
    found = []
    for alert in instance.alerts:
        found += [mutant for number, mutant in enumerate(mutants_of(alert)) if chosen(alert, number)]
        found += also(alert)
    return found


@dataclass(frozen=True, slots=True)
class _Group:
    """Mutants of one alert, side by side on its timeline, each under a name of its own."""

    pack: str
    name: str
    service: Service
    instance: PackInstance
    alert: Alert
    proof: Proof
    mutants: tuple[Mutant, ...]


def _groups(pack: Pack, mutants: Sequence[Mutant]) -> Iterator[_Group]:
    """All mutants of an alert together, since what takes promtool most of its time is to begin a timeline. Those that
    read the states of alerts stand alone, or they would read each other's."""
    service, instance = sample_instance(pack)
    wanted = {mutant.alert.name for mutant in mutants}
    proofs = {proof.alert.name: proof for proof in proofs_of(SAMPLE_STACK, service, instance, wanted)}
    for alert in instance.alerts:
        own = tuple(mutant for mutant in mutants if mutant.alert.name == alert.name)
        together = [(mutant,) for mutant in own] if "ALERTS{" in alert.expr else [own] if own else []
        for number, group in enumerate(together):
            name = f"{pack.name}-{alert.name}-{number}"
            yield _Group(pack.name, name, service, instance, alert, proofs[alert.name], group)


def _trial(group: _Group) -> Trial:
    return Trial(group.name, _rules_of(group), _proof_of(group))


def _name(pack: str, mutant: Mutant) -> str:
    return f"{pack}/{mutant.alert.name}: {mutant.name}"


def _alias(alert: str, number: int) -> str:
    return f"{alert}__{number}"


def _rules_of(group: _Group) -> str:
    """Rules with the mutants in the place of the alert; the pack's others only where those may read them."""
    alert = group.alert
    others = [each for each in group.instance.alerts if "ALERTS{" in alert.expr and each.name != alert.name]
    named = [replace(mutant.alert, name=_alias(alert.name, number)) for number, mutant in enumerate(group.mutants)]
    instance = replace(group.instance, alerts=(*named, *others))
    return cut_rules(instance, *(each.name for each in named))


def _proof_of(group: _Group) -> str:
    """The proof with every assertion made of each of the mutants."""
    return group.proof.emit([_alias(group.alert.name, number) for number in range(len(group.mutants))])


def _found(group: _Group, said: str) -> list[Mutant]:
    """Those of a group's mutants of which promtool complains."""
    numbers = {int(number) for number in re.findall(rf"{group.alert.name}__(\d+)\b", said)}
    if said and not numbers:
        raise AssertionError(f"promtool could not try {group.name}: {said}")
    return [group.mutants[number] for number in numbers]


def _alive(group: _Group, killed: Collection[str]) -> tuple[Mutant, ...]:
    return tuple(mutant for mutant in group.mutants if _name(group.pack, mutant) not in killed)


def _score(pack: Pack, mutants: Sequence[Mutant], killed: Iterable[str]) -> Score:
    dead = set(killed)
    alive = [mutant for mutant in mutants if _name(pack.name, mutant) not in dead]
    named = tests_of(pack).equivalent
    survivors = tuple(mutant for mutant in alive if not any(_names(each, mutant) for each in named))
    idle = tuple(f"{each.alert}: {each.mutant}" for each in named if not any(_names(each, mutant) for mutant in alive))
    alerts = {mutant.alert.name for mutant in mutants}
    return Score(pack.name, len(alerts), len(mutants), len(alive) - len(survivors), survivors, idle)


def _names(equivalent: EquivalentSpec, mutant: Mutant) -> bool:
    return fnmatchcase(mutant.alert.name, equivalent.alert) and fnmatchcase(mutant.name, equivalent.mutant)


def report(scores: Sequence[Score]) -> str:
    """The table of scores, and every survivor with what it says."""
    rows = [f"{'pack':<16} alerts  mutants  killed  equivalent  survived"]
    rows += [
        f"{each.pack:<16} {each.alerts:>6}  {each.mutants:>7}  {each.killed:>6}  {each.equivalent:>10}  "
        f"{len(each.survivors):>8}"
        for each in (*scores, _total(scores))
    ]
    for score in scores:
        for mutant in score.survivors:
            rows += [f"survived: {_name(score.pack, mutant)}", f"    {' '.join(mutant.alert.expr.split())}"]
        rows += [f"{score.pack}: 'equivalent' names no mutant that lives: {name}" for name in score.idle]
    total = _total(scores)
    tried = max(total.mutants - total.equivalent, 1)
    return "\n".join([*rows, f"score {total.killed / tried:.1%} of those that mean something else"])


def _total(scores: Sequence[Score]) -> Score:
    return Score(
        "all",
        sum(each.alerts for each in scores),
        sum(each.mutants for each in scores),
        sum(each.equivalent for each in scores),
        tuple(mutant for each in scores for mutant in each.survivors),
        tuple(name for each in scores for name in each.idle),
    )


def own_packs(names: Sequence[str], packs: Mapping[str, Pack]) -> list[Pack]:
    """The packs with rules of their own, or those of them that `names` has."""
    return [pack for name, pack in packs.items() if pack.source == name and (not names or name in names)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge, report, and say by the exit code whether any survived."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("pack", nargs="*", help="only these packs")
    given = parser.parse_args(arguments)
    begin, redraws, printed = monotonic(), sys.stderr.isatty(), 0.0

    def progress(done: int, total: int) -> None:
        nonlocal printed
        if done and redraws:
            print(f"\r{how_far(done, total, monotonic() - begin):<40}", end="", file=sys.stderr, flush=True)
        elif done and monotonic() - printed >= _PAUSE:
            printed = monotonic()
            print(how_far(done, total, monotonic() - begin), file=sys.stderr, flush=True)

    scores = judge(own_packs(given.pack, load_packs()), progress=progress)
    if redraws:
        print(file=sys.stderr)
    print(report(scores))
    total = _total(scores)
    return 1 if total.survivors or total.idle else 0


if __name__ == "__main__":
    sys.exit(main())
