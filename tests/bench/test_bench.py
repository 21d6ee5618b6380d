"""How fast the compiler is, and that its time grows in line with the site.

An aim is for one run and all of it, the interpreter's start, imports and writing included; whether it is met is printed
in its row. What is enforced beside it is wider, so that a slow machine does not fail a change that made nothing slower.
"""

import itertools
import json
import math
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from generator.check import checkers
from generator.check.checkers import CheckedTree
from generator.pipeline import Compiled, compile_text
from generator.prove.verdicts import VARIABLE, proven_folder
from tests.bench.conftest import Show
from tests.bench.sites import FULL, PLAIN, services_yaml
from tests.support.soak import SOAK
from tests.support.tables import Aim, table

ROOT = Path(__file__).resolve().parents[2]
SIZES = (10, 100, 1000, 10_000) if SOAK else (10, 100, 1000)
# Seconds of CPU from the start of the program to the last file; and what may lie between text and artefacts, or in all.
AIMS = {10: 1.0, 100: 1.0, 1000: 10.0, 10_000: 40.0}
WORK_BOUNDS = {10: 2.0, 100: 2.0, 1000: 20.0, 10_000: 60.0}
BOUNDS = {10_000: 60.0}
# What a service more may take beyond what it takes in a site of a tenth, in `make soak`.
MARGIN = 1.1
# Seconds on the clock, which is what one waits for; and of CPU, whatever the number of services.
PROVING_AIMS = {20: 10.0, 100: 30.0}
PROVING_BOUND = 40.0
# CPU seconds of a render that changes nothing; seconds on the clock of a check.
UNCHANGED_AIM, UNCHANGED_BOUND = 0.5, 1.5
CHECK_AIMS = {"cold": 10.0, "warm": 2.0}
MIXES = {"what every small product has": PLAIN, "nearly all packs": FULL}


def measured(count: int, *words: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.render", str(count), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def marginal(small: dict[str, float], large: dict[str, float]) -> float:
    """Milliseconds that a service more takes, from the text to the artefacts."""
    return 1000 * (large["compile"] - small["compile"]) / (large["services"] - small["services"])


def test_rendering_is_quick_and_linear(show: Show) -> None:
    measured(1)  # after an update, Python compiles Lookout's modules once
    plain = [measured(count) for count in SIZES]
    full = measured(100, "full")
    stages = ("import", "compile", "write")
    rows = []
    more = {id(large): f"{marginal(small, large):.2f} ms" for small, large in itertools.pairwise(plain)}
    for row in (*plain, full):
        counts = f"{row['services']:,.0f}", "nearly all" if row is full else "few", f"{row['alerts']:,.0f}"
        parts = [f"{row[stage]:.2f}" for stage in stages]
        aim = Aim(row["total"], AIMS[int(row["services"])]).cells()
        aim = (aim[0], "none", "") if row is full else aim
        rest = more.get(id(row), ""), f"{row['wall']:.2f} s", f"{row['peak_mib']:.0f} MiB"
        rows.append((*counts, f"{row['files']:,.0f}", *parts, *aim, *rest))
    head = (
        "services",
        "packs",
        "alerts",
        "files",
        *stages,
        "all",
        "aim",
        "",
        "a service more",
        "on the clock",
        "memory",
    )
    show("rendering", table(head, rows))
    for row in plain:
        assert row["compile"] <= WORK_BOUNDS[int(row["services"])], row
        assert row["total"] <= BOUNDS.get(int(row["services"]), math.inf), row
    small, large = plain[-2], plain[-1]
    assert large["compile"] / small["compile"] <= 2 * large["services"] / small["services"], (
        "time must grow in line with the site"
    )
    if SOAK:
        assert marginal(small, large) <= MARGIN * marginal(plain[-3], small)


def command(folder: Path, *words: str) -> float:
    """CPU seconds of one command over the services.yaml in `folder`, its tools included."""
    before = cpu_seconds()
    done = subprocess.run([ROOT / "lookout", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return cpu_seconds() - before


def test_a_render_without_news_is_quick(show: Show, tmp_path: Path) -> None:
    (tmp_path / "services.yaml").write_text(services_yaml(10))
    first = command(tmp_path, "render")
    again = min(command(tmp_path, "render") for _ in range(3))
    rows = [("first", f"{first:.2f} s", "none", ""), ("again", *Aim(again, UNCHANGED_AIM).cells())]
    show("unchanged", table(("`./lookout render`, 10 services", "CPU", "aim", ""), rows))
    assert again <= UNCHANGED_BOUND


def test_a_check_is_quick(show: Show, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 20 services with nearly all packs: with nothing proven on this machine, and the next one."""
    (tmp_path / "services.yaml").write_text(services_yaml(20, FULL))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "proven"))
    rows = []
    for title, aim in CHECK_AIMS.items():
        began = time.monotonic()
        cpu = command(tmp_path, "check")
        rows.append((title, f"{cpu:.1f} s", *Aim(time.monotonic() - began, aim).cells()))
        assert cpu <= PROVING_BOUND
    show("checking", table(("`./lookout check`, 20 services", "CPU", "on the clock", "aim", ""), rows))


def cpu_seconds() -> float:
    """Of this process and of all that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def remembered() -> int:
    """How many proofs have held so far."""
    return len([*proven_folder().iterdir()]) if proven_folder().is_dir() else 0


def prove(compiled: Compiled, folder: Path) -> tuple[dict[tuple[str, str], str], int, float, float]:
    """The proofs that differ in more than names, by what is left without them; how many are run that nothing
    remembers, CPU, and on the clock."""
    folder.mkdir()
    tree = CheckedTree(folder, compiled.site, {artifact.path: artifact for artifact in compiled.artifacts})
    distinct = {checkers.trial_of(tree, path).nameless(): path for path in tree.paths("prometheus/proofs/", ".yml")}
    before, cpu, clock = remembered(), cpu_seconds(), time.monotonic()
    assert checkers.check_proofs(tree) == []
    return distinct, remembered() - before, cpu_seconds() - cpu, time.monotonic() - clock


def test_proving_a_site(show: Show, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule is proven once, however many services have it: what proves 20 of them proves 100. Only rules of the stack
    and of a host that name the owner of each service are others in a larger site."""
    # As if nothing had come proven with Lookout.
    monkeypatch.setattr(checkers, "shipped_marks", frozenset)
    rows = []
    for number, (title, mix) in enumerate(MIXES.items()):
        known: set[tuple[str, str]] = set()
        for count, aim in PROVING_AIMS.items():
            # In `make soak` each of them begins with nothing proven.
            monkeypatch.setenv(VARIABLE, str(tmp_path / f"proven-{number}-{count if SOAK else ''}"))
            compiled = compile_text(services_yaml(count, mix), "services.yaml")
            distinct, run, cpu, clock = prove(compiled, tmp_path / f"{number}-{count}")
            names = [each.path for each in compiled.artifacts if each.path.startswith("prometheus/proofs/")]
            proofs = len([name for name in names if name.endswith(".yml")])
            new = {text: path for text, path in distinct.items() if text not in known}
            assert run == len(distinct if SOAK else new)
            if known:
                assert {path.split("/")[2] for path in new.values()} <= {"lookout", "server"}
            known |= new.keys()
            figures = f"{len(compiled.site.alerts):,}", f"{proofs}, {run} of them run", f"{cpu:.1f} s"
            rows.append((f"{count}", title, *figures, *Aim(clock, aim).cells()))
            assert cpu <= PROVING_BOUND
    head = ("services", "kinds", "alerts", "proofs", "CPU", "on the clock", "aim", "")
    show("proving", table(head, rows))
