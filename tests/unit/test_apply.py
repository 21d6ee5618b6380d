"""Making a stack follow, with the stack's answers played: what is reloaded, believed, and reported when it fails."""

import hashlib
import json
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from generator.apply import bugsink, caddy, kuma, loki, marks, reloading, run, running, starting
from generator.apply.caddy import CADDY
from generator.apply.prometheus import PROMETHEUS
from generator.apply.readback import LastLoad
from generator.apply.reconcilers import RECONCILERS
from generator.apply.reloading import Reloadable, reconciler
from generator.apply.running import Reconciler, Running
from generator.clients.http import NoAnswer, Server
from generator.diagnostics import Diagnostic
from generator.kuma import KumaError, SecretMissing
from generator.parts.table import PARTS
from generator.pipeline import compile_text
from generator.render.seal import seal_in
from generator.secrets.files import ensure_secrets
from generator.verbs import stages

TEXT = "services:\n  site: {kind: probe, targets: [https://acme.dev]}\n"


class Compose:
    """Stands in for docker compose: remembers its calls, answers with an exit code and text."""

    def __init__(self, code: int = 0, out: str = "", err: str = "") -> None:
        self.calls: list[tuple[str, ...]] = []
        self.answer = (code, out, err)

    def __call__(self, root: Path, *arguments: str, timeout: int = 0) -> "subprocess.CompletedProcess[str]":
        self.calls.append(arguments)
        code, out, err = self.answer
        return subprocess.CompletedProcess(arguments, code, out, err)


@pytest.fixture
def stack(tmp_path: Path) -> Running:
    compiled = compile_text(TEXT, "services.yaml")
    (tmp_path / ".env").write_text("# a comment\nLOOKOUT_PORT=18080\n")
    return run.running_stack(tmp_path, compiled.site, compiled.artifacts)


def follow(drifts: list[list[str]]) -> Callable[[Running], list[str]]:
    """A part that differs in these ways, one list each time it is asked; the last one stays."""
    return lambda _: drifts.pop(0) if len(drifts) > 1 else drifts[0]


def play(monkeypatch: pytest.MonkeyPatch, compose: Compose, *parts: Reconciler, alive: bool = True) -> None:
    for module in (bugsink, caddy, marks, reloading, run, running, starting):
        monkeypatch.setattr(module, "compose", compose)
    monkeypatch.setattr(run, "stale_parts", lambda *_: {})
    monkeypatch.setattr(run, "apps_to_restart", lambda *_: [])
    monkeypatch.setattr(run, "open_mounts", lambda _: [])
    for module in (run, starting):
        monkeypatch.setattr(module, "started", lambda _: {})
    monkeypatch.setattr(run, "RECONCILERS", parts)
    monkeypatch.setattr(run, "ensure_secrets", lambda *_: None)
    monkeypatch.setattr(run, "running_services", lambda _: frozenset({"part"} if alive else ()))


def reloads(drift: Callable[[Running], list[str]], last: LastLoad | None = None) -> Reconciler:
    return reconciler("part", Reloadable("part", drift, lambda _: last, reloading.signal("part")))


def part(drift: Any, apply: Any = lambda _: []) -> Reconciler:
    return Reconciler("part", "part", drift, apply)


