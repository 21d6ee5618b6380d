"""`lookout logs` as a user meets it, over a Loki with the answers of a test."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from generator.cli import main
from generator.clients.windows import HOUR, SECOND
from tests.support.servers import free_port
from tests.tools.log_load import uuid7


class FakeLoki:
    """Lines that it holds, answers that it gives instead, and what it was asked."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str, dict[str, str]]] = []
        self.answers: list[tuple[int, str]] = []
        self.asked: list[dict[str, str]] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = fake.answer(self.path)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(self, seconds_ago: float, line: str, service: str = "api", **fields: str) -> None:
        """A line of a service."""
        at = time.time_ns() - int(seconds_ago * SECOND)
        self.lines.append((at, line, {"service_name": service, "detected_level": "info", **fields}))

    def answer(self, path: str) -> tuple[int, str]:
        """As Loki: the newest lines of the window. Of the query it knows nothing."""
        split = urlsplit(path)
        assert split.path == "/loki/api/v1/query_range"
        asked = {name: values[0] for name, values in parse_qs(split.query).items()}
        self.asked.append(asked)
        if self.answers:
            return self.answers.pop(0)
        start, end = int(asked["start"]), int(asked["end"])
        inside = sorted((line for line in self.lines if start <= line[0] < end), reverse=True, key=lambda line: line[0])
        streams = [{"stream": f, "values": [[str(at), line]]} for at, line, f in inside[: int(asked["limit"])]]
        summary = {"totalLinesProcessed": 1000, "totalBytesProcessed": 2_000_000}
        return 200, json.dumps({"data": {"result": streams, "stats": {"summary": summary}}})


@pytest.fixture
def loki(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeLoki]:
    fake = FakeLoki()
    monkeypatch.setenv("LOKI_ADDR", f"{fake.url}/")
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.chdir(tmp_path)
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


