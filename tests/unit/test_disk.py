"""Locks that end with their holder, and single files written in one step."""

import errno
import fcntl
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.diagnostics import Problems
from generator.disk import locks
from generator.disk.atomic import sweep_drafts, write_file
from generator.disk.locks import lock_file, running_lock, tree_lock
from generator.verbs.hold import main as hold
from tests.support.cut_off import CHANGING

ROOT = Path(__file__).resolve().parents[2]
HOLDER = (
    "import sys, time; from pathlib import Path; from generator.disk.locks import running_lock, tree_lock\n"
    "kind, what = sys.argv[1:]\n"
    "with tree_lock(Path(what)) if kind == 'tree' else running_lock(what):\n"
    "    print('held', flush=True); time.sleep(60)\n"
)


class Holder:
    """Another process that holds a lock until it is ended."""

    def __init__(self, kind: str, what: str) -> None:
        command = (sys.executable, "-c", HOLDER, kind, what)
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "held\n"

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def holders() -> Iterator[list[Holder]]:
    started: list[Holder] = []
    yield started
    for each in started:
        each.end()


@pytest.mark.parametrize("kind", ["tree", "running"])
def test_the_second_names_what_it_waits_for_and_gives_up(tmp_path: Path, holders: list[Holder], kind: str) -> None:
    what = str(tmp_path)
    holders.append(Holder(kind, what))
    said: list[str] = []
    lock = tree_lock(tmp_path, said.append, 0.2) if kind == "tree" else running_lock(what, said.append, 0.2)
    with pytest.raises(Problems) as caught, lock:
        pass
    (problem,) = caught.value.diagnostics
    assert problem.code == "store/busy"
    pattern = rf"process {holders[0].process.pid} \(since \d\d:\d\d:\d\d\) is changing .*{re.escape(what)}"
    assert re.fullmatch(pattern, problem.message)
    assert [re.fullmatch(f"waiting: {pattern}", line) is not None for line in said] == [True]


@pytest.mark.parametrize("kind", ["tree", "running"])
def test_a_lock_whose_holder_was_killed_is_free(tmp_path: Path, holders: list[Holder], kind: str) -> None:
    holder = Holder(kind, str(tmp_path))
    holder.end()
    with tree_lock(tmp_path, wait=0) if kind == "tree" else running_lock(str(tmp_path), wait=0):
        pass


def test_a_lock_that_is_given_back_is_taken_by_the_one_who_waits(tmp_path: Path, holders: list[Holder]) -> None:
    holder = Holder("tree", str(tmp_path))
    threading.Timer(0.2, holder.end).start()
    with tree_lock(tmp_path, wait=20):
        pass


def test_threads_wait_for_each_other_and_each_may_take_it_again(tmp_path: Path) -> None:
    inside, most = 0, []

    def work() -> None:
        nonlocal inside
        with running_lock(str(tmp_path)), tree_lock(tmp_path), tree_lock(tmp_path), running_lock(str(tmp_path)):
            inside += 1
            most.append(inside)
            time.sleep(0.02)
            inside -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8


def test_nothing_is_left_of_a_lock(tmp_path: Path) -> None:
    root = tmp_path / "new"
    with tree_lock(root), running_lock(str(tmp_path)):
        assert lock_file(str(tmp_path)).stat().st_mode & 0o777 == 0o644
    assert not root.exists()
    assert not lock_file(str(tmp_path)).exists()


def test_another_users_lock_file_can_be_locked_whatever_the_umask_was(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with running_lock(str(tmp_path)):
            assert lock_file(str(tmp_path)).stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


def test_a_folder_that_was_removed_and_made_again_is_locked_again(tmp_path: Path, holders: list[Holder]) -> None:
    root = tmp_path / "root"
    holders.append(Holder("tree", str(root)))
    root.rmdir()
    with tree_lock(root, wait=0):
        assert root.is_dir()


def test_a_file_system_that_cannot_lock_folders_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fcntl.flock

    def over_nfs(descriptor: int, operation: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112
            raise OSError(errno.EBADF, "Bad file descriptor")
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", over_nfs)
    taken = []
    with tree_lock(tmp_path):
        thread = threading.Thread(target=lambda: taken.append(_refused(tmp_path)))
        thread.start()
        thread.join()
    assert taken == [["store/busy"]]


def _refused(root: Path) -> list[str]:
    try:
        with tree_lock(root, wait=0):
            return []
    except Problems as problems:
        return [problem.code for problem in problems.diagnostics]


def test_a_lock_that_cannot_be_had_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_SHARED", (tmp_path / "missing",))
    with pytest.raises(Problems) as caught, running_lock("x"):
        pass
    assert [problem.code for problem in caught.value.diagnostics] == ["store/not-written"]
    (tmp_path / "file").write_text("1")
    with pytest.raises(Problems, match="cannot be locked"), tree_lock(tmp_path / "file"):
        pass


def test_a_lock_is_where_all_users_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, shared = tmp_path / "own", tmp_path / "shared"
    own.mkdir()
    shared.mkdir()
    shared.chmod(0o1777)
    monkeypatch.setattr(locks, "_SHARED", (own, shared))
    assert lock_file("x").parent == shared


def test_a_holder_that_the_kernel_does_not_name_is_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holders: list[Holder]
) -> None:
    holders.append(Holder("tree", str(tmp_path)))
    monkeypatch.setattr(locks, "_PROC", tmp_path)
    with pytest.raises(Problems, match="another run of Lookout is changing"), tree_lock(tmp_path, wait=0):
        pass
    (tmp_path / "locks").write_text(f"1: FLOCK  ADVISORY  WRITE 77 00:00:{tmp_path.stat().st_ino} 0 EOF\n")
    with pytest.raises(Problems, match="process 77 is changing"), tree_lock(tmp_path, wait=0):
        pass


def test_a_process_of_another_day_is_named_with_its_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "77").mkdir()
    (tmp_path / "77/stat").write_text("77 (a) b) " + "0 " * 19 + "100 0\n")
    (tmp_path / "stat").write_text("cpu 1\nbtime 1000000\n")
    monkeypatch.setattr(locks, "_PROC", tmp_path)
    assert re.fullmatch(r" \(since 1970-01-1\d \d\d:\d\d\)", locks._since(77))


