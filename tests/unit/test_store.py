"""Plans over a tree, and writing them: all or nothing, and never what is not ours."""

import errno
import hashlib
import json
import os
import signal
import socket
from pathlib import Path

import pytest

from generator.artifact import Artifact
from generator.conventions import LOCK_FILE
from generator.diagnostics import Problems
from generator.disk import transaction
from generator.disk.confined import Tree
from generator.disk.journal import WORK, digest
from generator.disk.transaction import Meanwhile
from generator.store import plan as store
from generator.store.ownership import lock_text
from generator.store.plan import Plan, open_tree, plan_tree, write_plan


def render(root: Path, *files: tuple[str, str], force: bool = False) -> list[tuple[str, str]]:
    plan = plan_tree([Artifact(path, text) for path, text in files], root)
    write_plan(plan, force)
    return [(change.action, change.path) for change in plan.pending]


def tree(root: Path) -> dict[str, str]:
    return {str(p.relative_to(root)): p.read_text() for p in sorted(root.rglob("*")) if p.is_file()}


def codes(root: Path, *files: tuple[str, str]) -> list[str]:
    before = tree(root)
    with pytest.raises(Problems) as caught:
        render(root, *files)
    assert tree(root) == before, "a refused plan must leave the tree as it was"
    return [d.code for d in caught.value.diagnostics]


def test_an_empty_folder_gets_everything_and_a_lock(tmp_path: Path) -> None:
    assert render(tmp_path / "new", ("a/b.yml", "1\n"), ("c.yml", "2\n")) == [
        ("create", "a/b.yml"),
        ("create", "c.yml"),
    ]
    assert set(tree(tmp_path / "new")) == {"a/b.yml", "c.yml", LOCK_FILE}


def test_a_folder_in_a_files_place_is_left_alone(tmp_path: Path) -> None:
    render(tmp_path, ("a.yml", "1\n"))
    (tmp_path / "a.yml").unlink()
    (tmp_path / "a.yml").mkdir()
    assert codes(tmp_path, ("a.yml", "1\n")) == ["store/foreign"]
    assert render(tmp_path) == []


def test_rendering_twice_changes_nothing(tmp_path: Path) -> None:
    render(tmp_path, ("a.yml", "1\n"))
    before = tree(tmp_path)
    assert render(tmp_path, ("a.yml", "1\n")) == []
    assert tree(tmp_path) == before


def test_what_is_no_longer_rendered_goes_with_its_empty_folder(tmp_path: Path) -> None:
    render(tmp_path, ("rules/old.yml", "1\n"), ("keep.yml", "2\n"))
    assert render(tmp_path, ("keep.yml", "3\n")) == [("update", "keep.yml"), ("delete", "rules/old.yml")]
    assert not (tmp_path / "rules").exists()


def test_what_has_become_the_products_own_stays_and_is_no_longer_listed(tmp_path: Path) -> None:
    """An older Lookout rendered the library's table, and listed it."""
    theirs = "instrumentation/lookout_instrumentation/redaction.json"
    older = [("a", "1"), (theirs, "{}")]
    for path, text in older:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / LOCK_FILE).write_bytes(lock_text({path: digest(text.encode()) for path, text in older}))
    assert render(tmp_path, ("a", "1")) == []
    assert (tmp_path / theirs).read_text() == "{}"
    assert theirs not in (tmp_path / LOCK_FILE).read_text()


def test_a_foreign_file_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("mine\n")
    (tmp_path / "other.yml").write_text("mine too\n")
    assert codes(tmp_path, ("a.yml", "1\n")) == ["store/foreign"]


