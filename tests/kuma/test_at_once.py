"""Two at once on one tree, and on one stack from two trees: one after the other, and never a mixture.

`LOOKOUT_SOAK=1` does it fifty times.
"""

import itertools
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generator import kuma
from generator.artifact import Artifact
from generator.pipeline import compile_text
from generator.store.plan import plan_tree, write_plan
from tests.kuma.desk import Desk
from tests.kuma.fake_kuma import FakeKuma
from tests.support.cut_off import Files, render, snapshot
from tests.support.soak import size

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = size(10, 50)
BEFORE: Files = {f"r/{n}.yml": "1\n" for n in range(40)} | {"both.yml": "1\n"}
ONE: Files = {f"r/{n}.yml": "2\n" for n in range(20)} | {"both.yml": "2\n", "one/a.yml": "2\n"}
TWO: Files = {f"r/{n}.yml": "3\n" for n in range(10, 40)} | {"both.yml": "1\n", "two/a.yml": "3\n"}
SERVICES = (
    "services:\n  site: {{kind: probe, targets: [https://{name}.example.org], url: https://{name}.example.org}}\n"
)


def test_two_renders_at_once_leave_one_of_the_two_trees(tmp_path: Path) -> None:
    for name, files in (("one", ONE), ("two", TWO)):
        render(tmp_path / name, files)
    right = {name: snapshot(tmp_path / name) for name in ("one", "two")}
    chance = random.Random(3)
    table: Counter[tuple[str, str]] = Counter()
    for number in range(ROUNDS):
        root = tmp_path / f"tree-{number}"
        render(root, BEFORE)
        children = []
        for files in (ONE, TWO):
            if (child := os.fork()) == 0:
                code = 1
                try:
                    render(root, files)
                    code = 0
                finally:
                    os._exit(code)
            children.append(child)
            time.sleep(chance.uniform(0, 0.01))
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        now = snapshot(root)
        table[str(codes), next((name for name in right if now == right[name]), "mixed")] += 1
    print(f"{ROUNDS} times two renders at once: {dict(table)}")
    assert set(table) <= {("[0, 0]", "one"), ("[0, 0]", "two")}


def test_two_threads_that_plan_before_either_writes(tmp_path: Path) -> None:
    """The plans are made without a lock, both on the tree as it was: the second is made again."""
    render(tmp_path / "tree", BEFORE)
    render(tmp_path / "two", TWO)
    plans = [plan_tree([Artifact(*each) for each in files.items()], tmp_path / "tree") for files in (ONE, TWO)]
    for plan in plans:
        write_plan(plan)
    assert snapshot(tmp_path / "tree") == snapshot(tmp_path / "two")


def test_two_reconcilers_of_one_uptime_kuma_make_each_monitor_once(tmp_path: Path) -> None:
    for number in range(ROUNDS):
        (tmp_path / str(number)).mkdir()
        with FakeKuma() as server:
            desk = Desk(tmp_path / str(number), server)
            desk.plan()
            failed: list[BaseException] = []

            def reconcile(url: str = server.url, at: Desk = desk, errors: list[BaseException] = failed) -> None:
                try:
                    kuma.apply(url, at.secrets, at.file)
                except BaseException as error:
                    errors.append(error)

            threads = [threading.Thread(target=reconcile) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert failed == []
            assert len(server.monitors) == len(desk.content["monitors"])
            assert desk.apply().plan.changes == ()


class Applier:
    """One of the two processes."""

    def __init__(self, log: Path) -> None:
        environment = {**os.environ, "COMPOSE_PROJECT_NAME": f"at-once-{os.getpid()}"}
        command = (sys.executable, "-m", "tests.kuma.applying", str(log))
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip

    def begin(self, *words: object) -> None:
        assert self.process.stdin
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()

    def end(self) -> None:
        self.process.communicate(timeout=30)


@pytest.fixture
def appliers(tmp_path: Path) -> Iterator[list[Applier]]:
    started = [Applier(tmp_path / "log") for _ in range(2)]
    for each in started:
        assert each.line() == "ready\n"
    yield started
    for each in started:
        each.end()


def test_two_applies_at_once_follow_one_after_the_other(tmp_path: Path, appliers: list[Applier]) -> None:
    """From one tree with two files, and from two trees, on one compose project and one Uptime Kuma."""
    files = {name: SERVICES.format(name=name) for name in ("one", "two")}
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    right: dict[str, Files] = {
        name: {a.path: a.content for a in compile_text(text, str(tmp_path / f"{name}.yaml")).artifacts}
        for name, text in files.items()
    }
    waited = 0
    for number in range(ROUNDS):
        trees = [tmp_path / f"tree-{number}", tmp_path / f"tree-{number}{'-b' if number % 2 else ''}"]
        with FakeKuma() as server:
            for tree in trees:
                (tree / "secrets").mkdir(parents=True, exist_ok=True)
                (tree / "secrets/kuma_admin_password").write_text("correct-Horse-7-battery\n")
            for applier, tree, name in zip(appliers, trees, files, strict=True):
                applier.begin(tree, tmp_path / f"{name}.yaml", server.url.rpartition(":")[2])
            answers: list[dict[str, Any]] = [json.loads(applier.line()) for applier in appliers]
            assert [answer["codes"] for answer in answers] == [[], []]
            waited += sum("waiting: process" in line for answer in answers for line in answer["said"])
            for tree in trees:
                assert _rendered(tree) in right.values(), "a mixed tree"
            keys = Counter(str(monitor["description"]) for monitor in server.monitors.values())
            assert keys and set(keys.values()) == {1}, "a monitor was made twice"
            # The last one of a tree of its own file; a later apply finds nothing to do.
            monitors = trees[0] / "uptime-kuma/monitors.json"
            kuma.apply(server.url, trees[0] / "secrets", monitors)
            assert kuma.apply(server.url, trees[0] / "secrets", monitors).plan.changes == ()
    ups = sorted(tuple(map(float, line.split())) for line in (tmp_path / "log").read_text().splitlines())
    assert len(ups) == 2 * ROUNDS
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(ups)), "two ran compose at once"
    print(f"{ROUNDS} times two applies at once: 0 mixed trees, 0 doubled monitors; {waited} waited and said so")
    assert waited > ROUNDS // 2


def _rendered(tree: Path) -> Files:
    """All that is in the tree but secrets and the lock."""
    return {
        str(path.relative_to(tree)): path.read_text()
        for path in tree.rglob("*")
        if path.is_file() and path.relative_to(tree).parts[0] not in ("secrets", "generated.lock")
    }