def test_a_command_runs_while_both_locks_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "test-hold")
    shared = lock_file("the containers of project test-hold")
    command = f"[ -e {shared} ] && grep -q ':{tmp_path.stat().st_ino} ' /proc/locks && exit 7"
    assert hold(["sh", "-c", command]) == 7


def test_a_command_that_has_to_wait_too_long_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holders: list[Holder], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("generator.verbs.hold.LONGEST_WAIT", 0.0)
    holders.append(Holder("tree", str(tmp_path)))
    assert hold(["touch", "ran"]) == 1
    assert "store/busy" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()


# --- one file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o600, 0o444, 0o644])
@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_file_has_the_mode_that_it_is_given(tmp_path: Path, mode: int, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_file(tmp_path / "a", "1\n", mode)
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_link_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "away").write_text("mine\n")
    (tmp_path / "a").symlink_to("away")
    write_file(tmp_path / "a", "1\n", 0o644)
    assert ((tmp_path / "a").read_text(), (tmp_path / "away").read_text()) == ("1\n", "mine\n")


@pytest.mark.parametrize("way", ["killed", "refused"])
def test_a_write_that_is_cut_off_leaves_the_old_file_and_the_next_one_sweeps(tmp_path: Path, way: str) -> None:
    """At each call: the file is the old one or the new one, and after the next write no draft is left."""
    calls = [name for name in ("open", "fchmod", "fsync", "write", "replace") if name in CHANGING]
    for number, name in enumerate(calls):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_file(folder / "a", "old\n", 0o600)
        if (child := os.fork()) == 0:
            setattr(os, name, lambda *_: os.kill(os.getpid(), signal.SIGKILL) if way == "killed" else _refuse())
            try:
                write_file(folder / "a", "new\n", 0o600)
            except OSError:
                os._exit(3)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code == (-signal.SIGKILL if way == "killed" else 3)
        assert (folder / "a").read_text() == "old\n"
        assert way == "killed" or [path.name for path in folder.iterdir()] == ["a"]
        write_file(folder / "b", "1\n", 0o600)
        assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]


def _refuse() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_draft_that_is_being_written_is_not_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def sweep_meanwhile(descriptor: int) -> None:
        sweep_drafts(tmp_path)
        seen.append(len(list(tmp_path.iterdir())))

    monkeypatch.setattr(os, "fsync", sweep_meanwhile)
    write_file(tmp_path / "a", "1\n", 0o644)
    assert (seen, (tmp_path / "a").read_text()) == ([1], "1\n")


def test_a_draft_that_was_swept_before_it_was_locked_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock
    swept: list[Path] = []

    def late(descriptor: int, operation: int) -> None:
        if not swept:
            swept.extend(tmp_path.iterdir())
            swept[0].unlink()
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    write_file(tmp_path / "a", "1\n", 0o644)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_only_drafts_are_swept(tmp_path: Path) -> None:
    mine = [".a.lookout-draft", ".12345678.lookout-draft.txt", "12345678.lookout-draft", ".1234567g.lookout-draft",
            ".k3_x9qaz.part", ".backup.part"]  # fmt: skip
    for name in [*mine, ".12345678.lookout-draft", ".old_0000.part"]:
        (tmp_path / name).write_text("1")
    os.utime(tmp_path / ".old_0000.part", (0, 0))
    os.utime(tmp_path / ".backup.part", (0, 0))
    sweep_drafts(tmp_path, re.compile(r"\.[a-z0-9_]{8}\.part"))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(mine)
    sweep_drafts(tmp_path / "missing")


def test_jobs_at_once_leave_one_whole_file_and_no_draft(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from generator.disk.atomic import write_file\n"
        "for n in range(60): write_file(Path(sys.argv[1]) / f'{n % 3}', sys.argv[2] * 5000, 0o644)\n"
    )
    command = (sys.executable, "-c", program, str(tmp_path))
    running = [subprocess.Popen((*command, letter), cwd=ROOT) for letter in "abc"]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2"]
    for path in tmp_path.iterdir():
        assert path.read_text() in {letter * 5000 for letter in "abc"}


def test_no_other_module_writes_in_steps_of_its_own() -> None:
    """One place for drafts and renames: what is written elsewhere is temporary, or goes through generator.disk."""
    pattern = re.compile(r"os\.(replace|rename|link)\(|\.rename\(|mkstemp|NamedTemporaryFile|\bdraft\w*\.replace\(")
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "generator").rglob("*.py")
        if pattern.search(path.read_text()) and "disk" not in path.parts
    }
    # A whole folder at once, with files from generator.disk in it; a cache, which may lose what it holds; and files of
    # the user's, which are moved as they are.
    assert found == {
        "generator/verbs/new_pack/run.py",
        "generator/verbs/upgrade/switching.py",
    }
