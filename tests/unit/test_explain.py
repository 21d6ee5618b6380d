"""An alert in words: its limits and where they stand, what inhibits it, who is notified, and its state now."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from generator.verbs.explain.alert import explain_alert

FILE: Final = """\
people: {ana: {telegram: 7}}
channels: {ops: {slack: {channel: "#ops"}}}
notify: {critical: [ops, owner], warning: [ops]}
services:
  api:
    kind: http
    targets: [api:8000]
    uses: [cache]
    params:
      http: {error_ratio_warning: 2%}
    alerts:
      QueueTooLong:
        expr: sum by (queue) (my_queue_length) > 100
        severity: info
        summary: "{{ $value }} jobs wait"
  cache: {kind: redis, address: "cache:6379"}
"""
NOWHERE: Final = "http://127.0.0.1:9"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROMETHEUS_URL", NOWHERE)
    monkeypatch.chdir(tmp_path)
    Path("services.yaml").write_text(FILE)
    return Path("services.yaml")


def rows(text: str) -> dict[str, list[str]]:
    """What is said under each title."""
    found: dict[str, list[str]] = {}
    title = ""
    for line in text.splitlines()[1:]:
        title = line[2:15].strip() or title
        found.setdefault(title, []).append(line[15:])
    return found


def test_a_limit_that_services_yaml_sets_is_found_there(file: Path) -> None:
    limits = rows(explain_alert(file, "HttpErrorRatioHigh", None))["limits"]
    assert "http.error_ratio_warning = 2%  set at services.yaml:10" in limits


def test_a_limit_that_stands_under_no_kind_is_found_too(file: Path) -> None:
    file.write_text(FILE.replace("http: {error_ratio_warning: 2%}", "error_ratio_warning: 3%"))
    limits = rows(explain_alert(file, "HttpErrorRatioHigh", None))["limits"]
    assert "http.error_ratio_warning = 3%  set at services.yaml:10" in limits


def test_a_limit_that_no_one_set_is_the_packs_with_its_reason(file: Path) -> None:
    limits = rows(explain_alert(file, "RedisMemoryHigh", "cache"))["limits"]
    pack = Path(__file__).resolve().parents[2] / "packs/redis/pack.yaml"
    (line,) = (n for n, text in enumerate(pack.read_text().splitlines(), 1) if text == "  memory_used:")
    assert limits == [
        f"redis.memory_used = 90%  packs/redis/pack.yaml:{line}: Above it Redis begins to evict or, without "
        "an eviction policy, to refuse writes."
    ]


def test_limits_inside_signals_and_of_the_time_are_found_too(file: Path) -> None:
    names = [line.split()[0] for line in rows(explain_alert(file, "HttpErrorRatioHigh", None))["limits"]]
    assert names == [
        f"http.{name}" for name in ("endpoint_error_ratio", "error_for", "error_min_failures", "error_ratio_warning")
    ]


def test_the_limit_of_a_custom_alert_is_its_expressions_line(file: Path) -> None:
    said = rows(explain_alert(file, "QueueTooLong", "api"))
    assert said["limits"] == ["queue_too_long_limit = 100  set at services.yaml:13"]
    assert said["written at"] == ["services.yaml:12"]
    assert said["when"] == ['sum by (queue) (my_queue_length{service="api"}) > 100']
    assert said["notifies"] == ["no one: `notify:` sends info nowhere; its owner is ana"]


def test_what_inhibits_it_and_what_it_does_not_fire(file: Path) -> None:
    said = rows(explain_alert(file, "HttpErrorRatioHigh", None))
    assert "ServiceDown of api (its own outage)" in said["quiet while"]
    assert "RedisDown of cache (what it uses)" in said["quiet while"]
    other = rows(explain_alert(file, "RedisDown", None))["inhibits"]
    assert any("HttpErrorRatioHigh" in line and line.endswith("of api (warning)") for line in other)


def test_who_is_reported_and_for_how_long_it_has_to_be_true(file: Path) -> None:
    said = rows(explain_alert(file, "RedisDown", None))
    assert said["notifies"] == ["ops (Slack #ops), ana (Telegram); its owner is ana"]
    assert said["for"] == ["true for 10s; looked at every 5s"]
    assert said["now"][0].startswith("not reachable: Prometheus does not answer")


# --- with a Prometheus --------------------------------------------------------------------------------------


def loaded(state: str, alerts: list[dict[str, Any]]) -> dict[str, Any]:
    """/api/v1/rules as Prometheus 3 answers it."""
    rule = {"name": "QueueTooLong", "labels": {"service": "api"}, "state": state, "health": "ok", "alerts": alerts}
    return {"groups": [{"name": "api:own", "rules": [rule]}]}


def vector(*series: tuple[dict[str, str], str]) -> dict[str, Any]:
    return {"resultType": "vector", "result": [{"metric": m, "value": [0, value]} for m, value in series]}


@contextmanager
def prometheus(rules: dict[str, Any], queries: dict[str, dict[str, Any]]) -> Iterator[str]:
    """A server that answers as Prometheus does, to these questions alone."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(rules if urlsplit(self.path).path == "/api/v1/rules" else None)

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.answer(queries.get(form["query"][0]))

        def answer(self, data: dict[str, Any] | None) -> None:
            body = {"status": "success", "data": data} if data else {"status": "error", "error": "not expected"}
            text = json.dumps(body).encode()
            self.send_response(200 if data else 400)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *words: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


VALUE: Final = 'sum by (queue) (my_queue_length{service="api"})'
ANY: Final = "count(my_queue_length)"


def now(file: Path, monkeypatch: pytest.MonkeyPatch, rules: dict[str, Any], **answers: dict[str, Any]) -> list[str]:
    with prometheus(rules, {VALUE: answers["value"], ANY: answers["any"]}) as url:
        monkeypatch.setenv("PROMETHEUS_URL", url)
        return rows(explain_alert(file, "QueueTooLong", None))["now"]


def test_the_state_and_the_value_of_this_moment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alerts = [{"activeAt": "2026-11-21T10:21:43.123456789Z", "state": "firing"}]
    value = vector(({"queue": "mail"}, "150.5"), ({"queue": "sms"}, "3"))
    said = now(file, monkeypatch, loaded("firing", alerts), value=value, any=vector(({}, "2")))
    assert said == ["firing since 10:21:43 UTC on 21 Nov", "value 150.5 {queue=mail}", "value 3 {queue=sms}"]


def test_a_metric_that_no_one_exports_is_reported(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = now(file, monkeypatch, loaded("inactive", []), value=vector(), any=vector())
    assert said == ["inactive", f"no value: nothing answers to {VALUE}", "no target exports my_queue_length now"]


def test_a_rule_that_is_not_loaded_is_reported(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = now(file, monkeypatch, {"groups": []}, value=vector(({}, "1")), any=vector(({}, "1")))
    assert said[0] == "not loaded by the running Prometheus: `make apply`"


def test_what_is_no_prometheus_is_not_taken_for_one(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = now(file, monkeypatch, {"groups": [{"rules": [{}]}]}, value=vector(({}, "1")), any=vector(({}, "1")))
    assert said[0].startswith("not loaded")
