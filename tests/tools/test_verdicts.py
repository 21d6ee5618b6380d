"""What is remembered of proofs: that one held, for exactly what was tried, and never that one held which did not."""

import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from generator.artifact import Artifact
from generator.check import checkers
from generator.check.checkers import CheckedTree
from generator.clients import tools
from generator.packs import load_packs
from generator.prove import proving, verdicts
from generator.prove.proofs import render_proofs
from generator.prove.proving import Trial, run_trials
from generator.prove.verdicts import VARIABLE, Verdicts
from generator.render.prometheus.rules import render_rules
from tests.packs.proving import break_site, change_severity, sample_site
from tests.support import tools as ours

RULES: Final = "groups:\n  - name: g\n    rules:\n      - alert: Mine\n        expr: a > %s\n"
PROOF: Final = """rule_files: [x]
evaluation_interval: 1m
tests:
  - name: Mine
    interval: 1m
    input_series: [{"series": "a", "values": "5x5"}]
    alert_rule_test:
      - {"eval_time": "2m", "alertname": "Mine", "exp_alerts": [{}]}
"""
HOLDS: Final = Trial("holds", RULES % 4, PROOF)
FAILS: Final = Trial("fails", RULES % 6, PROOF)
BROKEN: Final = Trial("broken", RULES % "(", PROOF)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The arguments of every promtool that runs from now on."""
    ours.tool("promtool")
    seen: list[Sequence[str]] = []

    def counted(name: str, arguments: Sequence[str], *rest: Any) -> tools.ToolRun:
        seen.append(arguments)
        return tools.run_tool(name, arguments, *rest)

    monkeypatch.setattr(proving, "run_tool", counted)
    return seen


def tried(trial: Trial, kept: Verdicts, tmp_path: Path) -> str:
    return run_trials([trial], tmp_path, verdicts=kept).get(trial.name, "")


def entries(kept: Verdicts) -> list[Path]:
    return sorted(kept.folder.iterdir()) if kept.folder.is_dir() else []


def test_each_file_of_a_batch_has_its_own_outcome_of_one_run(runs: list[Sequence[str]], tmp_path: Path) -> None:
    trials = [HOLDS, BROKEN, FAILS, Trial("holds too", HOLDS.rules, HOLDS.proof)]
    complaints = run_trials(trials, tmp_path)
    assert complaints.keys() == {"broken", "fails"}
    assert "parse error" in complaints["broken"]
    assert "alertname: Mine, time: 2m" in complaints["fails"]
    assert len(runs) == 1


def test_a_proof_that_held_is_not_run_again(runs: list[Sequence[str]], tmp_path: Path) -> None:
    kept = Verdicts(tmp_path / "kept")
    assert [tried(HOLDS, kept, tmp_path) for _ in range(3)] == ["", "", ""]
    assert len(runs) == 1


@pytest.mark.parametrize("trial", [FAILS, BROKEN], ids=lambda trial: trial.name)
def test_a_proof_that_does_not_hold_is_not_remembered(trial: Trial, runs: list[Sequence[str]], tmp_path: Path) -> None:
    kept = Verdicts(tmp_path / "kept")
    assert all(tried(trial, kept, tmp_path) for _ in range(2))
    assert entries(kept) == []
    assert len(runs) == 2


def test_failures_are_remembered_as_failures_where_that_is_asked_for(runs: list[Sequence[str]], tmp_path: Path) -> None:
    kept = Verdicts(tmp_path / "kept", failures=True)
    first = tried(FAILS, kept, tmp_path)
    assert first == tried(FAILS, kept, tmp_path) != ""
    assert len(runs) == 1
    assert tried(FAILS, Verdicts(kept.folder), tmp_path) == first, "and count for no one else"
    assert len(runs) == 2
    assert tried(BROKEN, kept, tmp_path) == tried(BROKEN, kept, tmp_path)


@pytest.mark.parametrize(
    "other",
    [
        Trial("holds", HOLDS.rules.replace("4", "4.5"), PROOF),
        Trial("holds", HOLDS.rules, PROOF.replace("5x5", "5x6")),
        Trial("holds", HOLDS.rules + "#", PROOF),
    ],
    ids=["another rule", "another proof", "another comment"],
)
def test_what_held_says_nothing_of_anything_else(other: Trial, runs: list[Sequence[str]], tmp_path: Path) -> None:
    kept = Verdicts(tmp_path / "kept")
    tried(HOLDS, kept, tmp_path)
    assert kept.said(other.rules, other.proof) is None
    tried(other, kept, tmp_path)
    assert len(runs) == 2


def test_an_entry_stands_for_nothing_under_another_name(tmp_path: Path) -> None:
    kept = Verdicts(tmp_path / "kept", failures=True)
    kept.remember(HOLDS.rules, HOLDS.proof, "")
    (held,) = entries(kept)
    kept.remember(FAILS.rules, FAILS.proof, "no")
    (failed,) = set(entries(kept)) - {held}
    for text in (held.read_text(), "", "{}", "[]", '{"verdict_of": 1, "said": ""}', '{"said": ""}'):
        failed.write_text(text)
        assert kept.said(FAILS.rules, FAILS.proof) is None, text
    whole = json.loads(held.read_text())
    held.write_text(json.dumps({**whole, "said": None}))
    assert kept.said(HOLDS.rules, HOLDS.proof) is None


def test_another_promtool_tries_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = Verdicts(tmp_path / "kept")
    copies = [tmp_path / "promtool-1" / "promtool", tmp_path / "promtool-2" / "promtool"]
    for copy in copies:
        copy.parent.mkdir()
        copy.write_text("#!/bin/sh\n")
        os.utime(copy, (1, 1))
    monkeypatch.setattr(verdicts, "tool_path", lambda name: copies[0])
    kept.remember("rules", "proof", "")
    assert kept.said("rules", "proof") == ""
    copies[0].write_text("#!/bin/bash\n")
    assert kept.said("rules", "proof") is None, "built again, under the same version"
    monkeypatch.setattr(verdicts, "tool_path", lambda name: copies[1])
    assert kept.said("rules", "proof") is None, "another version"


def test_other_code_of_ours_tries_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = Verdicts(tmp_path / "kept")
    kept.remember("rules", "proof", "")
    monkeypatch.setattr(verdicts, "_code", lambda: "what runs proofs was edited")
    assert kept.said("rules", "proof") is None


@pytest.mark.parametrize(
    "script",
    ["kill -9 $$", "echo out of memory >&2; exit 2", "exit 0", "echo '  SUCCESS'; exit 1", "echo '  FAILED:'"],
)
def test_a_promtool_that_ends_otherwise_is_a_complaint_and_no_verdict(
    script: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "promtool"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    for module in (tools, verdicts):
        monkeypatch.setattr(module, "tool_path", lambda name: program)
    kept = Verdicts(tmp_path / "kept", failures=True)
    assert "promtool ended with" in tried(HOLDS, kept, tmp_path)
    assert entries(kept) == []


def test_what_nothing_asked_for_in_a_month_is_swept_away(tmp_path: Path) -> None:
    kept = Verdicts(tmp_path / "kept")
    kept.remember("used", "proof", "")
    (used,) = entries(kept)
    kept.remember("unused", "proof", "")
    (unused,) = set(entries(kept)) - {used}
    for path, days in ((used, 29), (unused, 31)):
        os.utime(path, (time.time() - days * 86400,) * 2)
    assert kept.said("used", "proof") == ""
    kept.sweep()
    assert entries(kept) == [used]
    assert time.time() - used.stat().st_mtime < 3600, "reading it keeps it"


# --- check --------------------------------------------------------------------------------------------------


def tree_of(folder: Path, wrong: bool) -> CheckedTree:
    """The sample service of a small pack, with rules that are right or wrong."""
    site = sample_site(load_packs()["bugsink"])
    loaded = break_site(site, change_severity) if wrong else site
    rules = render_rules(loaded)
    proofs = [each for each in render_proofs(site) if each.path.endswith(".yml")]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    named: dict[str, Artifact] = {each.path: each for each in (*rules, *proofs)}
    return CheckedTree(folder, loaded, named)


def test_check_never_remembers_a_proof_that_fails_as_one_that_held(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runs: list[Sequence[str]]
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "proven"))
    for _ in range(2):
        found = checkers.check_proofs(tree_of(tmp_path / "tree", wrong=True))
        assert {each.code for each in found} == {"check/proof"}
        assert len(found) == 2
    assert entries(Verdicts(tmp_path / "proven")) == []
    assert checkers.check_proofs(tree_of(tmp_path / "tree", wrong=False)) == []
    assert len(entries(Verdicts(tmp_path / "proven"))) == 2
    assert len(runs) == 3
    assert checkers.check_proofs(tree_of(tmp_path / "tree", wrong=False)) == []
    assert len(runs) == 3
    assert len(checkers.check_proofs(tree_of(tmp_path / "tree", wrong=True))) == 2


def test_tests_leave_what_a_user_has_proven_alone() -> None:
    assert verdicts.proven_folder() != verdicts._USUAL
    assert not verdicts.proven_folder().is_relative_to(Path(__file__).parents[2])
