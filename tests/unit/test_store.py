"""Plans over a tree, and writing them: all or nothing, and never what is not ours."""

from pathlib import Path

import pytest

from generator.artifact import Artifact
from generator.conventions import LOCK_FILE
from generator.diagnostics import Problems
from generator.store import plan_tree, write_plan


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


def test_a_listed_file_that_somebody_removed_comes_back(tmp_path: Path) -> None:
    render(tmp_path, ("a.yml", "1\n"))
    (tmp_path / "a.yml").unlink()
    assert render(tmp_path, ("a.yml", "1\n")) == [("create", "a.yml")]


def test_a_run_cut_off_between_two_renames_is_completed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render(tmp_path, ("a.yml", "1\n"), ("b.yml", "1\n"))
    original = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if target.name == "b.yml":
            raise OSError("power cut")
        return original(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(Problems, match="power cut"):
        render(tmp_path, ("a.yml", "2\n"), ("b.yml", "2\n"))
    assert (tmp_path / "a.yml").read_text() == "2\n"
    assert (tmp_path / "b.yml").read_text() == "1\n"
    assert not list(tmp_path.glob(".*")), "no staged file is left behind"
    monkeypatch.undo()
    assert render(tmp_path, ("a.yml", "2\n"), ("b.yml", "2\n")) == [("update", "b.yml")]


def test_a_folder_that_cannot_be_written_is_a_diagnostic(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file where a folder should be")
    assert codes(tmp_path, ("a/b.yml", "1\n")) == ["store/stale"]


@pytest.mark.parametrize("path", ["/etc/passwd", "../up.yml", "a/../../b.yml"])
def test_an_artifact_stays_in_its_tree(path: str) -> None:
    with pytest.raises(ValueError, match="inside its tree"):
        Artifact(path, "")
