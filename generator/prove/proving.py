"""Running proofs with promtool, many at a time: each against the one rule that it is about.

Owns how a proof is run; what it says is the business of generator.prove.proofs. promtool evaluates every rule of the
files that a test names at every step, so each proof gets a rule file with its own alert alone, and what that reads.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.clients.tools import run_tool
from generator.prove.nameless import without_names
from generator.prove.verdicts import Verdicts
from generator.render.prometheus.rules import rule_groups, rule_lines
from generator.site.model import Alert, PackInstance, Record
from generator.units import parse_duration

# Starting promtool costs as much as several proofs; smaller batches share the cores out more evenly.
_BATCH: Final = 24
# Collecting garbage less often takes a fifth off promtool's time; what it keeps for a proof is small. As many promtools
# run as there are cores: threads of one on the other's core only cost time.
_SPARING: Final = {"GOGC": "400", "GOMAXPROCS": "1"}
_RULES_OF: Final = re.compile(r"^rule_files: \[.*\]$", re.MULTILINE)
_RULE_BEGINS: Final = re.compile(r"^      - (?:alert|record): ", re.MULTILINE)
_NAMED_ALERT: Final = re.compile(r'alertname="(\w+)"')
_EVERY: Final = re.compile(r"^evaluation_interval: (\w+)$", re.MULTILINE)
_EVALUATED: Final = re.compile(r'"eval_time": "(\w+)"')
# How promtool begins what it says of a file: it names none, but keeps their order.
_OUTCOME: Final = re.compile(r"^(?=  (?:SUCCESS|FAILED:)$)", re.MULTILINE)
_HELD: Final = "  SUCCESS\n"
_FAILED: Final = "  FAILED:\n"


@dataclass(frozen=True, slots=True)
class Trial:
    """A proof and the rules that it is to hold for. `names` are those of people and things of the site in them."""

    name: str
    rules: str
    proof: str
    names: frozenset[str] = frozenset()

    def nameless(self) -> tuple[str, str]:
        """Rules and proof with a mark in the place of each name: what holds for one holds for another."""
        rules, proof = without_names(self.names, self.rules, self.proof)
        return rules, proof


def cut_rules(instance: PackInstance, *alerts: str) -> str:
    """A rule file with `alerts` of a pack alone, and what they read: in one group, since promtool evaluates groups in
    any order, and what an alert reads has to be there before it."""
    return one_group(rule_texts(instance, *alerts))


def one_group(rules: Iterable[str]) -> str:
    """A rule file with these rules, as `rule_texts` gives them."""
    return "".join(["groups:\n", '  - name: "cut"\n', "    rules:\n", *rules])


def rule_texts(instance: PackInstance, *alerts: str) -> list[str]:
    """The text of each rule that has to be there for `alerts`, as in a rule file."""
    return [rule_text(rule) for rule in rules_for(instance, *alerts)]


def rule_text(rule: Alert | Record) -> str:
    """The text of one rule, as in a rule file."""
    return "\n".join(rule_lines(rule)) + "\n"


def rules_for(instance: PackInstance, *alerts: str) -> list[Alert | Record]:
    """Those alerts of a pack, and the records and alerts that their expressions read."""
    rules = _in_order(instance)
    wanted, open_ones = set(alerts), [rules[name] for name in alerts]
    while open_ones:
        expr = open_ones.pop().expr
        found = {name for name in rules.keys() - wanted if _reads(expr, rules[name])}
        wanted |= found
        open_ones += [rules[name] for name in found]
    return [rule for name, rule in rules.items() if name in wanted]


def _in_order(instance: PackInstance) -> dict[str, Alert | Record]:
    """A pack's rules by name, in the order of its file, records first as they are evaluated."""
    rules = [rule for group in rule_groups("", instance) for rule in group.rules]
    return {rule.name: rule for rule in sorted(rules, key=lambda rule: isinstance(rule, Alert))}