def test_a_plan_asks_all_parts_at_once_and_lists_them_in_their_order(
    stack: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(3, timeout=10)

    def waiting(sentence: str) -> Callable[[Running], list[str]]:
        def drift(_: Running) -> list[str]:
            together.wait()
            return [sentence]

        return drift

    parts = [Reconciler(name, "caddy", waiting(f"of {name}"), lambda _: []) for name in ("zeta", "alpha", "mid")]
    play(monkeypatch, Compose(out="caddy"), *parts)
    monkeypatch.setattr(run, "running_services", lambda _: {"caddy"})
    lines, problems = run.plan_running(stack, run.look(stack.root))
    assert (lines[-3:], problems) == (["zeta: of zeta", "alpha: of alpha", "mid: of mid"], [])


def test_docker_is_asked_while_services_yaml_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(2, timeout=10)

    def compiled(_: Path, real: Callable[[Path], Any] = stages.compile_file) -> Any:
        together.wait()
        return real(tmp_path / "services.yaml")

    def looked(_: Path) -> run.Seen:
        together.wait()
        return run.Seen(frozenset())

    (tmp_path / "services.yaml").write_text(TEXT)
    monkeypatch.setattr(stages, "compile_file", compiled)
    monkeypatch.setattr(run, "look", looked)
    assert stages.plan_file(tmp_path / "services.yaml", tmp_path).running == [
        "the stack is not running; `make up` starts it"
    ]


def test_ports_come_from_the_env_file(stack: Running) -> None:
    assert (stack.local_url, stack.kuma_url) == ("http://127.0.0.1:18080", "http://127.0.0.1:3001")


def test_a_part_that_follows_is_left_alone(stack: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    compose = Compose()
    drift = follow([[]])
    play(monkeypatch, compose, reloads(drift))
    assert run.apply_running(stack, lambda _: None) == []
    assert not [call for call in compose.calls if call[0] == "kill"]


def test_a_part_that_differs_is_reloaded_and_asked_again(stack: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    compose = Compose()
    drift = follow([["old"], ["old"], []])
    play(monkeypatch, compose, reloads(drift))
    assert run.apply_running(stack, lambda _: None) == []
    assert ("kill", "-s", "SIGHUP", "part") in compose.calls


def test_a_part_that_goes_on_differing_is_reported_with_its_log(
    stack: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reloading, "WAIT", 0.0)
    drift = follow([["rule group x is not the rendered one"]])
    play(monkeypatch, Compose(out="level=error bad rule\n"), reloads(drift))
    (problem,) = run.apply_running(stack, lambda _: None)
    assert problem.code == "apply/not-loaded"
    assert problem.message == "part did not load: rule group x is not the rendered one"
    assert problem.notes == ("level=error bad rule",)


def test_a_part_that_cannot_be_signalled_is_reported(stack: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    drift = follow([["old"]])
    monkeypatch.setattr(reloading, "compose", Compose(1, err="no such container"))
    (problem,) = reloads(drift).apply(stack)
    assert (problem.code, "no such container" in problem.message) == ("apply/unreachable", True)


def test_one_silent_part_does_not_keep_the_others_back(stack: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(_: Running) -> list[Diagnostic]:
        raise NoAnswer("Prometheus does not answer")

    asked: list[str] = []

    def second(_: Running) -> list[Diagnostic]:
        asked.append("second")
        return []

    play(monkeypatch, Compose(), part(None, silent), part(None, second))
    problems = run.apply_running(stack, lambda _: None)
    assert [problem.code for problem in problems] == ["apply/unreachable"]
    assert asked == ["second"]


def test_containers_that_do_not_come_up_are_reported(stack: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, Compose(1, err="pull access denied"), part(follow([[]])))
    (problem,) = run.apply_running(stack, lambda _: None)
    assert problem.notes == ("pull access denied",)


def test_nothing_is_done_to_a_stack_that_does_not_run(stack: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    compose = Compose()
    play(monkeypatch, compose, alive=False)
    said: list[str] = []
    assert run.apply_running(stack, said.append) == []
    assert said == ["the stack is not running; `make up` starts it"]
    assert run.plan_running(stack, run.look(stack.root)) == (said, [])
    assert compose.calls == []


def test_plan_names_containers_and_differences(stack: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    (stack.root / "compose.rendered.yaml").write_text(stack.artifacts["compose.rendered.yaml"].content)
    dry = " DRY-RUN MODE -  Container lookout-loki-1  Recreate \n DRY-RUN MODE -  Container lookout-api-1  Running \n"
    gone = Reconciler("gone", "gone", follow([[]]), lambda _: [])
    play(monkeypatch, Compose(err=dry), part(follow([["job a should be gone"]])), gone)
    lines, problems = run.plan_running(stack, run.look(stack.root))
    assert lines == ["compose: lookout-loki-1 Recreate", "part: job a should be gone", "gone: not running"]
    assert problems == []


def test_what_compose_is_about_to_start_is_marked_before(stack: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    actions = {"loki": "Recreate", "api": "Running", "new": "Creating", "old": "Removed"}
    dry = "".join(f" DRY-RUN MODE -  Container lookout-{name}-1  {action} \n" for name, action in actions.items())
    compose = Compose(err=dry)
    play(monkeypatch, compose, part(follow([[]])))
    assert run.apply_running(stack, lambda _: None) == []
    textfiles = "".join(each.read_text() for each in (stack.root / "data/facts").glob("*.prom"))
    assert 'lookout_restarted_timestamp_seconds{container="lookout-loki-1"}' in textfiles
    assert 'lookout_restarted_timestamp_seconds{container="lookout-new-1"}' in textfiles
    assert "lookout-api-1" not in textfiles and "lookout-old-1" not in textfiles


def test_what_starts_again_is_named_before_it_is_written(stack: Running) -> None:
    text = stack.artifacts["compose.rendered.yaml"].content
    path = stack.root / "compose.rendered.yaml"
    assert "compose: loki is added" in run.container_changes(stack)
    path.write_text(text)
    assert run.container_changes(stack) == []
    old = yaml.safe_load(text)
    old["services"]["loki"]["mem_limit"] = "1"
    old["services"]["redis-exporter-old"] = {}
    path.write_text(yaml.safe_dump(old))
    assert run.container_changes(stack) == [
        "compose: redis-exporter-old goes",
        "compose: loki restarts, because its memory limit changes from 1 to 448m",
    ]


@pytest.mark.parametrize(
    ("error", "code"), [(KumaError("wrong password", "x"), "apply/kuma"), (OSError("no"), "apply/unreachable")]
)
def test_plan_goes_on_when_a_part_cannot_be_asked(
    stack: Running, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    def drift(_: Running) -> list[str]:
        raise error

    play(monkeypatch, Compose(), part(drift))
    assert [problem.code for problem in run.plan_running(stack, run.look(stack.root))[1]] == [code]


@pytest.mark.parametrize(
    ("error", "code"), [(SecretMissing("no file", "x"), "apply/secret-missing"), (KumaError("no", "x"), "apply/kuma")]
)
def test_kumas_refusals_are_diagnostics(
    stack: Running, monkeypatch: pytest.MonkeyPatch, error: KumaError, code: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(kuma, "apply_kuma", refuse)
    assert [problem.code for problem in kuma.apply(stack)] == [code]


def test_a_part_that_refuses_is_reported_in_its_own_words_at_once(
    stack: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = r'level=ERROR msg="Error sending alerts" err="no route"' + "\n"
    line += r'time=x level=ERROR msg="Error reloading config" component=c err="line 3:\n  \"x\" is no \"y\""'
    compose = Compose(out=line)
    drift = follow([["old"]])
    play(monkeypatch, compose, reloads(drift, LastLoad(0, refused=True)))
    (problem,) = run.apply_running(stack, lambda _: None)
    assert problem.message == 'part refused its configuration: line 3: "x" is no "y"'
    assert [call[0] for call in compose.calls].count("kill") == 1
    assert any(call[:3] == ("logs", "--no-log-prefix", "--since") for call in compose.calls)


def test_a_part_that_refused_is_drift_though_what_it_has_is_right(stack: Running) -> None:
    refused = reloads(follow([[]]), LastLoad(0, refused=True))
    assert refused.drift(stack) == ["it refused the configuration that it was last given"]


def test_what_is_younger_than_the_last_load_is_drift(stack: Running) -> None:
    folder = stack.root / "prometheus" / "custom"
    folder.mkdir(parents=True)
    (folder / "mine.yml").write_text("groups: []\n")
    now = (folder / "mine.yml").stat().st_ctime

    def asked(at: float) -> list[str]:
        return reloading.changed_since(stack.root, ("prometheus/custom", "prometheus/none"), at)

    assert asked(now - 1) == ["prometheus/custom/mine.yml"]
    assert asked(now + 1) == []
    (folder / "mine.yml").unlink()
    assert asked(now - 1) == ["prometheus/custom"], "a file that went is seen in its folder"


def test_caddy_that_refuses_its_file_is_reported(stack: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caddy, "compose", Compose(1, err="Error: adapting config\n"))
    (problem,) = CADDY.reload(stack)
    assert (problem.message, problem.notes) == (
        "caddy refused its configuration: adapting config",
        ("Error: adapting config",),
    )
    line = r'{"level":"error","ts":1.5,"msg":"adapting config: line 2: \"x\" is unknown"}'
    monkeypatch.setattr(caddy, "compose", Compose(1, err=f'{{"level":"info","msg":"using"}}\n{line}\n'))
    (problem,) = CADDY.reload(stack)
    assert problem.message == 'caddy refused its configuration: adapting config: line 2: "x" is unknown'
    monkeypatch.setattr(caddy, "compose", Compose())
    assert CADDY.reload(stack) == []


@pytest.mark.parametrize("name", ["blackbox", "caddy", "collector", "loki"])
def test_parts_without_a_way_from_outside_are_asked_through_compose(
    name: str, stack: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = (each for each in RECONCILERS if each.name == name)
    seal = seal_in(stack.artifacts["caddy/Caddyfile"].content)
    resource = yaml.safe_load(stack.artifacts["collector/collector.yaml"].content)["service"]["telemetry"]["resource"]
    reported = {
        "blackbox": stack.artifacts["prometheus/blackbox.yml"].content,
        "caddy": f"{seal}\n",
        "collector": f'target_info{{lookout_config="{resource["lookout.config"]}"}} 1\n',
        "loki": HASH.format(hashlib.sha256(LIMITS.encode()).hexdigest()),
    }[name]
    monkeypatch.setattr(running, "compose", Compose(out=reported))
    assert found.drift(stack) == []
    monkeypatch.setattr(running, "compose", Compose(1))
    assert found.drift(stack) != []


# The limits as Loki prints them, and its hash of them.
LIMITS = """\
overrides:
    fake:
        max_query_length: 31d
        max_query_lookback: 30d
        retention_period: 30d
"""
HASH = 'loki_runtime_config_hash{{config="loki",sha256="{}"}} 1\n'


def test_loki_reads_its_limits_by_itself_and_is_waited_for(stack: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    old, new = HASH.format("ab"), HASH.format(hashlib.sha256(LIMITS.encode()).hexdigest())
    answers = [old, old, new]
    monkeypatch.setattr(Running, "inside", lambda *_: answers.pop(0) if len(answers) > 1 else answers[0])
    assert loki.apply(stack) == []
    answers[:] = [old]
    monkeypatch.setattr(loki, "LIMITS_WAIT", 0.0)
    (problem,) = loki.apply(stack)
    assert problem.message == "loki did not load: its limits are not the rendered ones"


def test_prometheus_and_alertmanager_are_asked_at_the_local_entry(
    stack: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = stack.artifacts["prometheus/prometheus.yml"].content
    routes = stack.artifacts["alertmanager/alertmanager.yml"].content
    answers = {
        "/prometheus/api/v1/status/config": {"status": "success", "data": {"yaml": config}},
        "/alertmanager/api/v2/status": {"config": {"original": routes}},
    }

    def get(server: Server, path: str, *_: object) -> requests.Response:
        response = requests.Response()
        response.status_code = 200
        name = server.url.rpartition("/")[2]
        path = f"/{name}{path}"
        metrics = f"{name}_config_last_reload_successful 1\n{name}_config_last_reload_success_timestamp_seconds 9e9\n"
        response._content = (json.dumps(answers[path]) if path in answers else metrics).encode()
        return response

    monkeypatch.setattr(Server, "get", get)
    assert [each.drift(stack) for each in RECONCILERS[:2]] == [[], []]
    config = config.replace("sha256-", "sha256-0")
    answers["/prometheus/api/v1/status/config"] = {"status": "success", "data": {"yaml": config}}
    assert reloading.drift(PROMETHEUS, stack) == ["its rules are not the rendered ones"]


@pytest.mark.parametrize(("age", "restarted"), [(60, True), (-60, False), (None, False)])
def test_a_part_that_read_its_files_before_they_changed_is_started_again(
    age: float | None, restarted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exporter reads what it logs in with when it starts. One that does not run is left alone."""
    text = "services:\n  db: {kind: postgres, address: 'db:5432', dsn: secret:db_dsn}\n"
    compiled = compile_text(text, "services.yaml")
    ensure_secrets(compiled.site, tmp_path)
    of = run.running_stack(tmp_path, compiled.site, compiled.artifacts)
    share = tmp_path / "secrets/.mounted/postgres-exporter-db"
    written = max(path.stat().st_ctime for path in share.iterdir())
    compose = Compose()
    monkeypatch.setattr(starting, "compose", compose)
    since = {"postgres-exporter-db": ("lookout-pg-1", written - age)} if age is not None else {"loki": ("x", 0.0)}
    monkeypatch.setattr(starting, "started", lambda _: since)
    said: list[str] = []
    assert starting.start_stale_parts(of, said.append) == []
    assert compose.calls == ([("restart", "postgres-exporter-db")] if restarted else [])
    assert bool(said) is restarted
    assert [each.read_text().count('container="lookout-pg-1"') for each in (tmp_path / "data/facts").glob("*")] == (
        [2] if restarted else []
    )
    monkeypatch.setattr(starting, "compose", Compose(1, err="no such container"))
    problems = starting.start_stale_parts(of, said.append)
    assert ["no such container" in each.message for each in problems] == ([True] if restarted else [])


@pytest.mark.parametrize(("age", "named"), [(60, True), (-60, False)])
def test_an_app_that_runs_on_an_older_file_of_its_own_is_named_and_left_alone(
    age: float, named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = compile_text("services:\n  api: {kind: [fastapi, instrumentation], targets: ['api:8000']}\n", "s")
    of = run.running_stack(tmp_path, compiled.site, compiled.artifacts)
    path = tmp_path / "instrumentation" / "services" / "api.json"
    path.parent.mkdir(parents=True)
    path.write_text(of.artifacts["instrumentation/services/api.json"].content)
    since = {"api": ("lookout-api-1", path.stat().st_ctime - age)}
    assert [line.split(":")[0] for line in starting.apps_to_restart(of, since)] == (["api"] if named else [])


def test_all_that_is_read_at_a_start_is_in_the_tree() -> None:
    """What stands in the table is rendered, or one of our own programs."""
    text = "stack: {errors: bugsink, traces: tempo}\nservices:\n  site: {kind: probe, targets: [https://acme.dev]}\n"
    rendered = {each.path for each in compile_text(text, "services.yaml").artifacts}
    root = Path(__file__).resolve().parents[2]
    for path in (path for part in PARTS for path in part.reads):
        known = any(each == path or each.startswith(f"{path}/") for each in rendered)
        assert known or (root / path).is_file(), path
    code = {str(path.relative_to(root)) for path in (root / "generator/bugsink/bridge").glob("*.py")}
    assert code <= {path for part in PARTS if part.name == "bugsink-bridge" for path in part.reads}


def test_every_part_is_a_service_of_compose() -> None:
    text = (Path(__file__).resolve().parents[2] / "compose.yaml").read_text()
    assert all(f"\n  {each.service}:\n" in text for each in RECONCILERS)
