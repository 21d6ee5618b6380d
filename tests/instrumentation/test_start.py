"""Whatever is wrong with the set-up of the library, the app starts, and one line says what is missing."""

import json
import os
import socket
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from lookout_instrumentation import Lookout, Settings, server
from lookout_instrumentation.process import init

from tests.instrumentation.listening import listening
from tests.support.waiting import until


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    return caplog


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "lookout.setup"]


def started(monkeypatch: pytest.MonkeyPatch, **env: str) -> Lookout:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    lookout = Lookout(logging=False)
    assert b"app_build_info" in lookout.metrics.exposition()
    lookout.close()
    return lookout


FILES: dict[str, tuple[str, str]] = {
    "no JSON": ("{", "is not JSON"),
    "a list": ("[]", "holds no JSON object"),
    "deeper than can be read": ("[" * 100_000, "is not JSON"),
    "no text": ("\udcff", "is not JSON"),
    "an unknown key": ('{"buckts": []}', "buckts is not a known setting"),
    "a value that cannot be used": ('{"series_budget": "many"}', "series_budget: 'many' cannot be used"),
    "an infinite number": ('{"series_budget": 1e999}', "series_budget: inf cannot be used"),
    "networks that are none": ('{"metrics_allow": [7]}', "metrics_allow: [7] cannot be used"),
    "traces that are none": ('{"traces": 3}', "traces: 3 cannot be used"),
    "nothing": ("", "is not JSON"),
}


@pytest.mark.parametrize(("text", "complaint"), FILES.values(), ids=FILES)
def test_a_file_that_cannot_be_used_is_said(
    text: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "lookout.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    lookout = started(monkeypatch, LOOKOUT_CONFIG=str(file), LOOKOUT_SERVICE="shop")
    (line,) = lines(said)
    assert complaint in line and str(file) in line and "\n" not in line
    assert lookout.settings.service == "shop"
    assert lookout.settings.series_budget == Settings().series_budget


@pytest.mark.parametrize("path", ["missing.json", "."])
def test_a_file_that_cannot_be_read_is_said(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture
) -> None:
    started(monkeypatch, LOOKOUT_CONFIG=str(tmp_path / path))
    assert len(lines(said)) == 1 and "cannot be read" in lines(said)[0]


def test_of_a_file_what_can_be_used_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "f").write_text('{"service": "api", "buckts": 1, "log_level": "LOUD", "traces": {"ratio": 7}}')
    settings = started(monkeypatch, LOOKOUT_CONFIG=str(tmp_path / "f"), LOOKOUT_BUCKETS="fast").settings
    assert (settings.service, settings.log_level, settings.buckets) == ("api", "INFO", Settings().buckets)
    assert len(lines(said)) == 4


def test_a_bad_variable_leaves_what_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "f").write_text('{"series_budget": 700}')
    settings, faults = Settings.found({"LOOKOUT_CONFIG": str(tmp_path / "f"), "LOOKOUT_SERIES_BUDGET": "many"})
    assert settings.series_budget == 700
    assert faults == ["LOOKOUT_SERIES_BUDGET: 'many' cannot be used"]


@pytest.mark.parametrize(
    ("env", "complaint"),
    [
        ({"SENTRY_DSN": "https://key:hunter2@"}, "errors are not reported"),
        ({"SENTRY_DSN": "hunter2"}, "errors are not reported"),
        ({"LOOKOUT_METRICS_TOKEN_FILE": "/nowhere/token"}, "/metrics is closed to all"),
        ({"LOOKOUT_METRICS_TOKEN_FILE": "/dev/null"}, "/metrics is closed to all"),
        ({"WEB_CONCURRENCY": "auto"}, "WEB_CONCURRENCY: 'auto' cannot be used"),
        ({"LOOKOUT_TRACES_RATIO": "all"}, "LOOKOUT_TRACES_RATIO"),
    ],
)
def test_what_else_is_wrong_is_said(
    env: dict[str, str], complaint: str, monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture
) -> None:
    started(monkeypatch, **env)
    (line,) = lines(said)
    assert complaint in line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    "env",
    [
        {"LOOKOUT_USER_HASH_KEY_FILE": "/nowhere/key"},
        {"SENTRY_DSN": "http://key@127.0.0.1:9/1", "LOOKOUT_ERRORS_SPOOL": "/proc/nowhere"},
        {"LOOKOUT_TRACES_ENDPOINT": "http://127.0.0.1:9"},
        {"LOOKOUT_TRACES_ENDPOINT": "not an address"},
        {"LOOKOUT_SENTRY_DSN_FILE": "/nowhere/dsn"},
        {"LOOKOUT_SERVICE": "\udcff", "LOOKOUT_RELEASE": "\udcff" * 10_000},
    ],
    ids=["key", "spool", "collector", "address", "dsn", "names"],
)
def test_what_is_away_or_missing_is_no_hindrance(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    lookout = started(monkeypatch, **env)
    lookout.errors.report(ValueError("x"))


def test_the_line_is_a_json_line_of_level_error() -> None:
    with listening() as captured:
        Lookout(Settings(sentry_dsn="none"), logging=False)
        line = captured.one()
    assert line["level"] == "error" and "errors are not reported" in line["message"]


def test_a_port_that_is_taken_is_tried_again(monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(server, "RETRY_SECONDS", 0.1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = init(settings=Settings(metrics_host="127.0.0.1", metrics_port=port), logging=False)
        assert "LOOKOUT_METRICS_PORT" in lines(said)[0]

    def health() -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=60) as answer:
            return json.loads(answer.read())

    assert until(health, "it listens", 20)["status"] == "ok"
    process.close()
    assert len(lines(said)) == 1


@pytest.mark.skipif(os.name != "posix", reason="no such address elsewhere")
@pytest.mark.parametrize("host", ["203.0.113.1", "no such host", "", "::ffff:999"])
def test_an_address_that_cannot_be_listened_on_stops_nothing(host: str) -> None:
    process = init(settings=Settings(metrics_host=host or "256.1.1.1", metrics_port=9), logging=False)
    with process.working("queue"):
        pass
    process.close()
