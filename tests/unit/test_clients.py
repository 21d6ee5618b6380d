"""The clients of servers: what they ask for and understand, what they say when there is no answer, and what they keep
to themselves."""

import json
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from generator.clients import alertmanager, loki, prometheus
from generator.clients.http import NoAnswer, Server, TooLarge
from generator.clients.windows import Window
from generator.diagnostics import Problems
from generator.kuma.connection import Connection
from generator.kuma.errors import KumaError

Answer = tuple[int, str, Mapping[str, str]]
ASK: dict[str, Callable[[str], object]] = {
    "a query of Prometheus": lambda url: prometheus.ask(url, "query", {"query": "secret_word"}),
    "rules of Prometheus": lambda url: prometheus.ask_rules(url, "secret_word", 5),
    "targets of Prometheus": prometheus.targets,
    "the configuration of Prometheus": prometheus.loaded_config,
    "metrics of Prometheus": prometheus.own_metrics,
    "the configuration of Alertmanager": alertmanager.loaded_config,
    "metrics of Alertmanager": alertmanager.own_metrics,
    "lines of Loki": lambda url: loki.ask(url, "secret_word", Window(0, 1), 5),
    "labels of Loki": lambda url: loki.read(url, "labels", {}),
    "a page of Uptime Kuma": lambda url: Connection(url).get("/metrics", auth=("", "secret_word")),
}
every_client = pytest.mark.parametrize("ask", ASK.values(), ids=ASK)


@contextmanager
def answering(reply: Callable[[str], Answer]) -> Iterator[tuple[str, list[str]]]:
    """A server on loopback that answers `reply(path)`, and the paths and logins that it was sent."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append(f"{self.path} {self.headers.get('Authorization', '')}")
            status, body, headers = reply(self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


def failure(ask: Callable[[str], object], url: str) -> str:
    """What is said when `ask` fails, with all that a traceback would show."""
    with pytest.raises((Problems, KumaError)) as raised:
        ask(url)
    return "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    ("name", "status"),
    [*((name, 302) for name in ASK), *(("a query of Prometheus", status) for status in (301, 303, 307, 308))],
)
def test_no_redirect_is_followed_and_where_it_leads_is_named_without_its_path(name: str, status: int) -> None:
    with (
        answering(lambda _: (200, "{}", {})) as (other, asked),
        answering(lambda _: (status, "", {"Location": f"{other}/hidden-token?x=hidden-query"})) as (url, _),
    ):
        said = failure(ASK[name], url)
        assert asked == []
    assert f"answers with a redirect to {other}, which is not followed" in said
    assert "hidden" not in said


@pytest.mark.parametrize("there", ["/login", "http://[", "//", "https://u:hidden@h.example:99999/"])
def test_a_redirect_to_anywhere_is_one_sentence(there: str) -> None:
    with answering(lambda _: (302, "", {"Location": there})) as (url, _):
        said = failure(prometheus.targets, url)
    assert "which is not followed" in said
    assert "hidden" not in said


@every_client
@pytest.mark.parametrize("login", ["ana:hidden@", "hidden@", "ana:hid#den/hidden?hidden@"])
def test_a_login_in_an_address_is_never_shown(ask: Callable[[str], object], login: str) -> None:
    said = failure(ask, f"http://{login}127.0.0.1:9/somewhere")
    assert "does not answer at http://127.0.0.1:9/somewhere" in said
    assert "hid" not in said.replace("which", "")


@every_client
def test_nothing_that_was_asked_is_shown(ask: Callable[[str], object]) -> None:
    assert "secret_word" not in failure(ask, "http://127.0.0.1:9").split("generator.", 1)[1].splitlines()[-1]


def test_a_login_in_an_address_is_sent() -> None:
    with answering(lambda _: (200, json.dumps({"status": "success", "data": {"activeTargets": []}}), {})) as (
        url,
        seen,
    ):
        assert prometheus.targets(url.replace("//", "//ana:word@")) == []
    assert seen == ["/api/v1/targets?state=active Basic YW5hOndvcmQ="]


def test_what_runs_here_is_asked_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with answering(lambda _: (200, "up 1\n", {})) as (url, _):
        assert prometheus.own_metrics(url) == "up 1\n"
    assert "Prometheus does not answer at http://mon.acme.example: ProxyError" in failure(
        prometheus.own_metrics, "http://mon.acme.example"
    )


def test_a_server_that_takes_its_time_is_given_up() -> None:
    gone_on = threading.Event()

    def slow(_: str) -> Answer:
        gone_on.wait(10)
        return 200, "", {}

    with answering(slow) as (url, _), pytest.raises(NoAnswer) as raised:
        try:
            Server("Prometheus", url).get("/x", timeout=0.2)
        finally:
            gone_on.set()
    assert raised.value.message == f"Prometheus at {url} does not answer in time"


@pytest.mark.parametrize("name", [name for name in ASK if "metrics" not in name and "Kuma" not in name])
def test_another_program_that_answers_is_noticed(name: str) -> None:
    bodies = ["<html>", "[]", "{}", "null"]
    if name not in ("a query of Prometheus", "labels of Loki"):  # there any data is an answer
        bodies.append('{"data": 1, "status": "success", "config": 2}')
    with answering(lambda _: (200, bodies[0], {})) as (url, _):
        for _ in range(len(bodies)):
            assert f"what answers at {url} is not {name.rpartition(' ')[2]}" in failure(ASK[name], url)
            bodies.append(bodies.pop(0))


@pytest.mark.parametrize("name", ["metrics of Prometheus", "metrics of Alertmanager"])
def test_a_page_that_is_not_there_is_no_answer(name: str) -> None:
    with answering(lambda _: (502, "hidden", {})) as (url, _):
        said = failure(ASK[name], url)
    assert f"{name.rpartition(' ')[2]} at {url} answers 502 at /metrics" in said
    assert "hidden" not in said


def test_a_question_that_is_too_large_is_no_failure_but_a_configuration_is_never_too_large() -> None:
    with answering(lambda _: (503, "", {})) as (url, _):
        with pytest.raises(TooLarge):
            prometheus.ask(url, "query", {"query": "up"})
        assert f"Prometheus at {url} answers Service Unavailable" in failure(prometheus.loaded_config, url)


def test_uptime_kuma_is_not_spoken_to_where_a_redirect_leads() -> None:
    with (
        answering(lambda _: (200, "{}", {})) as (other, asked),
        answering(lambda path: (302, "", {"Location": other + path})) as (url, _),
    ):
        with pytest.raises(KumaError, match="does not answer at"), Connection(url, call_seconds=0.5):
            pass
        assert asked == []
