"""Running proofs with promtool, many at a time: each against the one rule that it is about.

Owns how a proof is run; what it says is the business of generator.render.proofs. promtool evaluates every rule of the
files that a test names at every step, so each proof gets a rule file with its own alert alone, and what that reads.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.check.tools import run_tool
from generator.units import parse_duration

# Starting promtool costs as much as several proofs; smaller batches share the cores out more evenly.
_BATCH: Final = 24
# Collecting garbage less often takes a fifth off promtool's time; what it keeps for a proof is small.
_UNHURRIED: Final = {"GOGC": "400"}
_RULES_OF: Final = re.compile(r"^rule_files: \[.*\]$", re.MULTILINE)
_RULE_BEGINS: Final = re.compile(r"^      - (?P<kind>alert|record): (?P<name>\S+)$", re.MULTILINE)
_NAMED_ALERT: Final = re.compile(r'alertname="(\w+)"')
_EVERY: Final = re.compile(r"^evaluation_interval: (\w+)$", re.MULTILINE)
_EVALUATED: Final = re.compile(r'"eval_time": "(\w+)"')
_TESTED: Final = re.compile(r"^Unit Testing: +(?P<path>\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Trial:
    """A proof and the rules that it is to hold for."""

    name: str
    rules: str
    proof: str


def cut_rules(rules: str, *alerts: str) -> str:
    """A rendered rule file with `alerts` alone, and the records and alerts that their expressions read: in one group,
    since promtool evaluates groups in any order, and what an alert reads has to be there before it."""
    blocks = _blocks(rules)
    wanted, open_ones = set(alerts), list(alerts)
    while open_ones:
        text = blocks.get(open_ones.pop(), "")
        found = {name for name in blocks.keys() - wanted if _reads(text, name)}
        wanted |= found
        open_ones += found
    kept = "".join(blocks[name] for name in blocks if name in wanted)
    return f'groups:\n  - name: "cut"\n    rules:\n{kept}'


def _blocks(rules: str) -> dict[str, str]:
    """The text of each rule by name, in the order of the file, records first as they are evaluated."""
    found = [*_RULE_BEGINS.finditer(rules)]
    ends = [match.start() for match in found[1:]] + [len(rules)]
    texts = {
        (match["kind"] == "alert", match["name"]): rules[match.start() : end].split("\n  - name:")[0].rstrip() + "\n"
        for match, end in zip(found, ends, strict=True)
    }
    return {name: text for (_, name), text in sorted(texts.items(), key=lambda entry: entry[0][0])}


def _reads(text: str, name: str) -> bool:
    """Whether a rule's text reads a record, or an alert by its state; ALERTS without a name may mean any."""
    if ":" in name:
        return name in text
    return "ALERTS{" in text and (name in _NAMED_ALERT.findall(text) or not _NAMED_ALERT.search(text))


def run_trials(
    trials: Iterable[Trial], folder: Path, progress: Callable[[int], None] = lambda _: None
) -> dict[str, str]:
    """promtool's complaints by the name of the trial; one that holds is not among them.

    Files are written below `folder`, which is the caller's. `progress` is told how many have run.
    """
    laid_out = [(_lay_out(trial, folder), trial) for trial in trials]
    files = {path: trial.name for path, trial in laid_out}
    # The longest first, so that neither core is left with them at the end.
    paths = [path for path, _ in sorted(laid_out, key=lambda each: -_work(each[1]))]
    batches = [paths[start :: max(len(paths) // _BATCH, 1)] for start in range(max(len(paths) // _BATCH, 1))]
    complaints: dict[str, str] = {}
    done = 0
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for batch, found in zip(batches, pool.map(lambda batch: _run(batch, folder), batches), strict=True):
            done += len(batch)
            progress(done)
            complaints |= {files[path]: text for path, text in found.items()}
    return complaints


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
    if not batch:
        return {}
    run = run_tool("promtool", ["test", "rules", *batch], folder, _UNHURRIED)
    if run.code == 0:
        return {}
    said = _TESTED.split(run.output)
    outcomes = dict(zip(said[1::2], said[2::2], strict=True))
    # What does not even load stops promtool before it names the file: then each is asked by itself.
    if outcomes.keys() != set(batch):
        return {path: text for path in batch for text in [_alone(path, folder)] if text}
    return {path: text for path, text in outcomes.items() if not re.search(r"^  SUCCESS$", text, re.MULTILINE)}


def _alone(path: str, folder: Path) -> str:
    run = run_tool("promtool", ["test", "rules", path], folder)
    return run.output if run.code else ""
