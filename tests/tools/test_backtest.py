"""The backtest against a real Prometheus over a history with known episodes, and its states against Prometheus' own."""

import json
import random
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from generator.cli import main
from generator.clients.tools import run_tool
from generator.diagnostics import Problems
from generator.pipeline import resolve_text
from generator.render.prometheus.rules import render_rules
from generator.verbs.backtest.episodes import AlertRule, Machine, State, figures, replay, states
from generator.verbs.backtest.history import Period, first_sample, times_true
from generator.verbs.backtest.report import as_data, render_table
from generator.verbs.backtest.run import Wanted, backtest
from generator.verbs.explain.alert import explain_alert
from tests.support import tools
from tests.support.servers import free_port, wait_for
from tests.support.waiting import until

DAY: Final = 86400
# Midnight, a whole number of every interval; long past, so that no clock changes what is night.
END: Final = 1_700_006_400 // DAY * DAY
START: Final = END - 2 * DAY
SCRAPE: Final = 15
SERVICES: Final = """\
channels: {ops: {telegram: 1}}
services:
  api:
    kind: http
    targets: [api:8000]
    alerts:
      QueueTooLong:
        expr: sum by (queue) (my_queue_length) > 100
        for: 5m
        severity: warning
        summary: "{{ $value }} jobs wait in {{ $labels.queue }}"
      QueueStuck:
        expr: sum(my_queue_length) > 1000
        severity: critical
        summary: "{{ $value }} jobs wait"
      HeartbeatMissing:
        expr: absent(my_heartbeat)
        fault: outage
        severity: critical
        summary: no heartbeat
        proof:
          healthy: [{series: my_heartbeat, level: 1}]
          broken: [{series: my_heartbeat, gone: true}]
          gone: keeps firing
"""
# Minutes from the start: when the mail queue is long, and how long it then is.
LONG: Final = ((60, 90, 150), (95, 115, 150), (300, 303, 150), (1380, 1500, 120))


def length(at: int) -> int:
    """How many jobs wait at `at`."""
    minute = (at - START) / 60
    return next((jobs for begin, end, jobs in LONG if begin <= minute < end), 10)


