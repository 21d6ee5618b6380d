"""How fast the compiler is, and that its time grows in line with the site.

An aim is for one run and all of it, the interpreter's start, imports and writing included; whether it is met is printed
in its row. What is enforced beside it is wider, so that a slow machine does not fail a change that made nothing slower.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from generator.check import checkers
from generator.check.checkers import Tree
from generator.pipeline import Compiled, compile_text
from generator.prove.verdicts import VARIABLE, proven_folder
from tests.bench.conftest import Show
from tests.bench.sites import FULL, PLAIN, services_yaml
from tests.support.soak import SOAK
from tests.support.tables import Aim, table

ROOT = Path(__file__).resolve().parents[2]
SIZES = (10, 100, 1000) if SOAK else (10, 100)
# Seconds of CPU from the start of the program to the last file, and of those what lies between text and artefacts.
AIMS = {10: 1.0, 100: 1.0, 1000: 10.0}
WORK_BOUNDS = {10: 2.0, 100: 2.0, 1000: 20.0}
# Seconds on the clock, which is what one waits for; and of CPU, whatever the number of services.
PROVING_AIMS = {20: 10.0, 100: 30.0}
PROVING_BOUND = 40.0
MIXES = {"what every small product has": PLAIN, "nearly all packs": FULL}


def measured(count: int, *words: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.render", str(count), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def work(row: dict[str, float]) -> float:
    """CPU seconds from the text to the artefacts."""
    return row["resolve"] + row["render"]


def test_rendering_is_quick_and_linear(show: Show) -> None:
    plain = [measured(count) for count in SIZES]
    full = measured(SIZES[-1], "full")
    stages = ("import", "resolve", "render", "write")
    rows = []
    for row in (*plain, full):
        counts = f"{row['services']:,.0f}", "nearly all" if row is full else "few", f"{row['alerts']:,.0f}"
        parts = [f"{row[stage]:.2f}" for stage in stages]
        aim = Aim(row["total"], AIMS[int(row["services"])]).cells()
        aim = (aim[0], "none", "") if row is full else aim
        rest = f"{row['wall']:.2f} s", f"{row['peak_mib']:.0f} MiB"
        rows.append((*counts, f"{row['files']:,.0f}", *parts, *aim, *rest))
    head = ("services", "packs", "alerts", "files", *stages, "all", "aim", "", "on the clock", "peak memory")
    show("rendering", table(head, rows))
    for row in plain:
        assert work(row) <= WORK_BOUNDS[int(row["services"])], row
    small, large = plain[-2], plain[-1]
    assert work(large) / work(small) <= 2 * large["services"] / small["services"], (
        "time must grow in line with the site"
    )


def cpu_seconds() -> float:
    """Of this process and of all that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def remembered() -> int:
    """How many proofs have held so far."""
    return len([*proven_folder().iterdir()]) if proven_folder().is_dir() else 0


def prove(compiled: Compiled, folder: Path) -> tuple[int, float, float]:
    """How many proofs are run that nothing remembers, what they take of CPU, and on the clock."""
    folder.mkdir()
    tree = Tree(folder, compiled.site, {artifact.path: artifact for artifact in compiled.artifacts})
    before, cpu, clock = remembered(), cpu_seconds(), time.monotonic()
    assert checkers.check_proofs(tree) == []
    return remembered() - before, cpu_seconds() - cpu, time.monotonic() - clock


def test_proving_a_site(show: Show, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule is proven once, however many services have it: what proves 20 of them proves 100."""
    rows = []
    for number, (title, mix) in enumerate(MIXES.items()):
        for count, aim in PROVING_AIMS.items():
            # In `make soak` each of them begins with nothing proven.
            monkeypatch.setenv(VARIABLE, str(tmp_path / f"proven-{number}-{count if SOAK else ''}"))
            compiled = compile_text(services_yaml(count, mix), "services.yaml")
            run, cpu, clock = prove(compiled, tmp_path / f"{number}-{count}")
            names = [each.path for each in compiled.artifacts if each.path.startswith("prometheus/proofs/")]
            proofs = len([name for name in names if name.endswith(".yml")])
            assert run == proofs if SOAK or count == min(PROVING_AIMS) else run == 0
            figures = f"{len(compiled.site.alerts):,}", f"{proofs}, {run} of them run", f"{cpu:.1f} s"
            rows.append((f"{count}", title, *figures, *Aim(clock, aim).cells()))
            assert cpu <= PROVING_BOUND
    head = ("services", "kinds", "alerts", "proofs", "CPU", "on the clock", "aim", "")
    show("proving", table(head, rows))
