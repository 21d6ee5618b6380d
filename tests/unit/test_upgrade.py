"""`make upgrade` on small repositories: what becomes of each file, and that a failure at any step changes nothing."""

import hashlib
import os
import pty
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from generator.conventions import LOCK_FILE
from generator.diagnostics import Diagnostic, Problems
from generator.store.ownership import lock_text
from generator.verbs.upgrade import run
from generator.verbs.upgrade.changelog import to_do
from generator.verbs.upgrade.git import Git
from generator.verbs.upgrade.run import Wanted, ask, go_back, upgrade

Files = Mapping[str, str]

DEMO: Final = "services: {demo: {kind: http}}\n"
OURS: Final = "# ours\nservices: {shop: {kind: http}}\n"
PRODUCT: Final = {"README.md": "one\ntwo\nthree\nfour\nfive\n", "generator/packs/http/pack.yaml": "a: 1\n" * 9,
                  "generator/packs/redis/pack.yaml": "b: 1\n" * 9, ".gitignore": "/secrets/\n"}  # fmt: skip


def rendered(spec: str, version: str) -> dict[str, str]:
    """What a version of this small product renders: a file a service, and one that every version renders otherwise."""
    service = spec.split("services: {")[1].split(":")[0]
    return {f"prometheus/rules/{service}.yml": f"{version} {service}\n", "home.html": f"{version}\n{service}\n"}


def write(root: Path, files: Files) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def render(root: Path, version: str) -> None:
    """As `lookout render` does it: what the list does not know is left alone."""
    lock = root / LOCK_FILE
    for line in lock.read_text().splitlines() if lock.is_file() else ():
        if not line.startswith("#"):
            (root / line.split("  ", 1)[1]).unlink(missing_ok=True)
    files = rendered((root / "services.yaml").read_text(), version)
    write(root, files)
    lock.write_bytes(lock_text({path: hashlib.sha256(text.encode()).hexdigest() for path, text in files.items()}))


def git(root: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def commit(root: Path, message: str) -> str:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)
    return git(root, "rev-parse", "HEAD")


def state(root: Path) -> dict[str, bytes]:
    """Every file of the work tree, what git says of them, and where HEAD is."""
    files = {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }
    said = git(root, "status", "--porcelain") + git(root, "rev-parse", "HEAD") + git(root, "worktree", "list")
    return {**files, ".git": said.encode()}


class World:
    """A product with two versions, and the clone of a user who began with the first."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.product, self.clone = folder / "product", folder / "clone"
        self.product.mkdir()
        git(self.product, "init", "--quiet", "--initial-branch", "main")
        write(self.product, {**PRODUCT, "services.yaml": DEMO, "CHANGELOG.md": "# Changelog\n"})
        render(self.product, "v1")
        commit(self.product, "v1")
        git(folder, "clone", "--quiet", str(self.product), str(self.clone))
        self.said: list[str] = []
        monkeypatch.setattr(run, "_compile", lambda root, say: render(root, "v2"))

    def release(self, files: Files = PRODUCT, moved: Callable[[Path], object] = lambda _: None) -> str:
        """The second version."""
        moved(self.product)
        write(self.product, {"CHANGELOG.md": "# Changelog\n\n### What you must do\n\n- Drink\n  water.\n", **files})
        render(self.product, "v2")
        target = commit(self.product, "v2")
        git(self.clone, "fetch", "--quiet", "origin")
        return target

    def settle(self, files: Files, spec: str = OURS) -> None:
        """The user's own site, committed."""
        write(self.clone, {**files, "services.yaml": spec})
        render(self.clone, "v1")
        commit(self.clone, "Our site")

    def upgrade(self, target: str, *keep: str, agree: bool = True) -> bool:
        return upgrade(self.clone, Wanted(target, "v2", keep), self.said.append, lambda: agree)

    def refused(self, target: str, *keep: str) -> list[Diagnostic]:
        """The problems of an upgrade that has to leave everything as it was."""
        before = state(self.clone)
        with pytest.raises(Problems) as caught:
            self.upgrade(target, *keep)
        assert state(self.clone) == before
        return list(caught.value.diagnostics)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = ana\n\temail = ana@localhost\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    return World(tmp_path, monkeypatch)


