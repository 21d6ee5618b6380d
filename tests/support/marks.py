"""`make marks`: which proofs of the rules as they are by default hold, for generator/prove/marks.txt.

Owns which sites those are: the committed services.yaml, a service of each kind alone, and a mix of nearly all packs. A
mark is written once promtool has run its proof to the end; tests/packs/test_marks.py runs them again.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from generator.check.checkers import CheckedTree, trial_of
from generator.pipeline import compile_text
from generator.prove.proving import Trial, run_trials
from generator.prove.verdicts import SHIPPED, mark_of
from tests.bench.sites import FULL, services_yaml
from tests.support.kinds import KINDS, service_line
from tests.support.verdicts import VERDICTS

REPOSITORY: Final = Path(__file__).resolve().parents[2]
HEAD: Final = (
    "# Proofs that hold as they are by default, a mark a line. Written by `make marks`, run again by its test.\n"
)


def texts() -> Iterator[str]:
    """A services.yaml for each of the sites."""
    yield (REPOSITORY / "services.yaml").read_text(encoding="utf-8")
    yield "people: {ana: {}}\nservices:\n" + "".join(
        service_line(f"one{kind.replace('-', '')}", kind) for kind in KINDS
    )
    yield services_yaml(len(FULL), FULL)


def default_trials() -> Mapping[str, Trial]:
    """All proofs of those sites by their marks."""
    found: dict[str, Trial] = {}
    for number, text in enumerate(texts()):
        compiled = compile_text(text, "services.yaml")
        tree = CheckedTree(Path(), compiled.site, {each.path: each for each in compiled.artifacts})
        for path in tree.paths("prometheus/proofs/", ".yml"):
            trial = trial_of(tree, path)
            trial = Trial(f"{number}-{trial.name}", trial.rules, trial.proof, trial.names)
            found.setdefault(mark_of(*trial.nameless()), trial)
    return found


def complaints(trials: Mapping[str, Trial]) -> dict[str, str]:
    """What promtool says of those that do not hold."""
    with tempfile.TemporaryDirectory(prefix="lookout-marks-") as folder:
        return run_trials(trials.values(), Path(folder), verdicts=VERDICTS)


if __name__ == "__main__":
    proven = default_trials()
    if said := complaints(proven):
        sys.exit("\n".join(f"{name}:\n{text}" for name, text in said.items()))
    SHIPPED.write_text(HEAD + "".join(f"{mark}\n" for mark in sorted(proven)), encoding="utf-8")
    print(f"{len(proven)} marks")
