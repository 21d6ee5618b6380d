"""`make mutants`: every alert made wrong in every way that generator.mutation knows, and its proof has to notice.

Owns the judging and the report. A mutant that no proof can notice, because it means the same, is named in the pack's
tests.yaml under `equivalent`, with the reason; a name there that stands for nothing is a problem too.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from time import monotonic

from generator.check.proving import Trial, run_trials
from generator.model import Alert, Budget, PackInstance, Service, Site
from generator.mutation import Mutant, mutants_of
from generator.packs import Pack, load_packs
from generator.packs.case_schema import EquivalentSpec
from generator.packs.load import tests_of
from generator.packs.sample import SAMPLE_STACK, sample_instance
from generator.render.proofs import render_proofs
from generator.render.rules import render_rules


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


def sample_site(service: Service) -> Site:
    """A site with one service alone."""
    return Site(
        stack=SAMPLE_STACK,
        budget=Budget({}, 0, 0, 0),
        people={},
        channels={},
        notify={"critical": (), "warning": (), "info": ()},
        watchdog=None,
        services=(service,),
        monitors=(),
    )


def judge(
    packs: Iterable[Pack],
    chosen: Callable[[Alert, int], bool] = lambda _alert, _number: True,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[Score]:
    """The score of each pack. `chosen` says of an alert's mutants, by number, which are tried."""
    mutants = {pack.name: _mutants(pack, chosen) for pack in packs}
    trials = dict(trial for pack in packs for trial in _trials(pack, mutants[pack.name]))
    with tempfile.TemporaryDirectory(prefix="lookout-mutants-") as folder:
        said = run_trials(trials, Path(folder), lambda done: progress(done, len(trials)))
    killed = {name for trial, names in trials.items() for name in _killed(names, said.get(trial.name, ""))}
    return [_score(pack, mutants[pack.name], killed) for pack in packs]


def _mutants(pack: Pack, chosen: Callable[[Alert, int], bool]) -> list[Mutant]:
    _, instance = sample_instance(pack)
    return [
        mutant for alert in instance.alerts for number, mutant in enumerate(mutants_of(alert)) if chosen(alert, number)
    ]


def _trials(pack: Pack, mutants: Sequence[Mutant]) -> Iterator[tuple[Trial, list[str]]]:
    """All mutants of an alert side by side, each under a name of its own, on one timeline: what takes promtool most of
    its time is to begin one. Those that read the states of alerts stand alone, or they would read each other's."""
    service, instance = sample_instance(pack)
    proofs = {Path(each.path).stem: each.content for each in render_proofs(sample_site(service))}
    for alert in instance.alerts:
        own = [mutant for mutant in mutants if mutant.alert.name == alert.name]
        packs = [[mutant] for mutant in own] if "ALERTS{" in alert.expr else [own] if own else []
        for number, together in enumerate(packs):
            rules = _rules_with(service, instance, alert, together)
            proof = _proof_for(proofs[alert.name], alert.name, len(together))
            yield Trial(f"{pack.name}-{alert.name}-{number}", rules, proof), [_name(pack.name, m) for m in together]


def _name(pack: str, mutant: Mutant) -> str:
    return f"{pack}/{mutant.alert.name}: {mutant.name}"


def _alias(alert: str, number: int) -> str:
    return f"{alert}__{number}"


def _rules_with(service: Service, instance: PackInstance, alert: Alert, mutants: Sequence[Mutant]) -> str:
    """Rules with `mutants` in the place of `alert`; the pack's others only where those may read them."""
    others = [each for each in instance.alerts if "ALERTS{" in alert.expr and each.name != alert.name]
    named = [replace(mutant.alert, name=_alias(alert.name, number)) for number, mutant in enumerate(mutants)]
    (artifact,) = render_rules(
        sample_site(replace(service, packs=(replace(instance, alerts=(*named, *others)),))),
    )
    return artifact.content


def _proof_for(proof: str, alert: str, count: int) -> str:
    """The proof with every assertion made of each of the mutants."""
    named = re.compile(rf"""(?<="alertname": ")({alert})(?=")|(?<=alertname=\\")({alert})(?=\\")""")
    lines = []
    for line in proof.splitlines():
        told = named.search(line)
        lines += [named.sub(_alias(alert, number), line) for number in range(count)] if told else [line]
    return "\n".join(lines) + "\n"


def _killed(names: Sequence[str], said: str) -> Iterator[str]:
    """Those of a trial's mutants of which promtool complains."""
    numbers = {int(number) for number in re.findall(r"__(\d+)\b", said)}
    if said and not numbers:
        raise AssertionError(f"promtool could not try {names}: {said}")
    return (names[number] for number in numbers)


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
    begin = monotonic()

    def progress(done: int, total: int) -> None:
        print(f"\r{done} of {total} alerts, {monotonic() - begin:.0f} s", end="", file=sys.stderr, flush=True)

    scores = judge(own_packs(given.pack, load_packs()), progress=progress)
    print(file=sys.stderr)
    print(report(scores))
    total = _total(scores)
    return 1 if total.survivors or total.idle else 0


if __name__ == "__main__":
    sys.exit(main())
