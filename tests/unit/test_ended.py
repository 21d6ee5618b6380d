"""`make test` that is ended from outside: it says so, and nothing that it started goes on."""

import os
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.stack import Stack
from tests.support.waiting import until

REPOSITORY = Path(__file__).resolve().parents[2]
# What stands for the long steps: each writes its process id.
STEPS = """
lane_of() { bash -c 'echo $$ >lane.pid; exec sleep 300' & LANES[one]=$!; }
long() { attended bash -c 'echo $$ >long.pid; exec sleep 300'; }
step "a lane" lane_of
step "a long step" long
"""


def alive(pid: int) -> bool:
    """Whether the process is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_what_is_ended_from_outside_has_failed_and_leaves_nothing(
    tmp_path: Path, how: signal.Signals, code: int
) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    shutil.copy(REPOSITORY / "scripts/common.sh", scripts)
    (scripts / "host.sh").write_text("#!/bin/sh\n")
    (scripts / "host.sh").chmod(0o755)
    script = (REPOSITORY / "scripts/test.sh").read_text()
    (scripts / "test.sh").write_text(script[: script.index('\nstep "machine')] + STEPS)
    environment = {**os.environ, "HOME": str(tmp_path)}
    # What runs in the background ignores SIGINT, and so do its children, unless it is given back to them.
    command = ["env", "--default-signal=INT", "bash", "scripts/test.sh"]
    running = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
    pids = [tmp_path / "lane.pid", tmp_path / "long.pid"]
    until(lambda: all(path.exists() and path.read_text().strip() for path in pids))
    running.send_signal(how)
    said, _ = running.communicate(timeout=60)
    assert running.returncode == code
    assert "all passed" not in said
    assert said.splitlines()[-1].endswith("s: a long step")
    assert [path.name for path in pids if alive(int(path.read_text()))] == []


def test_a_command_of_a_stack_ends_with_all_that_it_started(tmp_path: Path) -> None:
    stack, pid = Stack(tmp_path), tmp_path / "pid"
    with ThreadPoolExecutor(max_workers=1) as pool:
        done = pool.submit(stack.run, "bash", "-c", "sleep 300 & echo $! >pid; wait")
        until(lambda: pid.exists() and pid.read_text().strip())
        stack.interrupt()
        assert done.result(timeout=20).returncode < 0
    assert not alive(int(pid.read_text()))
    assert stack.commands == []
