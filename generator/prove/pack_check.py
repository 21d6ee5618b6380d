"""All that guards one pack, in one go: its contract, its panels, its proofs, and whether these can fail.

Owns the order: what a later step needs is sound before it begins. It prints nothing; `CheckStep`s go to the caller.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.diagnostics import Diagnostic, sort_diagnostics
from generator.packs import Pack
from generator.packs.contract import check_pack
from generator.packs.sample import sample_instance, site_of
from generator.prove.dashboards import check_dashboards, judge_queries
from generator.prove.failures import describe
from generator.prove.mutants import judge
from generator.prove.proofs import proof_phases, render_proofs
from generator.prove.proving import Trial, cut_rules, run_trials
from generator.prove.scores import Score
from generator.prove.verdicts import Verdicts
from generator.render.grafana.dashboards import render_dashboards
from generator.render.grafana.provisioning import render_provisioning

TrialProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class CheckStep:
    """What one step found: in a few words, and as problems."""

    name: str
    said: str
    problems: tuple[Diagnostic, ...]


def steps_of(pack: Pack, progress: TrialProgress, verdicts: Verdicts | None = None) -> Iterator[CheckStep]:
    """The steps, each after the one before has found nothing. Raises ToolMissing without promtool."""
    for check in _STEPS:
        step = check(pack, progress, verdicts)
        yield step
        if step.problems:
            return


def _contract(pack: Pack, _progress: TrialProgress, _verdicts: Verdicts | None) -> CheckStep:
    problems = check_pack(pack)
    return CheckStep("contract", "kept", problems)


def _panels(pack: Pack, _progress: TrialProgress, _verdicts: Verdicts | None) -> CheckStep:
    """The rules of dashboards, and promtool over all queries at once, for those of the sample service."""
    service, _ = sample_instance(pack)
    site = site_of(service)
    files = {each.path: each.content for each in (*render_dashboards(site), *render_provisioning(site))}
    problems = check_dashboards(files, site) or _queries(pack, files)
    panels = sum(len(row.panels) for each in service.packs for row in each.rows)
    return CheckStep("panels", f"{panels} good", sort_diagnostics(problems))


def _queries(pack: Pack, files: Mapping[str, str]) -> list[Diagnostic]:
    with tempfile.TemporaryDirectory(prefix="lookout-panels-") as folder:
        run = judge_queries(files, Path(folder))
    if run.code == 0:
        return []
    message = "promtool does not take a query of a panel"
    notes = tuple(line.strip() for line in run.output.splitlines() if line.strip())
    return [Diagnostic("check/dashboard", message, pack.span("panels.yaml"), notes=notes)]


def _proofs(pack: Pack, progress: TrialProgress, verdicts: Verdicts | None) -> CheckStep:
    service, instance = sample_instance(pack)
    site = site_of(service)
    trials = [
        Trial(name, cut_rules(instance, name), proof.content)
        for proof in render_proofs(site)
        if proof.path.endswith(".yml")
        for name in (Path(proof.path).stem,)
    ]
    with tempfile.TemporaryDirectory(prefix="lookout-pack-") as folder:
        said = run_trials(trials, Path(folder), lambda done: progress(done, len(trials)), verdicts)
    phases = proof_phases(service, instance, site.stack)
    problems = [describe(pack, alert, text, phases[alert]) for alert, text in said.items()]
    return CheckStep("proofs", f"{len(trials)} hold", sort_diagnostics(problems))


def _mutants(pack: Pack, progress: TrialProgress, verdicts: Verdicts | None) -> CheckStep:
    (score,) = judge([pack], progress=progress, verdicts=verdicts)
    said = f"{score.killed} of {score.mutants - score.equivalent} noticed"
    return CheckStep("mutants", said, sort_diagnostics(_survivors(pack, score)))


def _survivors(pack: Pack, score: Score) -> Iterator[Diagnostic]:
    for mutant in score.survivors:
        message = f"{mutant.alert.name}: no proof notices '{mutant.name}'"
        notes = [f"the wrong rule: {' '.join(mutant.alert.expr.split())}"]
        yield Diagnostic("pack/survivor", message, pack.lines[mutant.alert.name], notes=tuple(notes))
    for name in score.idle:
        message = f"`equivalent` names what a proof notices, or nothing: {name}"
        yield Diagnostic("pack/survivor", message, pack.span("tests.yaml"))


_STEPS: Final = (_contract, _panels, _proofs, _mutants)