def test_a_users_site_is_rendered_by_the_new_version_and_nothing_conflicts(world: World) -> None:
    world.settle({"prometheus/custom/mine.yml": "mine\n", "docs/notes.md": "ours\n"})
    target = world.release({"README.md": "one\ntwo\nthree\nfour\nFIVE\n", "services.yaml": DEMO.replace("http", "tcp")})
    assert subprocess.run(["git", "merge", "--no-commit", target], cwd=world.clone, capture_output=True).returncode == 1
    git(world.clone, "merge", "--abort")
    assert world.upgrade(target)
    assert (world.clone / "services.yaml").read_text() == OURS
    assert (world.clone / "home.html").read_text() == "v2\nshop\n"
    assert not (world.clone / "prometheus/rules/demo.yml").exists()
    assert (world.clone / "README.md").read_text().endswith("FIVE\n")
    assert (world.clone / "prometheus/custom/mine.yml").read_text() == "mine\n"
    assert git(world.clone, "status", "--porcelain") == ""
    assert git(world.clone, "log", "-1", "--format=%s %an") == "Upgrade Lookout to v2 ana"
    assert git(world.clone, "merge-base", "HEAD", target) == target
    assert "you must: Drink water." in world.said


def test_one_command_goes_back(world: World) -> None:
    world.settle({})
    before = state(world.clone)
    target = world.release()
    world.upgrade(target)
    assert go_back(world.clone).startswith("this is ")
    assert state(world.clone) == before
    with pytest.raises(Problems, match="no upgrade is known"):
        go_back(world.clone)


def test_changes_that_are_not_committed_come_along_and_are_so_again_on_the_way_back(world: World) -> None:
    world.settle({"staged.txt": "1\n"})
    target = world.release()
    write(world.clone, {"services.yaml": OURS.replace("shop", "store"), "staged.txt": "2\n", "new.txt": "n\n",
                        "untracked.txt": "u\n", "secrets/key": "s\n"})  # fmt: skip
    git(world.clone, "add", "new.txt")
    files = {path: text for path, text in state(world.clone).items() if path != ".git"}
    assert world.upgrade(target)
    assert world.said[-1] == "committed first, since it is not yet: new.txt, services.yaml, staged.txt"
    assert (world.clone / "home.html").read_text() == "v2\nstore\n"
    assert git(world.clone, "status", "--porcelain") == "?? untracked.txt"
    go_back(world.clone)
    assert {path: text for path, text in state(world.clone).items() if path != ".git"} == files
    assert {line[3:] for line in git(world.clone, "status", "--porcelain").splitlines()} >= {"new.txt", "untracked.txt"}


def test_without_anything_of_ones_own_the_clone_is_the_new_version(world: World) -> None:
    target = world.release({"services.yaml": DEMO.replace("http", "tcp")})
    assert world.upgrade(target)
    assert git(world.clone, "rev-parse", "HEAD") == target
    assert not world.upgrade(target)
    assert world.said[-1] == "nothing to do: v2 is in this clone"


def test_who_says_no_keeps_everything(world: World) -> None:
    world.settle({})
    target = world.release()
    before = state(world.clone)
    assert not world.upgrade(target, agree=False)
    assert state(world.clone) == before


def test_the_same_place_changed_by_both_is_a_problem_a_file(world: World) -> None:
    edits = {"README.md": "one\ntwo\nTHREE\nfour\nfive\n", "generator/packs/http/pack.yaml": "mine: 1\n"}
    world.settle(edits)
    target = world.release({"README.md": "one\ntwo\ndrei\nfour\nfive\n", "generator/packs/http/pack.yaml": "c: 1\n"})
    problems = world.refused(target)
    assert [(each.code, each.span.file if each.span else "") for each in problems] == [
        ("upgrade/conflict", "README.md"),
        ("upgrade/conflict", "generator/packs/http/pack.yaml"),
    ]
    assert len(world.refused(target, "README.md")) == 1
    assert world.upgrade(target, *edits)
    assert {path: (world.clone / path).read_text() for path in edits} == edits


