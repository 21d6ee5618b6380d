"""`make mutants`: every alert made wrong in every way that generator.prove.operators knows, and its proof has to see.

Owns the judging. What came of it is counted and printed by generator.prove.scores.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Final

from generator.packs import Pack, load_packs
from generator.packs.load import tests_of
from generator.packs.sample import SAMPLE_STACK, sample_instance
from generator.prove.mutation import Mutant, mutants_of
from generator.prove.proof import Proof
from generator.prove.proofs import proofs_of
from generator.prove.proving import Trial, one_group, rule_text, rules_for, run_trials
from generator.prove.scores import Score, full_name, report, score_of, total_of
from generator.prove.verdicts import Verdicts
from generator.site.model import Alert, PackInstance, Record, Service
from generator.units import how_far

# Seconds between two lines where none can be redrawn.
_PAUSE: Final = 10.0
_STOPPED: Final = re.compile(r"^\s*rule: [\w:]+__\d+, time: .*err: ", re.MULTILINE)
# Packs and alerts whose proofs do not notice every kind of mistake yet: they are held to the earlier ones alone. What
# leaves this list does so for good; a new pack or alert is never on it.
NOT_YET: Final = frozenset({
    "anomaly", "backup/BackupMissing", "backup/BackupRestoreTooOld", "backup/BackupShrunk", "backup/BackupSlow",
    "business", "celery", "containers", "costs", "deploys", "external/ExternalCircuitOpen",
    "external/ExternalFailuresCritical", "external/ExternalFailuresHigh", "external/ExternalQuotaCritical",
    "external/ExternalQuotaHigh", "external/ExternalQuotaRunsOut", "external/ExternalRateLimited",
    "host/HostCpuCritical", "host/HostCpuHigh", "host/HostDiskCritical", "host/HostDiskFilling", "host/HostDiskLow",
    "host/HostDown", "host/HostExporterDown", "host/HostFilesystemReadOnly", "host/HostInodesLow",
    "host/HostNetworkErrors", "host/HostRetransmits", "http", "llm/LlmFailuresCritical", "llm/LlmFailuresHigh",
    "llm/LlmLatencyHigh", "llm/LlmRateLimited", "llm/LlmSlowModelLatencyHigh", "llm/LlmSpendSpike",
    "llm/LlmTenantUsesMost", "llm/LlmTimeouts", "llm/LlmTokenSpike", "logs", "payments/NoPaymentSucceeds",
    "payments/PaymentFailuresHigh", "payments/RefundsSurge", "postgres/PostgresRollbackRatioHigh",
    "process/ProcessMemoryGrowing", "process/ProcessRestarting", "slo", "stack/ConfigReloadFailed",
    "stack/LogLinesLost", "stack/LogQueueFilling", "stack/LokiErrors", "stack/MonitorDown", "stack/OutageRecent",
    "stack/PartDown", "stack/PrometheusNotDelivering", "stack/PrometheusStorageFailing",
    "stack/PrometheusStorageNearLimit", "stack/ViewDown", "target/MetricsMissing", "tenants", "usage", "web",
})  # fmt: skip
_EARLIER: Final = frozenset({"number", "comparison flipped", "matcher", "operand", "offset", "dropped", ""})
_STATES: Final = re.compile(r"\bALERTS\{([^}]*)\}")


def judge(
    packs: Iterable[Pack],
    chosen: Callable[[str], bool] = lambda _name: True,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    also: Callable[[Alert], Iterable[Mutant]] = lambda _alert: (),
    verdicts: Verdicts | None = None,
) -> list[Score]:
    """The score of each pack. `chosen` says by a mutant's name whether it is tried; `also` gives more of an alert's;
    what `verdicts` remembers is not run again."""
    mutants = {pack.name: _mutants(pack, chosen, also) for pack in packs}
    open_ones = [group for pack in packs for group in _groups(pack, mutants[pack.name])]
    killed: set[str] = set()
    total = len(open_ones)
    while open_ones:
        with tempfile.TemporaryDirectory(prefix="lookout-mutants-") as folder:
            said = run_trials(map(_trial, open_ones), Path(folder), lambda done: progress(done, total), verdicts)
        for group in open_ones:
            killed |= {full_name(group.pack, mutant) for mutant in _found(group, said.get(group.name, ""))}
        # A rule that cannot be evaluated ends its test: the others beside it are judged again, without it.
        again = [group for group in open_ones if _STOPPED.search(said.get(group.name, ""))]
        left = [replace(group, mutants=_alive(group, killed)) for group in again]
        open_ones = [group for group in left if group.mutants]
    return [score_of(pack.name, tests_of(pack).equivalent, mutants[pack.name], killed) for pack in packs]


def _mutants(pack: Pack, chosen: Callable[[str], bool], also: Callable[[Alert], Iterable[Mutant]]) -> list[Mutant]:
    _, instance = sample_instance(pack)
    found = []
    for alert in instance.alerts:
        records = [rule for rule in rules_for(instance, alert.name) if isinstance(rule, Record)]
        made = mutants_of(alert, records)
        if {pack.name, f"{pack.name}/{alert.name}"} & NOT_YET:
            made = [mutant for mutant in made if mutant.operator in _EARLIER and mutant.record is None]
        found += [mutant for mutant in made if chosen(full_name(pack.name, mutant))]
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
    read the states of any alert stand alone, or they would read each other's. What is the same for a reason that
    reading shows is not run."""
    service, instance = sample_instance(pack)
    open_ones = [mutant for mutant in mutants if not mutant.same]
    wanted = {mutant.alert.name for mutant in open_ones}
    proofs = {proof.alert.name: proof for proof in proofs_of(SAMPLE_STACK, service, instance, wanted)}
    for alert in instance.alerts:
        own = tuple(mutant for mutant in open_ones if mutant.alert.name == alert.name)
        together = [(mutant,) for mutant in own] if _reads_any_state(alert.expr) else [own] if own else []
        for number, group in enumerate(together):
            name = f"{pack.name}-{alert.name}-{number}"
            yield _Group(pack.name, name, service, instance, alert, proofs[alert.name], group)


