"""`lookout check-pack KIND`: the contract, panels, proofs and mutants of one pack.

Owns what is shown while it runs; the steps are of generator.prove.pack_check.
"""

from collections.abc import Callable
from time import monotonic
from typing import Final

from generator.diagnostics import Diagnostic, Problems, did_you_mean
from generator.packs import load_packs
from generator.prove.pack_check import TrialProgress, steps_of
from generator.prove.verdicts import Verdicts, proven_folder

# A line of progress no more often than that.
_EVERY_SECONDS: Final = 5.0


def check_pack_verb(kind: str, say: Callable[[str], None]) -> tuple[Diagnostic, ...]:
    """What is wrong with the pack. Raises Problems for a kind that there is not."""
    packs = load_packs()
    if kind not in packs:
        raise Problems([Diagnostic("spec/unknown-kind", f"no pack is called '{kind}'", hint=did_you_mean(kind, packs))])
    begun = monotonic()
    for step in steps_of(packs[kind], _progress(say), Verdicts(proven_folder(), failures=True)):
        count = len(step.problems)
        found = f"{count} problem{'s' * (count > 1)}" if count else step.said
        say(f"{step.name}: {found}, {monotonic() - begun:.1f} s")
        begun = monotonic()
        if step.problems:
            return step.problems
    return ()


def _progress(say: Callable[[str], None]) -> TrialProgress:
    """Says how far a long step has come, and about how long the rest takes."""
    begun = shown = monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal begun, shown
        now = monotonic()
        if done == 0:
            begun = shown = now
        elif done < total and now - shown >= _EVERY_SECONDS:
            shown = now
            say(f"{done} of {total}, about {(now - begun) * (total - done) / done:.0f} s left")

    return progress