def test_a_file_that_the_user_removed_stays_away_if_they_say_so(world: World) -> None:
    world.settle({})
    git(world.clone, "rm", "--quiet", "README.md")
    commit(world.clone, "No README")
    target = world.release({"README.md": "new\n"})
    assert [each.code for each in world.refused(target)] == ["upgrade/conflict"]
    assert world.upgrade(target, "README.md")
    assert not (world.clone / "README.md").exists()


def test_a_kind_of_ones_own_moves_with_its_folder(world: World) -> None:
    world.settle({"generator/packs/mine/pack.yaml": "mine\n"})
    target = world.release(
        {"generator/packs/load.py": "stays\n"}, moved=lambda at: git(at, "mv", "generator/packs", "packs")
    )
    assert world.upgrade(target)
    assert (world.clone / "packs/mine/pack.yaml").read_text() == "mine\n"
    assert git(world.clone, "status", "--porcelain") == ""


def kinds_move(at: Path) -> None:
    """The compiler stays where kinds lay before."""
    git(at, "mv", "generator/packs", "packs")
    write(at, {"generator/packs/load.py": "stays\n"})


def test_a_kind_of_ones_own_beside_git_moves_too_and_back(world: World) -> None:
    world.settle({})
    own = {"generator/packs/mine/pack.yaml": "mine\n", "generator/packs/mine/runbooks/Down.md": "# Down\n"}
    write(world.clone, own)
    before = state(world.clone)
    assert world.upgrade(world.release({}, moved=kinds_move))
    assert "your kind generator/packs/mine/ moves to packs/mine/" in world.said
    assert {path: (world.clone / path.removeprefix("generator/")).read_text() for path in own} == own
    assert not (world.clone / "generator/packs/mine").exists()
    assert git(world.clone, "status", "--porcelain") == "?? packs/mine/"
    go_back(world.clone)
    assert state(world.clone) == before
    assert git(world.clone, "for-each-ref", "refs/lookout") == ""


def test_a_file_beside_git_of_a_kind_that_git_knows_moves_with_it(world: World) -> None:
    world.settle({"generator/packs/mine/pack.yaml": "mine\n"})
    write(world.clone, {"generator/packs/mine/fixtures/new.prom": "up 1\n"})
    before = state(world.clone)
    assert world.upgrade(world.release({}, moved=kinds_move))
    assert (world.clone / "packs/mine/pack.yaml").is_file() and (world.clone / "packs/mine/fixtures/new.prom").is_file()
    go_back(world.clone)
    assert state(world.clone) == before


def test_a_kind_beside_git_with_a_name_that_the_product_takes_is_named(world: World) -> None:
    world.settle({})
    write(world.clone, {"generator/packs/new/pack.yaml": "mine\n"})
    target = world.release({"packs/new/pack.yaml": "product\n"}, moved=kinds_move)
    assert [each.code for each in world.refused(target)] == ["store/foreign"]