def _reads_any_state(expr: str) -> bool:
    return any("alertname=" not in inside for inside in _STATES.findall(expr))


def _trial(group: _Group) -> Trial:
    return Trial(group.name, _rules_of(group), _proof_of(group))


def _alias(name: str, number: int) -> str:
    return f"{name}__{number}"


def _rules_of(group: _Group) -> str:
    """Rules with the mutants in the place of the alert; the pack's others only where those may read them. A record with
    a mistake has another name, and so has all between it and the alert."""
    alert = group.alert
    read = [rule for rule in rules_for(group.instance, alert.name) if rule.name != alert.name]
    records = [rule for rule in read if isinstance(rule, Record)]
    rules: list[Alert | Record] = list(records)
    last: list[Alert | Record] = [rule for rule in read if isinstance(rule, Alert)]
    for number, mutant in enumerate(group.mutants):
        changed, names = _downstream(mutant.record, records), {}
        names = {name: _alias(name, number) for name in changed}
        rules += [
            replace(rule, name=names[rule.name], expr=_renamed(changed[rule.name], names))
            for rule in records
            if rule.name in changed
        ]
        last.append(replace(mutant.alert, name=_alias(alert.name, number), expr=_renamed(mutant.alert.expr, names)))
    return one_group(rule_text(rule) for rule in (*rules, *last))


def _downstream(wrong: Record | None, records: Sequence[Record]) -> dict[str, str]:
    """The expressions of a record with a mistake and of all that read it, by name; records are in their order."""
    if wrong is None:
        return {}
    found = {wrong.name: wrong.expr}
    for record in records:
        if record.name not in found and any(name in record.expr for name in found):
            found[record.name] = record.expr
    return found


def _renamed(expr: str, names: Mapping[str, str]) -> str:
    for name, alias in names.items():
        expr = re.sub(rf"(?<![\w:]){name}(?![\w:])", alias, expr)
    return expr


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
    return tuple(mutant for mutant in group.mutants if full_name(group.pack, mutant) not in killed)


def own_packs(names: Sequence[str], packs: Mapping[str, Pack]) -> list[Pack]:
    """The packs with rules of their own, or those of them that `names` has."""
    return [pack for name, pack in packs.items() if pack.source == name and (not names or name in names)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge, report, and say by the exit code whether any survived."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("pack", nargs="*", help="only these packs")
    parser.add_argument("--verdicts", help="a folder that remembers what promtool said")
    given = parser.parse_args(arguments)
    begin, redraws, printed = monotonic(), sys.stderr.isatty(), 0.0

    def progress(done: int, total: int) -> None:
        nonlocal printed
        if done and redraws:
            print(f"\r{how_far(done, total, monotonic() - begin):<40}", end="", file=sys.stderr, flush=True)
        elif done and monotonic() - printed >= _PAUSE:
            printed = monotonic()
            print(how_far(done, total, monotonic() - begin), file=sys.stderr, flush=True)

    verdicts = Verdicts(Path(given.verdicts), failures=True) if given.verdicts else None
    scores = judge(own_packs(given.pack, load_packs()), progress=progress, verdicts=verdicts)
    if redraws:
        print(file=sys.stderr)
    print(report(scores))
    total = total_of(scores)
    return 1 if total.survivors or total.idle else 0


if __name__ == "__main__":
    sys.exit(main())