def test_a_foreign_file_with_the_same_text_becomes_ours(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("1\n")
    assert render(tmp_path, ("a.yml", "1\n")) == []
    assert render(tmp_path, ("a.yml", "2\n")) == [("update", "a.yml")]


def test_an_edited_file_is_shown_and_kept_unless_forced(tmp_path: Path) -> None:
    render(tmp_path, ("a.yml", "1\n"))
    (tmp_path / "a.yml").write_text("edited\n")
    plan = plan_tree([Artifact("a.yml", "2\n")], tmp_path)
    assert "-edited" in plan.diagnostics()[0].notes
    assert codes(tmp_path, ("a.yml", "2\n")) == ["store/edited"]
    assert render(tmp_path, ("a.yml", "2\n"), force=True) == [("edited", "a.yml")]
    assert (tmp_path / "a.yml").read_text() == "2\n"


def test_an_edited_file_that_would_go_is_kept_unless_forced(tmp_path: Path) -> None:
    render(tmp_path, ("a.yml", "1\n"), ("b.yml", "1\n"))
    (tmp_path / "b.yml").write_text("edited\n")
    assert codes(tmp_path, ("a.yml", "1\n")) == ["store/edited"]
    render(tmp_path, ("a.yml", "1\n"), force=True)
    assert not (tmp_path / "b.yml").exists()


def test_a_listed_file_that_someone_removed_comes_back(tmp_path: Path) -> None:
    render(tmp_path, ("a.yml", "1\n"))
    (tmp_path / "a.yml").unlink()
    assert render(tmp_path, ("a.yml", "1\n")) == [("create", "a.yml")]


def test_a_file_where_a_folder_is_needed_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file where a folder should be")
    assert codes(tmp_path, ("a/b.yml", "1\n")) == ["store/foreign"]


def test_a_root_that_is_a_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    with pytest.raises(Problems, match="Not a directory"):
        plan_tree([], tmp_path / "a")
    with pytest.raises(Problems, match="File exists"):
        write_plan(Plan(tmp_path / "a", ()))


def test_an_edit_made_between_plan_and_write_is_shown_and_kept(tmp_path: Path) -> None:
    render(tmp_path, ("a.yml", "1\n"), ("b.yml", "1\n"), ("c.yml", "1\n"))
    with open_tree(tmp_path):
        plan = plan_tree([Artifact("a.yml", "2\n"), Artifact("b.yml", "2\n")], tmp_path)
        (tmp_path / "b.yml").write_text("mine\n")
        before = tree(tmp_path)
        for force in (False, True):
            with pytest.raises(Problems) as caught:
                write_plan(plan, force)
            (problem,) = caught.value.diagnostics
            assert (problem.code, "-mine" in problem.notes) == ("store/edited", True)
            assert tree(tmp_path) == before


def test_a_file_made_between_plan_and_write_is_not_ours(tmp_path: Path) -> None:
    with open_tree(tmp_path):
        plan = plan_tree([Artifact("a.yml", "1\n"), Artifact("b.yml", "1\n")], tmp_path)
        (tmp_path / "b.yml").write_text("mine\n")
        with pytest.raises(Problems) as caught:
            write_plan(plan)
    assert [problem.code for problem in caught.value.diagnostics] == ["store/foreign"]
    assert tree(tmp_path) == {"b.yml": "mine\n"}


def test_a_file_removed_between_plan_and_write_is_written_all_the_same(tmp_path: Path) -> None:
    render(tmp_path, ("a.yml", "1\n"), ("b.yml", "1\n"))
    with open_tree(tmp_path):
        plan = plan_tree([Artifact("a.yml", "2\n")], tmp_path)
        (tmp_path / "a.yml").unlink()
        (tmp_path / "b.yml").unlink()
        assert [(c.action, c.path) for c in write_plan(plan).pending] == [("create", "a.yml")]
    assert render(tmp_path, ("a.yml", "2\n")) == []


def test_a_file_that_changes_all_the_time_is_left_to_its_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise Meanwhile("a.yml")

    monkeypatch.setattr(store, "replace_files", busy)
    assert codes(tmp_path, ("a.yml", "1\n")) == ["store/not-written"]


def test_a_plan_made_before_another_run_is_made_again(tmp_path: Path) -> None:
    render(tmp_path, ("a.yml", "1\n"), ("same.yml", "1\n"))
    plan = plan_tree([Artifact("a.yml", "2\n"), Artifact("same.yml", "1\n")], tmp_path)
    render(tmp_path, ("a.yml", "3\n"), ("same.yml", "3\n"), ("new.yml", "3\n"))
    write_plan(plan)
    assert {path: text for path, text in tree(tmp_path).items() if path != LOCK_FILE} == {
        "a.yml": "2\n", "same.yml": "1\n"}  # fmt: skip
    assert plan_tree([Artifact("a.yml", "2\n"), Artifact("same.yml", "1\n")], tmp_path).pending == ()


def test_bytes_that_are_no_text_are_an_edit_that_can_be_shown(tmp_path: Path) -> None:
    render(tmp_path, ("a.yml", "1\n"))
    (tmp_path / "a.yml").write_bytes(b"\xff\n")
    (problem,) = plan_tree([Artifact("a.yml", "2\n")], tmp_path).diagnostics()
    assert "-\\xff" in problem.notes
    "\n".join(problem.notes).encode()


# --- links and paths out of the tree ---------------------------------------------------------------------------------


def linked(root: Path, path: str, away: Path) -> None:
    """Move what is at `path` away, and leave a link to it."""
    (root / path).rename(away)
    (root / path).symlink_to(away)


@pytest.mark.parametrize("link", ["rules", "rules/api", "rules/api/a.yml", LOCK_FILE])
@pytest.mark.parametrize("wanted", ["1", "2", ""])
def test_nothing_is_written_or_removed_through_a_link(tmp_path: Path, link: str, wanted: str) -> None:
    root, away = tmp_path / "tree", tmp_path / "away"
    render(root, ("rules/api/a.yml", "1\n"), ("b.yml", "1\n"))
    linked(root, link, away)
    before = tree(tmp_path)
    with pytest.raises(Problems) as caught:
        render(root, *([("rules/api/a.yml", f"{wanted}\n")] if wanted else []), force=True)
    assert {(problem.code, problem.span and problem.span.file) for problem in caught.value.diagnostics} == {
        ("store/link", link)
    }
    assert tree(tmp_path) == before


def test_a_link_is_named_once_for_all_that_is_behind_it(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    files = [(f"rules/{n}.yml", "1\n") for n in range(9)]
    render(root, *files)
    linked(root, "rules", tmp_path / "away")
    assert len(plan_tree([Artifact(*file) for file in files], root).diagnostics()) == 1


def test_the_root_itself_may_be_reached_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "root").symlink_to(tmp_path / "real")
    render(tmp_path / "root", ("a/b.yml", "1\n"))
    assert (tmp_path / "real/a/b.yml").read_text() == "1\n"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{hash}  {outside}", "leads out of the tree"),
        ("{hash}  ../outside.yml", "leads out of the tree"),
        ("{hash}  a/../../outside.yml", "leads out of the tree"),
        ("{hash}  ./a.yml", "leads out of the tree"),
        ("{hash}  a//b.yml", "leads out of the tree"),
        ("{hash}  a\x1b[2J.yml", "leads out of the tree"),
        ("{hash}  services.yaml", "never renders services.yaml"),
        ("{hash}  secrets/slack", "never renders secrets"),
        ("{hash}  .git/config", "never renders .git"),
        ("{hash}  generated.lock", "never renders generated.lock"),
        ("{hash}  a.yml", "listed twice"),
        ("{hash}", "not a SHA-256"),
        ("<<<<<<< HEAD", "merge"),
        ("\xff", "not UTF-8"),
    ],
)
def test_a_lock_that_cannot_be_trusted_changes_nothing(tmp_path: Path, row: str, reason: str) -> None:
    root, outside = tmp_path / "tree", tmp_path / "outside.yml"
    outside.write_text("mine\n")
    render(root, ("a.yml", "1\n"))
    (root / "services.yaml").write_text("mine\n")
    line = row.format(hash=hashlib.sha256(b"mine\n").hexdigest(), outside=outside).encode("latin-1")
    (root / LOCK_FILE).write_bytes((root / LOCK_FILE).read_bytes() + line + b"\n")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for force in (False, True):
        with pytest.raises(Problems) as caught:
            render(root, ("a.yml", "2\n"), force=force)
        (problem,) = caught.value.diagnostics
        assert (problem.code, problem.span and problem.span.line) == ("store/unreadable", 3)
        assert reason in problem.message
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_lock_with_the_line_ends_of_another_system_is_read(tmp_path: Path) -> None:
    render(tmp_path, ("a.yml", "1\n"))
    (tmp_path / LOCK_FILE).write_bytes((tmp_path / LOCK_FILE).read_bytes().replace(b"\n", b"\r\n"))
    assert render(tmp_path, ("a.yml", "2\n")) == [("update", "a.yml")]