def test_what_cannot_be_moved_undoes_the_upgrade(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.settle({})
    write(world.clone, {"generator/packs/mine/pack.yaml": "mine\n", "generator/packs/mine/rules.yaml": "mine\n"})
    target = world.release({}, moved=kinds_move)
    honest = Path.rename

    def fails(self: Path, target: Path) -> Path:
        if self.name == "rules.yaml" and "packs/mine" in str(target) and "generator" not in str(target):
            raise OSError(13, "Permission denied")
        return honest(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    (problem,) = world.refused(target)
    assert problem.message.startswith("generator/packs/mine/rules.yaml cannot be moved: Permission denied")


def test_a_file_that_differs_from_its_list_as_lookout_itself_committed_it_is_no_edit(world: World) -> None:
    write(world.product, {"home.html": "rendered by another version\n"})
    commit(world.product, "v1, not rendered again")
    git(world.clone, "pull", "--quiet")
    assert world.upgrade(world.release())
    assert git(world.clone, "status", "--porcelain") == ""


def test_on_no_branch_it_says_how_to_keep_the_result(world: World) -> None:
    world.settle({})
    git(world.clone, "checkout", "--quiet", "--detach")
    before = state(world.clone)
    assert world.upgrade(world.release())
    assert any("git switch --create NAME" in line for line in world.said)
    go_back(world.clone)
    assert state(world.clone) == before


def test_twice_in_a_row_goes_back_to_the_first(world: World) -> None:
    world.settle({})
    world.upgrade(world.release())
    between = state(world.clone)
    assert world.upgrade(world.release({"README.md": "third\n"}))
    assert not world.upgrade(git(world.product, "rev-parse", "HEAD"))
    go_back(world.clone)
    assert state(world.clone) == between


def test_a_kind_of_ones_own_with_a_name_that_the_product_takes_is_named(world: World) -> None:
    world.settle({"generator/packs/mine/pack.yaml": "mine\n"})
    target = world.release({"generator/packs/README.md": "", "packs/mine/pack.yaml": "product\n"})
    assert [each.code for each in world.refused(target)] == ["store/foreign"]


def test_a_rendered_file_that_was_edited_is_named(world: World) -> None:
    world.settle({})
    (world.clone / "home.html").write_text("by hand\n")
    assert [each.code for each in world.refused(world.release())] == ["store/edited"]


@pytest.mark.parametrize("committed", [True, False])
def test_a_file_of_the_user_where_the_new_version_has_one_is_named(world: World, committed: bool) -> None:
    world.settle({})
    target = world.release({"docs/new.md": "product\n"})
    (world.clone / "docs").mkdir()
    (world.clone / "docs/new.md").write_text("user\n")
    if committed:
        commit(world.clone, "Our page")
    (problem,) = world.refused(target)
    assert problem.code == ("upgrade/conflict" if committed else "store/foreign")
    assert problem.span and problem.span.file == "docs/new.md"


def test_a_file_of_the_user_where_the_new_version_renders_one_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.settle({"page.html": "ours\n"})
    with_page = rendered(DEMO, "v2") | {"page.html": "rendered\n"}
    monkeypatch.setitem(globals(), "rendered", lambda spec, version: with_page)
    (problem,) = world.refused(world.release())
    assert (problem.code, problem.span and problem.span.file) == ("store/foreign", "page.html")


def test_a_mistake_that_the_new_version_finds_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.settle({})
    target = world.release()
    program = "import sys; sys.stderr.write('services.yaml:1:1: error[spec/unknown-key]: no\\n'); sys.exit(1)"
    write(world.product, {"generator/__main__.py": program})
    target = commit(world.product, "v2 with a compiler")
    git(world.clone, "fetch", "--quiet", "origin")
    monkeypatch.undo()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(world.clone.parent / "gitconfig"))
    (problem,) = world.refused(target)
    assert problem.notes == ("services.yaml:1:1: error[spec/unknown-key]: no",)


def test_tools_that_are_missing_do_not_stop_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = iter((0, 3))
    monkeypatch.undo()
    monkeypatch.setattr(run, "_lookout", lambda root, verb: next(codes))
    run._compile(world.clone, world.said.append)
    assert "some tools are missing here" in world.said[-1]


def test_a_change_while_the_plan_is_read_is_noticed(world: World) -> None:
    world.settle({})
    target = world.release()

    def edit() -> bool:
        (world.clone / "README.md").write_text("meanwhile\n")
        return True

    with pytest.raises(Problems, match="files changed while this was under way"):
        upgrade(world.clone, Wanted(target, "v2"), world.said.append, edit)
    assert (world.clone / "README.md").read_text() == "meanwhile\n"
    assert git(world.clone, "log", "-1", "--format=%s") == "Our site"


def test_a_file_that_appears_while_the_plan_is_read_is_not_overwritten(world: World) -> None:
    world.settle({})
    target = world.release({"fresh.md": "product\n"})

    def edit() -> bool:
        (world.clone / "fresh.md").write_text("user\n")
        return True

    with pytest.raises(Problems, match="this file is yours"):
        upgrade(world.clone, Wanted(target, "v2"), world.said.append, edit)
    assert (world.clone / "fresh.md").read_text() == "user\n"


@pytest.mark.parametrize("dirty", [True, False])
def test_a_last_step_that_fails_half_way_is_undone(world: World, monkeypatch: pytest.MonkeyPatch, dirty: bool) -> None:
    world.settle({})
    target = world.release({"fresh.md": "product\n"})
    if dirty:
        (world.clone / "README.md").write_text("mine, not committed\n")
    honest = Git.text

    def fails(self: Git, *words: str, **more: object) -> str:
        if "--ff-only" in words:
            write(world.clone, {"fresh.md": "half", "home.html": "half"})
            raise Problems([Diagnostic("upgrade/refused", "no space left on device")])
        return honest(self, *words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Git, "text", fails)
    assert world.refused(target)[0].message == "no space left on device"


def test_in_the_middle_of_a_merge_nothing_is_done(world: World) -> None:
    world.settle({"README.md": "mine\n"})
    target = world.release({"README.md": "theirs\n"})
    subprocess.run(["git", "merge", target], cwd=world.clone, capture_output=True)
    assert "a merge is under way" in world.refused(target)[0].message


def test_two_histories_with_nothing_in_common_are_refused(world: World) -> None:
    world.settle({})
    tree = git(world.clone, "rev-parse", "HEAD^{tree}")
    stranger = git(world.clone, "commit-tree", tree, "-m", "another beginning")
    assert "no common history" in world.refused(stranger)[0].message


def test_commits_since_the_upgrade_are_not_thrown_away(world: World) -> None:
    world.settle({})
    world.upgrade(world.release())
    write(world.clone, {"README.md": "later\n"})
    commit(world.clone, "Later")
    before = state(world.clone)
    with pytest.raises(Problems) as caught:
        go_back(world.clone)
    assert "git revert -m 1" in caught.value.diagnostics[0].hint
    assert state(world.clone) == before


def test_a_machine_where_git_knows_no_name_can_upgrade(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.settle({})
    target = world.release()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    git(world.clone, "config", "user.useConfigOnly", "true")
    assert world.upgrade(target)
    assert git(world.clone, "log", "-1", "--format=%an") == "Lookout"


def test_without_a_terminal_nothing_is_agreed_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object, **__: object) -> object:
        raise OSError(6, "No such device or address")

    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(Problems, match="no terminal"):
        ask()


@pytest.mark.parametrize(("typed", "agreed"), [("y\n", True), ("YES\n", True), ("\n", False), ("no\n", False)])
def test_what_is_typed_at_the_terminal_counts(monkeypatch: pytest.MonkeyPatch, typed: str, agreed: bool) -> None:
    """At a real one: a file that both sides open, with no position in it."""
    person, terminal = pty.openpty()
    try:
        monkeypatch.setattr(run, "_TERMINAL", Path(os.ttyname(terminal)))
        os.write(person, typed.encode())
        assert ask() is agreed
        shown = b""
        while b"go on? [y/N] " not in shown:  # what was typed is shown too, and the terminal hands on what it has
            shown += os.read(person, 1000)
    finally:
        os.close(person)
        os.close(terminal)


def test_only_what_is_new_in_the_changelog_has_to_be_done() -> None:
    before = "## 1\n\n### What you must do\n\n- Old\n  thing\n\n### Added\n\n- More\n"
    after = "## 2\n\n### What you must do\n\n- New\n  thing.\n- Another\n\n## 1" + before.removeprefix("## 1")
    assert to_do(before, after) == ["New thing.", "Another"]
    assert to_do(after, after) == []
