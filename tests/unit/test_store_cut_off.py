"""A render that is cut off, wherever that is: the next one ends in exactly the right tree; a user's files stay.

`LOOKOUT_SOAK=1` cuts off each recovery at each of its points as well, and does all of it once more with strace, which
counts system calls and knows nothing of Python.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cut_off import Files, Way, calls_of, cut, render, snapshot
from tests.support.soak import SOAK

ROOT = Path(__file__).resolve().parents[2]

ONE: Files = {
    "prometheus/rules/api/http.yml": "a: 1\n",
    "prometheus/prometheus.yml": "b: 1\n",
    "caddy/Caddyfile": "c\n",
}
# A service more and a threshold changed.
TWO: Files = {
    "prometheus/rules/api/http.yml": "a: 2\n",
    "prometheus/prometheus.yml": "b: 2\n",
    "prometheus/rules/web/probe.yml": "d: 2\n",
    "grafana/dashboards/web.json": "{}\n",
    "caddy/Caddyfile": "c\n",
}
# And once more, before the run that was cut off was made good.
THREE: Files = {
    **TWO,
    "prometheus/rules/web/probe.yml": "d: 3\n",
    "docs/runbooks/web.md": "e\n",
    "caddy/Caddyfile": "f\n",
}
NOTHING: Files = {}

SCENARIOS: dict[str, tuple[Files, Files, Files]] = {
    "the first render": (NOTHING, ONE, ONE),
    "an edit": (ONE, TWO, TWO),
    "an edit, then another one": (ONE, TWO, THREE),
    "an edit, then taken back": (ONE, TWO, ONE),
    "a service removed": (TWO, ONE, ONE),
    "a service removed, then back": (TWO, ONE, TWO),
    "a service removed, then all of it": (TWO, ONE, NOTHING),
}
# What a kernel calls what changes a disk; each is counted for itself.
SYSTEM_CALLS = ("mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat",
                "write", "fchmod", "fchmodat", "?fchmodat2", "fsync", "flock")  # fmt: skip
# A user's own files beside ours, two of them called nearly like drafts.
MINE = {
    "prometheus/custom/mine.yml": "mine\n",
    "prometheus/.prometheus.yml.original": "mine too\n",
    ".lookout-write.txt": "and this\n",
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where that is possible: thousands of renders, each with a file on the disk for certain."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as name:
        yield Path(name)


class Trees:
    """Trees as they have to be, each beside the user's own files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[int, dict[str, tuple[int, bytes]]] = {}

    def start(self, files: Files) -> Path:
        """A tree in which `files` are rendered."""
        root = Path(tempfile.mkdtemp(dir=self._folder)) / "tree"
        for path, text in MINE.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        render(root, files)
        return root

    def right(self, files: Files) -> dict[str, tuple[int, bytes]]:
        """All that is in the tree of `files`."""
        if id(files) not in self._known:
            self._known[id(files)] = snapshot(self.start(files))
        return self._known[id(files)]

    def state(self, root: Path, before: Files, after: Files) -> str:
        """Which tree is there now, whatever a run has left beside it."""
        now = {path: entry for path, entry in snapshot(root).items() if path.split("/")[0] != ".lookout-write"}
        return "old" if now == self.right(before) else "new" if now == self.right(after) else "between"


@pytest.fixture
def trees(folder: Path) -> Trees:
    return Trees(folder)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_render_killed_at_any_point_is_made_good_by_the_next(trees: Trees, name: str) -> None:
    before, after, then = SCENARIOS[name]
    points = calls_of(trees.start(before), after)
    table: Counter[str] = Counter()
    for point in range(1, points + 1):
        root = trees.start(before)
        assert cut(root, after, point, "killed") == "cut off"
        left = trees.state(root, before, after)
        render(root, then)
        assert snapshot(root) == trees.right(then), f"killed at call {point} of {points}, which left it {left}"
        table[left] += 1
    print(f"{name}: {points} points; left old {table['old']}, between {table['between']}, new {table['new']}; "
          f"right after the next render: {points}")  # fmt: skip
    assert table["between"] > 3, "no point was inside a change"
    assert cut(trees.start(before), after, points + 1, "killed") == "done"


@pytest.mark.parametrize("name", ["an edit, then another one", "a service removed, then all of it"])
def test_a_recovery_that_is_killed_too_is_made_good(trees: Trees, name: str) -> None:
    before, after, then = SCENARIOS[name]
    points = calls_of(trees.start(before), after)
    chance = random.Random(7)
    tried: Counter[str] = Counter()
    for first in range(1, points + 1):
        # The recovery and the render after it make at most some calls more than the first render.
        seconds = range(1, points + 30)
        for second in seconds if SOAK else sorted(chance.sample(seconds, 2)):
            root = trees.start(before)
            cut(root, after, first, "killed")
            outcome = cut(root, then, second, "killed")
            render(root, before)
            assert snapshot(root) == trees.right(before), f"killed at call {first}, and its recovery at {second}"
            tried[outcome] += 1
    print(f"{name}: {tried['cut off']} recoveries killed and made good, {tried['done']} done before that")
    assert tried["cut off"] > points