@pytest.mark.parametrize("name", [LOCK_FILE, "a.yml"])
def test_what_is_no_file_is_a_problem(tmp_path: Path, name: str) -> None:
    render(tmp_path, ("a.yml", "1\n"))
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    expected = "store/unreadable" if name == LOCK_FILE else "store/foreign"
    with pytest.raises(Problems) as caught:
        render(tmp_path, ("a.yml", "2\n"))
    assert [problem.code for problem in caught.value.diagnostics] == [expected]


def test_a_socket_in_a_files_place_is_foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("a.yml")
        (problem,) = plan_tree([Artifact("a.yml", "1\n")], tmp_path).diagnostics()
    assert problem.code == "store/foreign"


@pytest.mark.parametrize("name", ["a.yml", LOCK_FILE])
def test_a_file_that_may_not_be_read_is_a_problem_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    render(tmp_path, ("a.yml", "1\n"))
    real = Tree.read

    def refuse(self: Tree, path: str) -> tuple[bytes, int] | None:
        if path == name:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(self, path)

    monkeypatch.setattr(Tree, "read", refuse)
    with pytest.raises(Problems) as caught:
        render(tmp_path, ("a.yml", "2\n"))
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.message) == ("store/unreadable", "this file cannot be read: Permission denied")


# --- modes -----------------------------------------------------------------------------------------------------------


