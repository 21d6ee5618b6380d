"""Making a stack follow, with the stack's answers played: what is reloaded, believed, and told when it fails."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from generator.apply import reconcilers, run
from generator.apply.reconcilers import RECONCILERS, Reconciler, Running
from generator.diagnostics import Diagnostic
from generator.kuma import KumaError, SecretMissing
from generator.pipeline import compile_text

TEXT = "services:\n  site: {kind: probe, targets: [https://acme.dev]}\n"


class Compose:
    """Stands in for docker compose: remembers what it was told, answers with an exit code and text."""

    def __init__(self, code: int = 0, out: str = "", err: str = "") -> None:
        self.calls: list[tuple[str, ...]] = []
        self.answer = (code, out, err)

    def __call__(self, root: Path, *arguments: str, timeout: int = 0) -> "subprocess.CompletedProcess[str]":
        self.calls.append(arguments)
        code, out, err = self.answer
        return subprocess.CompletedProcess(arguments, code, out, err)


@pytest.fixture
def running(tmp_path: Path) -> Running:
    compiled = compile_text(TEXT, "services.yaml")
    (tmp_path / ".env").write_text("# a comment\nLOOKOUT_PORT=18080\n")
    return run.running_stack(tmp_path, compiled.site, compiled.artifacts)


def follow(drifts: list[list[str]]) -> Callable[[Running], list[str]]:
    """A part that differs in these ways, one list each time it is asked; the last one stays."""
    return lambda _: drifts.pop(0) if len(drifts) > 1 else drifts[0]


def play(monkeypatch: pytest.MonkeyPatch, compose: Compose, *parts: Reconciler, alive: bool = True) -> None:
    monkeypatch.setattr(reconcilers, "compose", compose)
    monkeypatch.setattr(run, "compose", compose)
    monkeypatch.setattr(run, "RECONCILERS", parts)
    monkeypatch.setattr(run, "ensure_secrets", lambda *_: None)
    monkeypatch.setattr(run, "running_services", lambda _: frozenset({"part"} if alive else ()))


def part(drift: Any, apply: Any = lambda _: []) -> Reconciler:
    return Reconciler("part", "part", drift, apply)


def test_ports_come_from_the_env_file(running: Running) -> None:
    assert (running.local_url, running.kuma_url) == ("http://127.0.0.1:18080", "http://127.0.0.1:3001")


def test_a_part_that_follows_is_left_alone(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    compose = Compose()
    drift = follow([[]])
    play(monkeypatch, compose, part(drift, reconcilers._reload("part", drift)))
    assert run.apply_running(running, lambda _: None) == []
    assert not [call for call in compose.calls if call[0] == "kill"]


def test_a_part_that_differs_is_reloaded_and_asked_again(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    compose = Compose()
    drift = follow([["old"], ["old"], []])
    play(monkeypatch, compose, part(drift, reconcilers._reload("part", drift)))
    assert run.apply_running(running, lambda _: None) == []
    assert ("kill", "-s", "SIGHUP", "part") in compose.calls


def test_a_part_that_goes_on_differing_is_told_with_its_log(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcilers, "WAIT", 0.0)
    drift = follow([["rule group x is not the rendered one"]])
    play(monkeypatch, Compose(out="level=error bad rule\n"), part(drift, reconcilers._reload("part", drift)))
    (problem,) = run.apply_running(running, lambda _: None)
    assert problem.code == "apply/not-loaded"
    assert problem.message == "part did not load: rule group x is not the rendered one"
    assert problem.notes == ("level=error bad rule",)


def test_a_part_that_cannot_be_signalled_is_told(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    drift = follow([["old"]])
    monkeypatch.setattr(reconcilers, "compose", Compose(1, err="no such container"))
    (problem,) = reconcilers._reload("part", drift)(running)
    assert (problem.code, "no such container" in problem.message) == ("apply/unreachable", True)


def test_one_silent_part_does_not_keep_the_others_back(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(_: Running) -> list[Diagnostic]:
        raise requests.ConnectionError("refused")

    asked: list[str] = []

    def second(_: Running) -> list[Diagnostic]:
        asked.append("second")
        return []

    play(monkeypatch, Compose(), part(None, silent), part(None, second))
    problems = run.apply_running(running, lambda _: None)
    assert [problem.code for problem in problems] == ["apply/unreachable"]
    assert asked == ["second"]


def test_containers_that_do_not_come_up_are_told(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, Compose(1, err="pull access denied"), part(follow([[]])))
    (problem,) = run.apply_running(running, lambda _: None)
    assert problem.notes == ("pull access denied",)


def test_nothing_is_done_to_a_stack_that_does_not_run(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    compose = Compose()
    play(monkeypatch, compose, alive=False)
    said: list[str] = []
    assert run.apply_running(running, said.append) == []
    assert said == ["the stack is not running; `make up` starts it"]
    assert run.plan_running(running) == (said, [])
    assert compose.calls == []


def test_plan_names_containers_and_differences(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    (running.root / "compose.rendered.yaml").write_text(running.artifacts["compose.rendered.yaml"].content)
    dry = " DRY-RUN MODE -  Container lookout-loki-1  Recreate \n DRY-RUN MODE -  Container lookout-api-1  Running \n"
    gone = Reconciler("gone", "gone", follow([[]]), lambda _: [])
    play(monkeypatch, Compose(err=dry), part(follow([["job a should be gone"]])), gone)
    lines, problems = run.plan_running(running)
    assert lines == ["compose: lookout-loki-1 Recreate", "part: job a should be gone", "gone: not running"]
    assert problems == []


def test_what_starts_anew_is_named_before_it_is_written(running: Running) -> None:
    text = running.artifacts["compose.rendered.yaml"].content
    path = running.root / "compose.rendered.yaml"
    assert "compose: loki is added" in run.container_changes(running)
    path.write_text(text)
    assert run.container_changes(running) == []
    old = yaml.safe_load(text)
    old["services"]["loki"]["mem_limit"] = "1"
    old["services"]["redis-exporter-old"] = {}
    path.write_text(yaml.safe_dump(old))
    assert run.container_changes(running) == [
        "compose: redis-exporter-old goes",
        "compose: loki starts anew, for its settings change",
    ]


@pytest.mark.parametrize(
    ("error", "code"), [(KumaError("wrong password", "x"), "apply/kuma"), (OSError("no"), "apply/unreachable")]
)
def test_plan_goes_on_when_a_part_cannot_be_asked(
    running: Running, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    def drift(_: Running) -> list[str]:
        raise error

    play(monkeypatch, Compose(), part(drift))
    assert [problem.code for problem in run.plan_running(running)[1]] == [code]


@pytest.mark.parametrize(
    ("error", "code"), [(SecretMissing("no file", "x"), "apply/secret-missing"), (KumaError("no", "x"), "apply/kuma")]
)
def test_kumas_refusals_are_diagnostics(
    running: Running, monkeypatch: pytest.MonkeyPatch, error: KumaError, code: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(reconcilers, "apply_kuma", refuse)
    assert [problem.code for problem in reconcilers.kuma_apply(running)] == [code]


def test_caddy_that_refuses_its_file_is_told(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcilers, "compose", Compose(1, err="Error: adapting config\n"))
    (problem,) = reconcilers.caddy_apply(running)
    assert problem.notes == ("Error: adapting config",)
    monkeypatch.setattr(reconcilers, "compose", Compose())
    assert reconcilers.caddy_apply(running) == []


def test_the_blackbox_exporter_tells_its_modules_through_compose(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcilers, "compose", Compose(out=running.artifacts["prometheus/blackbox.yml"].content))
    assert reconcilers.blackbox_drift(running) == []
    monkeypatch.setattr(reconcilers, "compose", Compose(1))
    assert reconcilers.blackbox_drift(running) != []


def test_every_part_is_a_service_of_compose() -> None:
    text = (Path(__file__).resolve().parents[2] / "compose.yaml").read_text()
    assert all(f"\n  {each.service}:\n" in text for each in RECONCILERS)