@pytest.mark.parametrize("way", ["one error", "disk full"])
@pytest.mark.parametrize("name", ["the first render", "an edit", "a service removed"])
def test_what_the_disk_refuses_leaves_the_old_tree_or_the_new_one(trees: Trees, name: str, way: Way) -> None:
    before, after, then = SCENARIOS[name]
    points = calls_of(trees.start(before), after)
    table: Counter[tuple[str, str]] = Counter()
    for point in range(1, points + 1):
        root = trees.start(before)
        outcome = cut(root, after, point, way)
        left = trees.state(root, before, after)
        assert (outcome, left) in {("refused", "old"), ("done", "new")}, f"{way} at call {point} of {points}"
        render(root, then)
        assert snapshot(root) == trees.right(then), f"{way} at call {point} of {points}"
        table[outcome, left] += 1
    print(f"{name}, {way}: {points} points; refused with the old tree {table['refused', 'old']}, "
          f"done {table['done', 'new']}")  # fmt: skip
    assert table["refused", "old"] > 10


def test_no_call_that_changes_the_disk_is_left_out(trees: Trees) -> None:
    """Python's audit names each call that opens for writing, renames, removes: as many as are counted here."""
    program = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
        "from tests.support import cut_off as c\n"
        "from tests.unit.test_store_cut_off import ONE, TWO\n"
        "seen = []\n"
        "names = {'os.' + each for each in 'rename remove mkdir rmdir link symlink chmod truncate utime'.split()}\n"
        "def hook(event, words):\n"
        "    if event in names or event == 'open' and words[2] & (os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_RDWR):\n"
        "        seen.append(event)\n"
        "counted = []\n"
        "def act(name, call):\n"
        "    counted.append(name); return call()\n"
        "root = Path(sys.argv[2]); c.render(root, TWO)\n"
        "sys.addaudithook(hook)\n"
        "with c._wrapped(act): c.render(root, ONE)\n"
        "print(len(seen), len([name for name in counted if name not in ('write', 'fsync')]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(ROOT), str(trees.start(NOTHING))],
                          capture_output=True, text=True, check=True)  # fmt: skip
    audited, counted = done.stdout.split()
    assert int(audited) == int(counted) > 20


if SOAK:  # pragma: no cover

    @pytest.mark.parametrize("name", SCENARIOS)
    def test_strace_kills_it_at_every_changing_system_call(trees: Trees, name: str) -> None:
        before, _, then = SCENARIOS[name]
        program = (
            "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
            "from tests.unit import test_store_cut_off as t; t.render(Path(sys.argv[2]), t.SCENARIOS[sys.argv[3]][1])\n"
        )
        environment: dict[str, Any] = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        table: Counter[str] = Counter()
        for call in SYSTEM_CALLS:
            killed = True
            while killed:
                root = trees.start(before)
                inject = f"inject={call}:signal=KILL:when={table[call] + 1}"
                command = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", inject, sys.executable, "-c", program)
                done = subprocess.run((*command, str(ROOT), str(root), name), env=environment, check=False)
                assert done.returncode in (0, -signal.SIGKILL)
                killed = done.returncode != 0
                render(root, then)
                assert snapshot(root) == trees.right(then), f"killed at {call} number {table[call] + 1}"
                table[call] += killed
        print(f"{name}: killed at {table.total()} system calls ({dict(+table)}), each tree right")
        assert table.total() > 20

    def test_a_file_system_of_any_size_that_is_too_small_leaves_nothing_by_halves(tmp_path: Path) -> None:
        program = (
            "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
            "from tests.support.cut_off import *\n"
            "root = Path(sys.argv[2]); small = {f'r/{n}.yml': 'x' * 3000 for n in range(8)}\n"
            "big = {f'{p[0]}{n}/{n}.yml': 'y' * 9000 for n, p in enumerate(small)}\n"
            "render(root, small); before = snapshot(root)\n"
            "try: render(root, big)\n"
            "except Problems as problems:\n"
            "    assert 'No space left' in str(problems), problems\n"
            "    assert snapshot(root) == before; print('refused')\n"
            "else: print('done')\n"
        )
        said = set()
        for size in range(60, 260, 8):
            mount = f'mount -t tmpfs -o size={size}k none {tmp_path} && exec {sys.executable} -c "$0" {ROOT} {tmp_path}'
            done = subprocess.run(["unshare", "--mount", "sh", "-c", mount, program], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            said.add(done.stdout.strip())
        assert said == {"refused", "done"}