def modes(root: Path) -> set[tuple[bool, int]]:
    return {(path.is_dir(), path.stat().st_mode & 0o777) for path in root.rglob("*")}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_all_users_can_read_what_is_rendered(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        render(tmp_path, ("a/b/c.yml", "1\n"), ("d.yml", "1\n"))
        render(tmp_path, ("a/b/c.yml", "2\n"), ("e/f.yml", "1\n"))
    finally:
        os.umask(before)
    assert modes(tmp_path) == {(True, 0o755), (False, 0o644)}


def test_what_was_closed_to_other_users_is_opened_again(tmp_path: Path) -> None:
    render(tmp_path, ("a/b/c.yml", "1\n"), ("d.yml", "1\n"))
    for path in (tmp_path / "a/b/c.yml", tmp_path / "d.yml", tmp_path / "a/b", tmp_path / "a"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    assert render(tmp_path, ("a/b/c.yml", "1\n"), ("d.yml", "1\n")) == []
    assert modes(tmp_path) == {(True, 0o755), (False, 0o644)}


# --- a run that was cut off ------------------------------------------------------------------------------------------


def cut_off(root: Path, *files: tuple[str, str]) -> None:
    """Render `files` and be killed when all is in place but the journal is not removed."""
    if (child := os.fork()) == 0:
        setattr(transaction, "end_journal", lambda _: os.kill(os.getpid(), signal.SIGKILL))  # noqa: B010
        render(root, *files)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_the_next_run_says_that_one_was_cut_off(tmp_path: Path) -> None:
    render(tmp_path, ("a.yml", "1\n"))
    cut_off(tmp_path, ("a.yml", "2\n"))
    said: list[str] = []
    with open_tree(tmp_path, said.append):
        assert tree(tmp_path)["a.yml"] == "1\n"
    assert said == ["a run was cut off here; what it had begun is put back"]


def test_a_plan_knows_what_a_run_that_was_cut_off_had_begun(tmp_path: Path) -> None:
    render(tmp_path, ("a.yml", "1\n"), ("old.yml", "1\n"))
    cut_off(tmp_path, ("a.yml", "2\n"), ("new.yml", "2\n"))
    before = tree(tmp_path)
    plan = plan_tree([Artifact("a.yml", "3\n")], tmp_path)
    assert [(c.action, c.path) for c in plan.pending] == [("update", "a.yml"), ("delete", "new.yml")]
    assert tree(tmp_path) == before


def test_an_edit_after_a_run_was_cut_off_is_shown_and_kept(tmp_path: Path) -> None:
    render(tmp_path, ("a.yml", "1\n"), ("b.yml", "1\n"), ("old.yml", "1\n"))
    cut_off(tmp_path, ("a.yml", "2\n"), ("b.yml", "2\n"))
    (tmp_path / "a.yml").write_text("mine\n")
    (tmp_path / "old.yml").write_text("mine\n")
    with pytest.raises(Problems) as caught:
        render(tmp_path, ("a.yml", "3\n"))
    assert [(p.code, p.span and p.span.file) for p in caught.value.diagnostics] == [
        ("store/edited", "a.yml"), ("store/edited", "old.yml")]  # fmt: skip
    kept = {path: text for path, text in tree(tmp_path).items() if path != LOCK_FILE}
    assert kept == {"a.yml": "mine\n", "b.yml": "1\n", "old.yml": "mine\n"}


def test_what_cannot_be_put_back_is_still_ours(tmp_path: Path) -> None:
    names = ["a.yml", "b.yml", LOCK_FILE]
    for gone in [*((each,) for each in range(3)), (0, 1), (0, 2), (1, 2), (0, 1, 2)]:
        root = tmp_path / "-".join(map(str, gone))
        render(root, ("a.yml", "1\n"), ("b.yml", "1\n"), ("old.yml", "1\n"))
        cut_off(root, ("a.yml", "2\n"), ("b.yml", "2\n"), ("new.yml", "2\n"))
        for number in gone:
            # The journal has a, b, new, old and the lock.
            (root / WORK / f"old-{ {0: 0, 1: 1, 2: 4}[number] }").unlink()
        render(root, ("a.yml", "3\n"), ("b.yml", "3\n"))
        assert set(tree(root)) == set(names), gone


def test_a_link_made_after_a_run_was_cut_off_is_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    render(root, ("rules/a.yml", "1\n"))
    cut_off(root, ("rules/a.yml", "2\n"))
    linked(root, "rules", tmp_path / "away")
    with pytest.raises(Problems) as caught:
        render(root, ("rules/a.yml", "3\n"))
    assert [problem.code for problem in caught.value.diagnostics] == ["store/link"]
    assert (tmp_path / "away/a.yml").read_text() == "2\n"


def journal_of(content: object) -> bytes:
    text = json.dumps(content).encode()
    return text + b"\n" + hashlib.sha256(text).hexdigest().encode() + b"\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 100,
        journal_of({"version": 1, "folders": [], "entries": []})[:-9],
        journal_of({"version": 2, "folders": [], "entries": []}),
        journal_of({"version": 1, "folders": [], "entries": [["../outside.yml", None, "0" * 64]]}),
        journal_of({"version": 1, "folders": ["/etc"], "entries": []}),
        journal_of({"version": 1, "folders": [], "entries": [["a.yml"]]}),
        journal_of({"version": 1, "folders": [], "entries": [[1, None, None]]}),
        journal_of(["version"]),
    ],
)
def test_a_journal_that_cannot_be_believed_changes_nothing(tmp_path: Path, content: bytes) -> None:
    render(tmp_path, ("a.yml", "1\n"))
    (tmp_path / WORK).mkdir()
    (tmp_path / WORK / "journal").write_bytes(content)
    assert codes(tmp_path, ("a.yml", "2\n")) == ["store/unreadable"]
    with pytest.raises(Problems, match="journal cannot be read"):
        plan_tree([], tmp_path)


