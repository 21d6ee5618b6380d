"""How far a slow verb is: one line redrawn in place on a terminal, plain lines elsewhere, nothing for machines."""

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from generator.check import checkers
from generator.check.checkers import CheckedTree, check_proofs
from generator.pipeline import compile_text
from generator.prove.proving import Trial
from generator.prove.verdicts import Verdicts
from generator.units import how_far
from generator.verbs import progress
from generator.verbs.progress import Progress
from tests.support.terminal import all_of

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PROGRAM: Final = """
import time
from generator.verbs.progress import Progress
with Progress(silent=False) as shown:
    shown.say("prometheus: ok")
    shown.passing("proofs: 1 of 3, about 20 s left")
    time.sleep(0.3)
    shown.passing("proofs: 2 of 3, about 10 s left")
    time.sleep(0.3)
    shown.say("proofs: ok")
"""


@pytest.mark.parametrize(
    ("done", "total", "seconds", "said"),
    [
        (7, 17, 252, "7 of 17, about 6 min left"),
        (1, 2, 4, "1 of 2, about 10 s left"),
        (50, 100, 42, "50 of 100, about 40 s left"),
        (1, 100, 1, "1 of 100, about 2 min left"),
    ],
)
def test_what_is_left_is_said_in_words(done: int, total: int, seconds: float, said: str) -> None:
    assert how_far(done, total, seconds) == said


def test_a_line_that_passes_is_redrawn_in_place_on_a_terminal() -> None:
    ours, theirs = pty.openpty()
    run = subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=theirs,
                           env={**os.environ, "TERM": "xterm", "PYTHONPATH": str(REPOSITORY)})  # fmt: skip
    os.close(theirs)
    shown = all_of(ours)
    out, _ = run.communicate(timeout=30)
    assert (run.returncode, out) == (0, b"")
    assert b"1 of 3, about 20 s left" in shown and b"2 of 3, about 10 s left" in shown
    assert b"\x1b[2K" in shown, "the line is cleared before the next"
    assert shown.count(b"prometheus: ok") == shown.count(b"proofs: ok") == 1


def test_without_a_terminal_a_line_is_printed_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(silent=False) as shown:
        shown.passing("1 of 3")
        monkeypatch.setattr(progress, "PAUSE", 0.0)
        shown.passing("2 of 3")
        shown.say("ok")
    assert capsys.readouterr() == ("", "  2 of 3\n  ok\n")


def test_a_machine_gets_no_progress(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    with Progress(silent=True) as shown:
        shown.passing("1 of 3")
        shown.say("ok")
    assert capsys.readouterr() == ("", "")


def test_proofs_say_how_many_are_left_of_those_that_are_not_remembered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run_trials(trials: object, folder: Path, say: object, verdicts: Verdicts) -> dict[str, str]:
        for done in (6, 10, 16):
            say(done)  # type: ignore[operator]
        return {}

    compiled = compile_text("services: {site: {kind: probe, targets: ['https://acme.dev']}}\n", "services.yaml")
    monkeypatch.setenv("LOOKOUT_PROVEN", str(tmp_path / "proven"))
    monkeypatch.setattr(checkers, "run_trials", run_trials)
    monkeypatch.setattr(checkers, "_proven_by", lambda tree, path: (Trial(path, "", ""), []))
    monkeypatch.setattr(checkers, "_stand_in_file", lambda tree, path, rules: True)
    said: list[str] = []
    artifacts = {each.path: each for each in compiled.artifacts}
    proofs = {f"prometheus/proofs/{number}.yml": next(iter(artifacts.values())) for number in range(16)}
    assert check_proofs(CheckedTree(tmp_path, compiled.site, proofs, said.append)) == []
    assert said == ["proofs: 4 of 10, about 10 s left"]