class Run:
    """One run: exit code, stdout, stderr."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *words: str) -> None:
        with pytest.raises(SystemExit) as left:
            main(("logs", *words))
        self.code = left.value.code
        self.out, self.err = capsys.readouterr()


def test_lines_of_all_services_come_in_the_order_of_time(loki: FakeLoki, capsys: pytest.CaptureFixture[str]) -> None:
    line = {"message": "request", "logger": "access", "status": 500, "duration_ms": 12.5, "request_id": "r-1"}
    loki.add(5, json.dumps(line), request_id="r-1", status="500", detected_level="error", error_type="KeyError")
    loki.add(9, json.dumps({"event": "begun"}), service="worker")
    loki.add(1, "plain text")
    run = Run(capsys, "--request-id", "r-1")
    assert run.code == 0
    shown = [line.split(" ", 1)[1] for line in run.out.splitlines()]
    assert shown == [
        "info    worker  begun",
        "error   api     request  logger=access status=500 duration=12.5ms error_type=KeyError",
        "info    api     plain text",
    ]
    assert run.out.splitlines()[0][:2] == "20" and run.out.splitlines()[0].split()[0].endswith("Z")
    assert "\x1b" not in run.out, "colours are for terminals"
    assert run.err.splitlines()[0].startswith("3 lines of 2 services, from 20")
    assert "Loki read 1,000 lines (2 MB)" in run.err


def test_the_lines_of_a_traceback_stand_indented_below_its_message(
    loki: FakeLoki, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = "Traceback (most recent call last):\n  File 'x'\nKeyError: 1"
    loki.add(3, f"failed\n{trace}")
    loki.add(2, json.dumps({"message": "failed too", "exception": trace}))
    assert [line for line in Run(capsys).out.splitlines() if line.startswith("    ")] == [
        *(f"    {line}" for line in trace.splitlines())
    ] * 2


def test_what_would_steer_a_terminal_is_made_visible(loki: FakeLoki, capsys: pytest.CaptureFixture[str]) -> None:
    loki.add(1, "a\x1b[2Jb\rc\u202ed", service="x\x07")
    out = Run(capsys).out
    assert not set("\x1b\r\x07\u202e") & set(out)
    assert "a\\x1b[2Jb" in out


def test_the_link_opens_the_same_search_in_grafana(
    loki: FakeLoki, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loki.add(1, "x")
    monkeypatch.setenv("LOOKOUT_PORT", "8181")
    link = Run(capsys, "tenant=acme").err.splitlines()[-1]
    assert link.startswith("http://127.0.0.1:8181/grafana/explore?schemaVersion=1&panes=")
    pane = json.loads(unquote(link.split("panes=")[1]))["logs"]
    assert pane["queries"][0]["expr"] == '{service_name=~".+"} | tenant="acme"'
    assert int(pane["range"]["to"]) - int(pane["range"]["from"]) == HOUR // 10**6 + 1000
    (tmp_path / "services.yaml").write_text("stack: {domain: mon.acme.dev}\nservices: {x: {kind: nonsense}}\n")
    assert Run(capsys).err.splitlines()[-1].startswith("https://mon.acme.dev/grafana/explore?")
    (tmp_path / "services.yaml").write_text("stack: [")
    assert Run(capsys).err.splitlines()[-1].startswith("http://127.0.0.1:8181/")


def test_for_machines_each_line_is_an_object(loki: FakeLoki, capsys: pytest.CaptureFixture[str]) -> None:
    loki.add(1, "x\ny", request_id="r-1")
    run = Run(capsys, "--json")
    (record,) = (json.loads(line) for line in run.out.splitlines())
    assert (record["service"], record["level"], record["line"]) == ("api", "info", "x\ny")
    assert record["fields"]["request_id"] == "r-1"
    assert run.err == ""


def test_nothing_found_is_said_and_is_1(loki: FakeLoki, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(capsys, "--error-type", "KeyError")
    assert (run.code, run.out) == (1, "")
    assert run.err.startswith("nothing found; 0 lines of 0 services, from 20")
    assert loki.asked[0]["query"] == '{service_name=~".+"} | error_type="KeyError"'


def test_the_window_of_a_request_of_weeks_ago_is_narrow(loki: FakeLoki, capsys: pytest.CaptureFixture[str]) -> None:
    made = time.time_ns() - 20 * 24 * HOUR
    loki.lines.append((made + SECOND, "found", {"service_name": "api"}))
    assert Run(capsys, "--request-id", uuid7(made)).code == 0
    (asked,) = loki.asked
    assert int(asked["end"]) - int(asked["start"]) == 16 * 60 * SECOND


def test_when_nothing_is_there_it_looks_further_around(loki: FakeLoki, capsys: pytest.CaptureFixture[str]) -> None:
    made = time.time_ns() - 20 * 24 * HOUR
    loki.lines.append((made + 5 * HOUR, "a retry", {"service_name": "worker"}))
    run = Run(capsys, "--request-id", uuid7(made))
    assert run.code == 0
    assert "looking further around it" in run.err


def test_no_more_than_the_limit_and_the_newest(loki: FakeLoki, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(5):
        loki.add(10 - number, f"line {number}")
    run = Run(capsys, "--limit", "2")
    assert [line.rsplit("  ", 1)[1] for line in run.out.splitlines()] == ["line 3", "line 4"]
    assert "the newest 2 lines" in run.err and "there are more: --limit 20" in run.err
    loki.lines = loki.lines[:2]
    assert "there are more" not in Run(capsys, "--limit", "2").err


def test_a_window_that_holds_too_much_is_halved(loki: FakeLoki, capsys: pytest.CaptureFixture[str]) -> None:
    loki.add(50 * 60, "old")
    loki.answers = [(400, "the query would read too many bytes (query: 21 GB, limit: 20 GB)"), (504, "timeout")]
    assert Run(capsys).code == 0
    lengths = [int(asked["end"]) - int(asked["start"]) for asked in loki.asked]
    assert lengths[1] == pytest.approx(lengths[0] / 2, rel=0.01)
    assert lengths[2] == pytest.approx(lengths[0] / 4, rel=0.01)


def test_how_far_it_has_looked_is_said_when_it_takes_long(
    loki: FakeLoki, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.verbs.logs.search._PROGRESS_EVERY", 0.0)
    assert "looked back to 20" in Run(capsys, "--since", "2d").err


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((502, ""), "answers 502: Bad Gateway"),
        ((400, "parse error at line 1\nmore"), "answers 400: parse error at line 1"),
        ((200, "<html>"), "is not Loki"),
        ((200, '{"data": {}}'), "is not Loki"),
    ],
    ids=["the endpoint without Loki", "a query that it refuses", "something else", "another program's JSON"],
)
def test_a_loki_that_gives_no_answer_is_3(
    loki: FakeLoki, capsys: pytest.CaptureFixture[str], answer: tuple[int, str], said: str
) -> None:
    loki.answers = [answer]
    run = Run(capsys)
    assert run.code == 3
    assert said in run.err


def test_a_loki_that_is_not_there_is_3(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("LOKI_ADDR", raising=False)
    monkeypatch.delenv("LOOKOUT_PORT", raising=False)
    monkeypatch.chdir(tmp_path)
    port = free_port()
    (tmp_path / ".env").write_text(f"LOOKOUT_PORT={port}\n")
    run = Run(capsys, "--request-id", "x")
    assert run.code == 3
    assert f"Loki does not answer at http://127.0.0.1:{port}/loki" in run.err
    assert "`make status` shows what runs" in run.err


@pytest.mark.parametrize(
    "words", [["tenant"], ["--since", "yesterday"], ["--limit", "0"], ["--nonsense"]], ids=lambda words: words[0]
)
def test_a_wrong_argument_is_2(loki: FakeLoki, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    run = Run(capsys, *words)
    assert (run.code, loki.asked) == (2, [])


def test_a_user_is_looked_for_by_hash_and_the_key_is_shown_nowhere(
    loki: FakeLoki, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert Run(capsys, "--user", "42").code == 1
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/user_hash_key").write_text("the-key")
    loki.add(1, "x")
    run = Run(capsys, "--user", "42")
    assert run.code == 0
    assert loki.asked[-1]["query"].split('user_id="')[1].rstrip('"').isalnum()
    assert "the-key" not in run.out + run.err + json.dumps(loki.asked)


def test_on_a_terminal_levels_have_colours_unless_they_are_unwanted(
    loki: FakeLoki, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loki.add(1, "x", detected_level="error")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[31m" in Run(capsys).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in Run(capsys).out