@pytest.mark.parametrize("obstacle", ["link", "file"])
def test_a_folder_for_drafts_that_is_none_is_a_problem(tmp_path: Path, obstacle: str) -> None:
    root, away = tmp_path / "tree", tmp_path / "away"
    root.mkdir()
    away.mkdir()
    (away / "new-0").write_text("mine\n")
    (root / WORK).symlink_to(away) if obstacle == "link" else (root / WORK).write_text("mine\n")
    with pytest.raises(Problems) as caught:
        render(root, ("a.yml", "1\n"))
    assert [problem.code for problem in caught.value.diagnostics] == ["store/link"]
    assert not (root / "a.yml").exists()
    assert (away / "new-0").read_text() == "mine\n"


def test_another_file_in_the_folder_for_drafts_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / WORK).mkdir()
    (tmp_path / WORK / "new-0").write_text("a draft")
    (tmp_path / WORK / "notes.txt").write_text("mine\n")
    render(tmp_path, ("a.yml", "1\n"))
    assert tree(tmp_path)[f"{WORK}/notes.txt"] == "mine\n"
    assert f"{WORK}/new-0" not in tree(tmp_path)


def test_where_nothing_can_be_put_back_the_next_run_does_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    render(tmp_path, ("a.yml", "1\n"), ("b.yml", "1\n"))
    real = os.rename
    calls: list[str] = []

    def fail(source: str, target: str, **options: int) -> None:
        calls.append(target)
        if len(calls) > 2:
            raise OSError(errno.EROFS, "Read-only file system")
        real(source, target, **options)

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(Problems, match="Read-only file system; the next run puts back what was begun"):
        render(tmp_path, ("a.yml", "2\n"), ("b.yml", "2\n"))
    monkeypatch.undo()
    assert tree(tmp_path)["a.yml"] == "2\n"
    assert render(tmp_path, ("a.yml", "3\n"), ("b.yml", "3\n")) == [("update", "a.yml"), ("update", "b.yml")]
    assert set(tree(tmp_path)) == {"a.yml", "b.yml", LOCK_FILE}


