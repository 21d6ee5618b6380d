"""The two ends of `make up`: what is new is checked before it is written, what is not is not checked again."""

from pathlib import Path
from typing import Any

import pytest

from generator.diagnostics import Diagnostic
from generator.verbs import up

LEAST = "services:\n  web: {kind: probe, targets: [https://example.com]}\n"
OBJECTION = Diagnostic("check/failed", "promtool does not like it")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a services.yaml, where no tool is run and none objects."""
    (tmp_path / "services.yaml").write_text(LEAST)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(up, "check_tree", lambda *_: ())
    return tmp_path


def test_what_is_not_rendered_yet_is_checked_and_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert up.main(["prepare"]) == 0
    assert (folder / "prometheus/prometheus.yml").is_file()
    assert "files changed" in capsys.readouterr().err


def test_what_has_not_changed_is_not_checked_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    up.main(["prepare"])
    monkeypatch.setattr(up, "check_tree", lambda *_: (OBJECTION,))
    assert up.main(["prepare"]) == 0
    assert "nothing changed" in capsys.readouterr().err


def test_what_a_tool_objects_to_is_not_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(up, "check_tree", lambda *_: (OBJECTION,))
    assert up.main(["prepare"]) == 1
    assert "promtool does not like it" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["services.yaml"]


def test_a_mistake_in_services_yaml_is_shown_with_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "services.yaml").write_text(LEAST.replace("probe", "prob"))
    assert up.main(["prepare"]) == 1
    reported = capsys.readouterr().err
    assert "services.yaml:2:15: error[spec/unknown-kind]" in reported
    assert "did you mean 'probe'?" in reported


def test_what_containers_mount_is_opened_and_what_starts_is_marked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    marked: list[Path] = []
    monkeypatch.setattr(up, "mark_up", marked.append)
    monkeypatch.setattr(up, "open_mounts", lambda _: [])
    assert (up.main(["open"]), marked) == (0, [folder])
    monkeypatch.setattr(up, "open_mounts", lambda _: [Diagnostic("apply/not-loaded", "caddy cannot be opened")])
    assert (up.main(["open"]), marked) == (1, [folder])
    assert "caddy cannot be opened" in capsys.readouterr().err


def test_a_services_yaml_that_is_not_there_is_reported(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "services.yaml").unlink()
    assert up.main(["prepare"]) == 1
    assert "source/unreadable" in capsys.readouterr().err


@pytest.mark.parametrize(("level", "code"), [("error", 1), ("warning", 0)])
def test_following_fails_only_with_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, level: Any, code: int
) -> None:
    reported: list[Path] = []

    def apply_running(running: Any, say: Any) -> list[Diagnostic]:
        reported.append(running.root)
        return [Diagnostic("apply/not-loaded", "prometheus did not load", level=level)]

    monkeypatch.setattr(up, "apply_running", apply_running)
    assert up.main(["follow"]) == code
    assert reported == [folder]