def _reads(expr: str, rule: Alert | Record) -> bool:
    """Whether an expression reads a record, or an alert by its state; ALERTS without a name may mean any."""
    if isinstance(rule, Record):
        return rule.name in expr
    return "ALERTS{" in expr and (rule.name in _NAMED_ALERT.findall(expr) or not _NAMED_ALERT.search(expr))


def run_trials(
    trials: Iterable[Trial],
    folder: Path,
    progress: Callable[[int], None] = lambda _: None,
    verdicts: Verdicts | None = None,
) -> dict[str, str]:
    """promtool's complaints by the name of the trial; one that holds is not among them.

    Files are written below `folder`, which is the caller's. `progress` gets the number of proofs that have run. What
    `verdicts` has is not run again, and what is run to its end is remembered there.
    """
    known, open_ones = _known(trials, verdicts)
    progress(len(known))
    by_path = {_lay_out(trial, folder): trial for trial in open_ones}
    # The longest first, so that neither core is left with them at the end.
    paths = sorted(by_path, key=lambda path: -_work(by_path[path]))
    batches = [paths[start :: max(len(paths) // _BATCH, 1)] for start in range(max(len(paths) // _BATCH, 1))]
    said, done = known, len(known)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for batch, found in zip(batches, pool.map(lambda batch: _run(batch, folder), batches), strict=True):
            done += len(batch)
            progress(done)
            for path in batch:
                _remember(verdicts, by_path[path], found[path])
            said |= {by_path[path].name: _complaint(found[path]) for path in batch}
    return {name: text for name, text in said.items() if text}


def _known(trials: Iterable[Trial], verdicts: Verdicts | None) -> tuple[dict[str, str], list[Trial]]:
    """What is remembered of the trials, by name, and those that have to be run."""
    known, open_ones = {}, []
    for trial in trials:
        said = verdicts.said(*trial.nameless()) if verdicts else None
        if said is None:
            open_ones.append(trial)
        else:
            known[trial.name] = said
    return known, open_ones


def _remember(verdicts: Verdicts | None, trial: Trial, said: str) -> None:
    """Only what promtool itself says of this file: that it held, or what failed. All else may be another matter."""
    if verdicts and said.startswith((_HELD, _FAILED)):
        verdicts.remember(*trial.nameless(), _complaint(said))


def _complaint(said: str) -> str:
    """What promtool says of a file, unless it is that it held."""
    return "" if said.startswith(_HELD) else said


def _work(trial: Trial) -> float:
    """How many rules are evaluated in it, which is most of its time."""
    last = max((parse_duration(time) for time in _EVALUATED.findall(trial.proof)), default=0)
    every = _EVERY.search(trial.proof)
    return last / (parse_duration(every[1]) if every else 60) * len(_RULE_BEGINS.findall(trial.rules))


def _lay_out(trial: Trial, folder: Path) -> str:
    stem = re.sub(r"[^\w.-]", "-", trial.name)
    (folder / f"{stem}.rules.yml").write_text(trial.rules, encoding="utf-8")
    proof = _RULES_OF.sub(lambda _: f"rule_files: [{stem}.rules.yml]", trial.proof, count=1)
    (folder / f"{stem}.proof.yml").write_text(proof, encoding="utf-8")
    return f"{stem}.proof.yml"


def _run(batch: list[str], folder: Path) -> Mapping[str, str]:
    """What promtool says of each file."""
    if not batch:
        return {}
    run = run_tool("promtool", ["test", "rules", *batch], folder, _SPARING)
    before, *said = _OUTCOME.split(run.output)
    if before or len(said) != len(batch) or (run.code == 0) != all(text.startswith(_HELD) for text in said):
        if len(batch) > 1:  # something else came between: each is asked by itself
            return {path: text for path in batch for text in _run([path], folder).values()}
        return {batch[0]: f"promtool ended with {run.code}\n{run.output}"}
    return dict(zip(batch, said, strict=True))