def exposition() -> Iterator[str]:
    """Two days of the series, as OpenMetrics with times."""
    labels = 'service="api",job="api",instance="api:8000",environment="production"'
    yield "# TYPE up gauge"
    yield from (f"up{{{labels}}} 1 {at}" for at in range(START, END + 1, SCRAPE))
    yield "# TYPE my_queue_length gauge"
    yield from (f'my_queue_length{{{labels},queue="mail"}} {length(at)} {at}' for at in range(START, END + 1, SCRAPE))
    yield from (f'my_queue_length{{{labels},queue="sms"}} 3 {at}' for at in range(START, END + 1, SCRAPE))
    yield "# EOF"


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("backtest")
    (folder / "history.om").write_text("\n".join(exposition()) + "\n", encoding="utf-8")
    made = tools.run("promtool", "tsdb", "create-blocks-from", "openmetrics", "history.om", "blocks", folder=folder)
    assert made.code == 0, made.output
    loaded, _ = resolve_text(SERVICES, "services.yaml")
    (rules,) = (each for each in render_rules(loaded) if each.path.endswith("api/own.yml"))
    (folder / "blocks" / "rules.yml").write_text(rules.content, encoding="utf-8")
    (folder / "blocks" / "prometheus.yml").write_text("rule_files: [/tmp/data/rules.yml]\n", encoding="utf-8")
    port = free_port()
    arguments = (
        "--config.file=/tmp/data/prometheus.yml",
        "--storage.tsdb.path=/tmp/data",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    # It writes where the blocks are, so that they are copied into it and not mounted.
    made_ready = tools.docker("create", "--network=host", "--user=0", tools.image("prometheus"), *arguments)
    assert made_ready.returncode == 0, made_ready.stderr
    container = made_ready.stdout.strip()
    try:
        tools.docker("cp", f"{folder}/blocks/.", f"{container}:/tmp/data")
        tools.docker("start", container)
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/-/ready", container)
        yield url
    finally:
        tools.docker("rm", "--force", "--volumes", container)


@pytest.fixture
def file(tmp_path: Path, prometheus: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A services.yaml beside which the stack's Prometheus is the one above."""
    monkeypatch.setenv("PROMETHEUS_URL", prometheus)
    path = tmp_path / "services.yaml"
    path.write_text(SERVICES, encoding="utf-8")
    return path


def ignore_progress(line: str) -> None:
    """Progress that no one reads."""


def minutes(at: int) -> float:
    return (at - START) / 60


def test_episodes_are_the_ones_that_the_history_holds(file: Path) -> None:
    result = backtest(file, Wanted(2 * DAY, alert="QueueTooLong"), ignore_progress, now=END)
    ((now, proposed),) = result.lines
    assert now is not None
    assert proposed is None
    spans = [(minutes(each.start), minutes(each.end or 0)) for each in now.history.episodes]
    # Five minutes of `for`, and half a minute until the next evaluation.
    assert spans == [(65, 90), (100, 115), (1385, 1500)]
    assert {each.labels for each in now.history.episodes} == {(("queue", "mail"),)}
    assert now.figures.nearly == 1, "three minutes are less than its `for`"
    assert now.figures.flaps == 1, "the second began ten minutes after the first"
    assert (now.figures.median, now.figures.longest) == (25 * 60, 115 * 60)
    assert result.window.seconds == 2 * DAY


def test_a_limit_that_was_never_passed_never_fired(file: Path) -> None:
    result = backtest(file, Wanted(2 * DAY, service="api"), ignore_progress, now=END)
    fired = {now.alert.name for now, _ in result.lines if now and now.figures.episodes}
    missing = {"MetricsMissing", "HeartbeatMissing"}
    assert fired == {"QueueTooLong", *missing}, "the app of this history exports no requests and no heartbeat"


def test_a_proposed_limit_stands_beside_the_one_that_is(file: Path) -> None:
    result = backtest(file, Wanted(2 * DAY, params={"queue_too_long_limit": 130}), ignore_progress, now=END)
    ((now, proposed),) = result.lines
    assert now is not None
    assert proposed is not None
    assert (now.figures.episodes, proposed.figures.episodes) == (3, 2)
    assert "> 130" in proposed.alert.expr


def test_a_parameter_of_a_pack_can_be_proposed_too(file: Path) -> None:
    result = backtest(file, Wanted(DAY, params={"http.error_ratio_warning": "2%"}), ignore_progress, now=END)
    assert {now.alert.name for now, _ in result.lines if now} == {"HttpErrorRatioHigh"}


def test_an_unknown_parameter_gets_a_suggestion(file: Path) -> None:
    with pytest.raises(Problems) as caught:
        backtest(file, Wanted(DAY, params={"http.error_ratio_warnin": "2%"}), ignore_progress, now=END)
    assert caught.value.diagnostics[0].hint == "did you mean 'http.error_ratio_warning'?"


def test_the_changed_file_is_held_against_the_committed_one(file: Path) -> None:
    for command in (["init", "--quiet"], ["add", "services.yaml"], ["commit", "--quiet", "--message=first"]):
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@acme.dev", *command]
        subprocess.run(git, cwd=file.parent, check=True)
    file.write_text(SERVICES.replace("for: 5m", "for: 1h"))
    result = backtest(file, Wanted(2 * DAY, changed=True), ignore_progress, now=END)
    ((now, proposed),) = result.lines
    assert now is not None
    assert proposed is not None
    assert (now.figures.episodes, proposed.figures.episodes) == (3, 1)


def test_a_shorter_history_is_reported(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = backtest(file, Wanted(30 * DAY, alert="QueueTooLong"), ignore_progress, now=END)
    assert abs(result.window.seconds - 2 * DAY) < 2 * 3600
    first, *_ = render_table(result)
    assert "that is all there is of the 30d asked for" in first


def test_where_there_is_no_history_nothing_is_claimed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["backtest", "-f", str(file), "--since", "1h"])
    assert left.value.code == 0
    printed = capsys.readouterr()
    assert "has no history yet" in printed.err


def test_long_histories_are_asked_for_in_pieces(prometheus: str) -> None:
    window = Period(START, END)
    times = times_true(prometheus, 'my_queue_length{queue="sms"}', window, 5)
    (found,) = times.values()
    assert found == list(range(START, END + 1, 5)), "34561 evaluations, more than Prometheus gives at once"


def test_the_beginning_of_the_history_is_found(prometheus: str) -> None:
    found = first_sample(prometheus, Period(END - 30 * DAY, END))
    assert found is not None
    assert abs(found - START) <= 30 * DAY // 1000 + 300


def test_for_machines_there_is_each_episode(file: Path) -> None:
    data = as_data(backtest(file, Wanted(2 * DAY, alert="QueueTooLong"), ignore_progress, now=END))
    (line,) = data["alerts"]
    assert line["now"]["occurrences"][0] == {
        "from": moment(65),
        "to": moment(90),
        "labels": {"queue": "mail"},
    }
    assert json.loads(json.dumps(data)) == data


def moment(minute: int) -> str:
    return datetime.fromtimestamp(START + minute * 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_without_a_prometheus_it_leaves_with_3(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROMETHEUS_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(SystemExit) as left:
        main(["backtest", "-f", str(file)])
    assert left.value.code == 3
    assert "error[apply/unreachable]" in capsys.readouterr().err


def test_explain_says_in_which_state_it_is_now(file: Path) -> None:
    def shows(alert: str, service: str | None, now: str) -> str:
        said = explain_alert(file, alert, service)
        assert f"now          {now}" in said
        return said

    said = until(lambda: shows("HeartbeatMissing", "api", "firing since"), "the state of HeartbeatMissing", 60, 1)
    assert "no target exports my_heartbeat now" in said
    # Its group has its first evaluation at another moment of the half minute.
    quiet = until(lambda: shows("QueueStuck", None, "inactive"), "the state of QueueStuck", 60, 1)
    assert "no value: nothing answers to sum(my_queue_length" in quiet
    assert "now          not loaded" in explain_alert(file, "HttpErrorSurge", None)


@pytest.mark.parametrize(
    "words",
    [("--since", "long"), ("--param", "x"), ("--param", "a=1", "--changed")],
    ids=["a time in words", "a parameter without a value", "two proposals at once"],
)
def test_what_cannot_be_meant_is_usage(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["backtest", *words])
    assert left.value.code == 2
    assert "Error: " in capsys.readouterr().err


# --- the states, against Prometheus' own --------------------------------------------------------------------

STEP: Final = 30
EVALUATIONS: Final = 90
RULES: Final = tuple(AlertRule(STEP, hold, keep) for hold in (0, 30, 45, 90) for keep in (0, 30, 60, 100))


def pattern(seed: int) -> list[bool]:
    """When a condition is true: stretches of random length."""
    chance = random.Random(seed)
    found: list[bool] = []
    while len(found) < EVALUATIONS:
        found += [chance.random() < 0.5] * chance.randint(1, 6)
    return found[:EVALUATIONS]


def test_states_are_those_of_prometheus_over_the_same_history(tmp_path: Path) -> None:
    patterns = {f"p{seed}": pattern(seed) for seed in range(12)}
    rules = [
        {"alert": f"R{number}", "expr": "x > 0", "for": f"{rule.hold}s", "keep_firing_for": f"{rule.keep}s"}
        for number, rule in enumerate(RULES)
    ]
    expected: dict[int, list[dict[str, object]]] = {at * STEP: [] for at in range(EVALUATIONS)}
    for number, rule in enumerate(RULES):
        for name, is_true in patterns.items():
            true = [at * STEP for at, holds in enumerate(is_true) if holds]
            for at, state in states(true, Period(0, (EVALUATIONS - 1) * STEP), rule):
                if state != "inactive":
                    labels = f'ALERTS{{alertname="R{number}",alertstate="{state}",n="{name}"}}'
                    expected[at].append({"labels": labels, "value": 1})
    assert sum(map(len, expected.values())) > 5000
    series = [
        {"series": f'x{{n="{name}"}}', "values": " ".join("1" if holds else "0" for holds in is_true)}
        for name, is_true in patterns.items()
    ]
    tests = [{"expr": "ALERTS", "eval_time": f"{at}s", "exp_samples": found} for at, found in expected.items()]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
    proof = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{STEP}s",
        "tests": [{"interval": f"{STEP}s", "input_series": series, "promql_expr_test": tests}],
    }
    (tmp_path / "proof.yml").write_text(json.dumps(proof))
    run = run_tool("promtool", ["test", "rules", "proof.yml"], tmp_path)
    assert run.code == 0, run.output[:3000]


def test_an_episode_that_goes_on_has_no_end() -> None:
    window = Period(0, 600)
    (episode,) = replay({(): list(range(300, 601, STEP))}, window, AlertRule(STEP, 60, 0)).episodes
    assert (episode.start, episode.end) == (360, None)


def test_night_is_reported_by_the_clock() -> None:
    history = replay({(): [0, 30, 10 * 3600, 10 * 3600 + 30]}, Period(0, DAY), AlertRule(STEP, 0, 0))
    assert figures(history, Period(0, DAY), UTC).night == 0.5


def test_a_machine_starts_inactive() -> None:
    machine = Machine(AlertRule(STEP, 60, 0))
    seen: list[State] = [machine.evaluate(at, True) for at in (0, 30, 60)]
    assert seen == ["pending", "pending", "firing"]
