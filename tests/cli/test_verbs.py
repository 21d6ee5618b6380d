"""The command line as a user meets it: what it prints where, and the exit codes."""

import json
import os
import re
import threading
from pathlib import Path

import pytest

from generator.cli import main
from generator.diagnostics import Diagnostic, Problems
from generator.disk.locks import tree_lock
from generator.verbs import stages as verbs
from generator.verbs.render import render_file

DEMO = (Path(__file__).resolve().parents[2] / "services.yaml").read_text()
GOOD = "services:\n  site: {kind: probe, targets: [https://acme.dev]}\nchannels: {ops: {telegram: 1}}\n"


class Run:
    """One run of the command line: exit code, stdout, stderr."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *words: str) -> None:
        self.code = 0
        try:
            main(words)
        except SystemExit as left:
            self.code = left.code if isinstance(left.code, int) else 1 if left.code else 0
        self.out, self.err = capsys.readouterr()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own with a good services.yaml, where no tool is run and nothing runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "services.yaml").write_text(GOOD)
    monkeypatch.setattr(verbs, "check_tree", lambda *_: ())
    return tmp_path


def test_help_lists_the_verbs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(capsys, "--help")
    assert run.code == 0
    verbs = "init check render plan apply explain schema connect logs backtest new-pack"
    for verb in verbs.split():
        assert f"\n  {verb} " in run.out


def test_a_file_that_may_not_be_read_is_a_problem_and_no_defect(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    run = Run(capsys, "render")
    assert run.code == 1
    assert "error[source/unreadable]: services.yaml: Permission denied" in run.err


def test_a_misspelt_verb_is_usage(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Run(capsys, "rendr").code == 2


def test_render_writes_once_and_then_has_nothing_to_do(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = Run(capsys, "render")
    assert first.code == 0
    assert "+ prometheus/prometheus.yml" in first.err
    assert first.out == ""
    assert Run(capsys, "render").err == "no changes\n"


def test_render_into_an_empty_folder_gives_the_whole_tree(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Run(capsys, "render")
    Run(capsys, "render", "-o", "other")
    own = {p.relative_to(here) for p in here.rglob("*") if p.is_file() and "other" not in p.parts}
    other = {p.relative_to(here / "other") for p in (here / "other").rglob("*") if p.is_file()}
    assert own - other == {Path("services.yaml")}


def test_render_for_machines_prints_json_alone(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(capsys, "render", "--json")
    data = json.loads(run.out)
    assert {"action": "create", "path": "prometheus/prometheus.yml"} in data["changes"]
    assert run.err == ""


def test_an_edited_file_is_kept_until_forced(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Run(capsys, "render")
    (here / "prometheus/prometheus.yml").write_text("mine\n")
    refused = Run(capsys, "render")
    assert refused.code == 1
    assert "error[store/edited]" in refused.err
    assert (here / "prometheus/prometheus.yml").read_text() == "mine\n"
    assert Run(capsys, "render", "--force").code == 0
    assert (here / "prometheus/prometheus.yml").read_text() != "mine\n"


# services.yaml after an edit, and whether it lets files come and go, or change.
EDITS = {
    "one file changes": GOOD.replace("telegram: 1", "telegram: 2"),
    "a service more": GOOD.replace("channels:", "  shop: {kind: probe, targets: [https://shop.dev]}\nchannels:"),
    "a service less": "services:\n  other: {kind: http, targets: [a:80]}\nchannels: {ops: {telegram: 1}}\n",
    "an objective": GOOD.replace("acme.dev]", "acme.dev], slo: {availability: 99%}"),
}


@pytest.mark.parametrize("edited", EDITS.values(), ids=EDITS)
def test_after_a_good_edit_check_is_fine_and_says_once_how_many_files_are_not_rendered_yet(
    here: Path, capsys: pytest.CaptureFixture[str], edited: str
) -> None:
    Run(capsys, "render")
    rendered = Run(capsys, "check")
    assert (rendered.code, rendered.err) == (0, "")
    (here / "services.yaml").write_text(edited)
    planned = json.loads(Run(capsys, "render", "--json", "-o", "fresh").out)["changes"]
    changed = [
        path
        for path in {change["path"] for change in planned} | rendered_files(here)
        if content(here / path) != content(here / "fresh" / path)
    ]
    run = Run(capsys, "check")
    assert run.code == 0
    assert run.err.splitlines()[0] == (
        f"note[store/stale]: not rendered yet: {len(changed)} file{'s' * (len(changed) > 1)} (lookout plan shows them)"
    )
    assert run.err.count("store/stale") == 1
    (note,) = json.loads(Run(capsys, "check", "--json").out)["diagnostics"]
    assert (note["code"], note["level"], note["span"]) == ("store/stale", "note", None)
    Run(capsys, "render")
    assert Run(capsys, "check").err == ""


def rendered_files(root: Path) -> set[str]:
    lines = (root / "generated.lock").read_text().splitlines()
    return {line.split("  ", 1)[1] for line in lines if not line.startswith("#")}


def content(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None


def test_in_ci_each_file_that_is_out_of_date_is_an_error(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Run(capsys, "render")
    assert Run(capsys, "check", "--ci").code == 0
    (here / "services.yaml").write_text(GOOD.replace("telegram: 1", "telegram: 2"))
    run = Run(capsys, "check", "--ci", "--json")
    assert run.code == 1
    stale = [d for d in json.loads(run.out)["diagnostics"] if d["code"] == "store/stale"]
    assert {d["level"] for d in stale} == {"error"}
    assert "alertmanager/alertmanager.yml" in [d["span"]["file"] for d in stale]


def test_in_ci_a_tree_that_was_never_rendered_is_an_error(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Run(capsys, "check").code == 0
    assert Run(capsys, "check", "--ci").code == 1


def test_a_file_that_was_edited_by_hand_is_an_error_of_check(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Run(capsys, "render")
    (here / "prometheus/prometheus.yml").write_text("mine\n")
    run = Run(capsys, "check")
    assert run.code == 1
    assert "error[store/edited]" in run.err and "store/stale" not in run.err


def test_check_says_all_even_when_the_list_of_rendered_files_cannot_be_read(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Run(capsys, "render")
    (here / "generated.lock").write_text("<<<<<<< HEAD\n")
    objection = Diagnostic("check/failed", "promtool does not like it")
    monkeypatch.setattr(verbs, "check_tree", lambda *_: (objection,))
    run = Run(capsys, "check", "--json")
    assert {d["code"] for d in json.loads(run.out)["diagnostics"]} >= {"check/failed", "store/unreadable"}


def test_render_says_for_which_process_it_waits(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with tree_lock(here):
        said: list[str] = []
        thread = threading.Thread(target=render_file, args=(Path("services.yaml"), here, False, said.append))
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join()
    assert [line for line in said if line.startswith(f"waiting: process {os.getpid()} ")] == said != []
    assert (here / "generated.lock").is_file()


def test_what_a_tool_objects_to_is_not_written(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    objection = Diagnostic("check/failed", "promtool: no")
    monkeypatch.setattr(verbs, "check_tree", lambda *_: (objection,))
    run = Run(capsys, "apply")
    assert run.code == 1
    assert "error[check/failed]: promtool: no" in run.err
    assert [path.name for path in here.iterdir()] == ["services.yaml"]


def test_a_missing_tool_is_reported_by_the_exit_code(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = Diagnostic("check/tool-missing", "promtool is not on this machine")
    monkeypatch.setattr(verbs, "check_tree", lambda *_: (missing,))
    assert Run(capsys, "check").code == 3


def test_apply_without_a_running_stack_writes_the_files_and_says_so(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("generator.apply.run.running_services", lambda root: frozenset())
    run = Run(capsys, "apply")
    assert run.code == 0
    assert "the stack is not running" in run.err
    assert (here / "generated.lock").is_file()


def test_plan_shows_what_would_change_and_changes_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("generator.apply.run.running_services", lambda root: frozenset())
    Run(capsys, "render")
    (here / "services.yaml").write_text(GOOD.replace("telegram: 1", "telegram: 2"))
    before = (here / "generated.lock").read_bytes()
    run = Run(capsys, "plan")
    assert run.code == 0
    assert "notifies Telegram 2 instead of Telegram 1" in run.out
    assert "chat_id" not in run.out
    assert "the stack is not running" in run.out
    assert re.search(r"^\d+ files? changes? \(--diff shows them\)$", run.err, re.MULTILINE)
    assert (here / "generated.lock").read_bytes() == before
    run = Run(capsys, "plan", "--diff")
    assert "-    chat_id: 1\n+    chat_id: 2\n" in run.out
    assert "~ alertmanager/alertmanager.yml" in run.err
    data = json.loads(Run(capsys, "plan", "--json").out)
    assert {"action": "update", "path": "alertmanager/alertmanager.yml"} in data["changes"]
    assert data["running"] == ["the stack is not running; `make up` starts it"]
    moved = [change for change in data["people"] if "instead of" in change["text"]]
    assert ["site", "ProbeFailed"] in [alert for change in moved for alert in change["alerts"]]
    assert all(change["receivers"] == ["Telegram 2"] for change in moved)


def test_plan_of_one_threshold_is_a_few_lines(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("generator.apply.run.running_services", lambda root: frozenset())
    (here / "services.yaml").write_text(DEMO)
    Run(capsys, "render")
    assert "latency_p95: 300ms" in DEMO
    (here / "services.yaml").write_text(DEMO.replace("latency_p95: 300ms", "latency_p95: 400ms"))
    run = Run(capsys, "plan")
    assert run.out.startswith("2 alerts: 300ms → 400ms (warning, to Slack #ops)\n")
    assert len((run.out + run.err).splitlines()) <= 12


def test_apply_says_what_changes_for_people_as_plan_does(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("generator.apply.run.running_services", lambda root: frozenset())
    Run(capsys, "render")
    (here / "services.yaml").write_text(GOOD.replace("telegram: 1", "telegram: 2"))
    planned = Run(capsys, "plan").out.splitlines()
    applied = [line.strip() for line in Run(capsys, "apply").err.splitlines()]
    assert {line.strip() for line in planned} <= set(applied)


def test_the_schema_is_one_for_editors(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema = json.loads(Run(capsys, "schema").out)
    assert schema["required"] == ["services"]
    assert schema["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (("explain", "spec/unknown-kind"), "# spec/unknown-kind:"),
        (("explain", "ProbeFailed"), "ProbeFailed of site: critical"),
        (("explain", "ProbeFailed", "--service", "site"), "packs/probe/rules.yaml:"),
    ],
)
def test_explain_prints_a_page_or_an_alert(
    here: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], printed: str
) -> None:
    run = Run(capsys, *words)
    assert run.code == 0
    assert printed in run.out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("explain", "ProbeFaild"), "did you mean 'ProbeFailed'?"),
        (("explain", "ProbeFailed", "--service", "unknown"), "no alert of 'unknown'"),
        (("connect", "sit"), "did you mean 'site'?"),
    ],
)
def test_a_name_that_is_not_there_gets_a_suggestion(
    here: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], hint: str
) -> None:
    run = Run(capsys, *words)
    assert run.code == 1
    assert hint in run.err


def test_connect_prints_lines_for_a_service(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "services.yaml").write_text("services:\n  api: {kind: http, targets: [api:8000]}\n")
    assert "external: true" in Run(capsys, "connect", "api").out


def test_init_starts_a_file_that_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Run(capsys, "init", "-o", str(tmp_path / "new")).code == 0
    assert Run(capsys, "render", "-f", str(tmp_path / "new/services.yaml")).code == 0


def test_init_replaces_the_demo_and_never_a_users_own_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused = Run(capsys, "init")
    assert refused.code == 1
    assert "store/foreign" in refused.err
    assert (here / "services.yaml").read_text() == GOOD
    (here / "services.yaml").write_text("# The demo: something\n")
    assert Run(capsys, "init").code == 0


@pytest.mark.parametrize(
    ("content", "code"), [(None, "source/unreadable"), (b"\xff\xfe", "source/unreadable"), (b"#" * 5_000_000, "larger")]
)
def test_a_file_that_cannot_be_read_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, code: str
) -> None:
    path = tmp_path / "services.yaml"
    if content is not None:
        path.write_bytes(content)
    run = Run(capsys, "render", "-f", str(path))
    assert run.code == 1
    assert code in run.err


def test_a_folder_in_place_of_the_file_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "source/unreadable" in Run(capsys, "render", "-f", str(tmp_path), "-o", str(tmp_path / "x")).err


def test_problems_are_json_where_a_machine_asked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "services.yaml").write_text("services: 3\n")
    run = Run(capsys, "check", "--json")
    assert run.code == 1
    (problem,) = json.loads(run.out)["diagnostics"]
    assert (problem["code"], problem["span"]["line"], problem["span"]["column"]) == ("spec/wrong-type", 1, 11)


def test_a_defect_of_ours_is_owned_up_to_without_a_traceback(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("generator.pipeline.compile_text", broken)
    run = Run(capsys, "render")
    assert run.code == 1
    assert "internal error: RuntimeError in test_verbs.py:" in run.err
    assert "boom" not in run.err, "an exception's own text may hold a secret"
    assert "Traceback" not in run.err
    monkeypatch.setenv("LOOKOUT_DEBUG", "1")
    with pytest.raises(RuntimeError):
        main(["render"])


def test_connect_of_an_unknown_service_is_a_problem(here: Path) -> None:
    with pytest.raises(Problems):
        verbs.connect_file(here / "services.yaml", "unknown")