def test_a_file_system_without_hard_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    render(tmp_path, ("a.yml", "1\n"))
    cut_off(tmp_path, ("a.yml", "2\n"))
    with open_tree(tmp_path):
        assert tree(tmp_path)["a.yml"] == "1\n"


# --- drafts that earlier versions left -------------------------------------------------------------------------------


def test_drafts_of_earlier_versions_go_and_a_users_files_stay(tmp_path: Path) -> None:
    render(tmp_path, ("rules/a.yml", "one\n"), ("b.yml", "two\n"))
    drafts = {"rules/.a.yml.k3_x9qaz": "one\n", ".b.yml.abcdefgh": "two\n", "rules/.a.yml.00000000": "three\n"}
    unfinished = {"rules/.a.yml.1234567a": "", ".b.yml.z_______": "tw"}
    mine = {"rules/.a.yml.original": "my one\n", "rules/.a.yml.20261130": "half", ".c.yml.k3_x9qaz": "one\n",
            "rules/.a.yml.orig": "one\n", ".b.yml.disabled": ""}  # fmt: skip
    for path, text in {**drafts, **unfinished, **mine}.items():
        (tmp_path / path).write_text(text)
        (tmp_path / path).chmod(0o600 if path in unfinished else 0o644)
    render(tmp_path, ("rules/a.yml", "three\n"), ("b.yml", "two\n"))
    assert set(tree(tmp_path)) == {"rules/a.yml", "b.yml", LOCK_FILE, *mine}


@pytest.mark.parametrize("path", ["/etc/passwd", "../up.yml", "a/../../b.yml", "a//b.yml", "./a.yml", "", "a\nb"])
def test_an_artifact_stays_in_its_tree(path: str) -> None:
    with pytest.raises(ValueError, match="inside its tree"):
        Artifact(path, "")
