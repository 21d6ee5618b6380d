"""Variables are filled in as Grafana does it, and answers are checked against what panels expect."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from generator.diagnostics import Problems
from generator.prove.dashboards.document import PanelView, QueryTarget
from generator.prove.dashboards.interpolate import LeftOver, Value, interpolate, scale
from generator.prove.dashboards.live import QueryResult, failures, judge, run_panels
from tests.unit.dashboards import dashboard_files

SCALES = {
    "a quarter of an hour of fast scrapes": (900, "", "10s", 10_000, 40_000),
    "six hours of fast scrapes": (6 * 3600, "", "10s", 20_000, 40_000),
    "a month is drawn coarsely": (30 * 86400, "", "10s", 1_800_000, 1_810_000),
    "a query of a slower job": (900, "1m", "10s", 60_000, 240_000),
    "Grafana's guess where nothing is said": (900, "", "", 15_000, 60_000),
}


@pytest.mark.parametrize(("seconds", "step", "scrape", "interval", "rate"), SCALES.values(), ids=SCALES)
def test_intervals(seconds: int, step: str, scrape: str, interval: int, rate: int) -> None:
    made = scale(seconds, step, scrape)
    assert (made.interval_ms, made.rate_ms) == (interval, rate)


VALUES: Mapping[str, Value] = {"host": "vps1", "service": ("api", "a.b"), "one": ("api",), "all": ".+", "empty": ""}
TEXTS = {
    "one value": ('up{service="$host"}', 'up{service="vps1"}'),
    "in braces": ('up{service="${host}"}', 'up{service="vps1"}'),
    "in brackets": ('up{service="[[host]]"}', 'up{service="vps1"}'),
    "several values are alternatives": ('up{service=~"$service"}', 'up{service=~"(api|a\\\\.b)"}'),
    "one of several needs no brackets": ('up{service=~"$one"}', 'up{service=~"api"}'),
    "All as it is written": ('up{service=~"$all"}', 'up{service=~".+"}'),
    "as a list": ("${service:csv}", "api,a.b"),
    "as alternatives without escapes": ("${service:pipe}", "api|a.b"),
    "escaped on request": ("${host:regex}", "vps1"),
    "nothing": ("|~ `$empty`", "|~ ``"),
    "Grafana's own": ("rate(x[$__rate_interval]) offset $__range", "rate(x[40s]) offset 900s"),
    "Loki's window": ("count_over_time({a=`b`}[$__auto])", "count_over_time({a=`b`}[10s])"),
    "label_replace's groups stay": ('label_replace(x, "a", "$1-${2}", "b", "(.+)$")',) * 2,
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_interpolation(text: str, expected: str) -> None:
    assert interpolate(text, VALUES, scale(900, scrape="10s")) == expected


@pytest.mark.parametrize("text", ["$hots", "${hots:regex}", "[[hots]]", "x[$__rate_intervall]"])
def test_a_variable_of_no_one_is_an_error(text: str) -> None:
    with pytest.raises(LeftOver):
        interpolate(text, VALUES, scale(900))


# --- what panels expect ------------------------------------------------------------------------------------


def view(description: str = "What it is.", **more: Any) -> PanelView:
    defaults = {"min": more.pop("minimum", None), "max": more.pop("maximum", None)}
    data = {"id": 1, "type": "timeseries", "title": "Panel", "description": description}
    return PanelView({**data, "fieldConfig": {"defaults": defaults}, **more}, "", False)


def answer(*series: tuple[dict[str, str], float]) -> QueryResult:
    return QueryResult(tuple((labels, (value,)) for labels, value in series))


QUERY = QueryTarget({"datasource": {"type": "prometheus"}, "legendFormat": "{{handler}}"})
MANY = answer(*(({"handler": str(number)}, 1.0) for number in range(101)))
EXPECTATIONS: dict[str, tuple[QueryResult, PanelView, bool, str]] = {
    "data is what was expected": (answer(({"handler": "/"}, 1.0)), view(), True, ""),
    "nothing, where something was expected": (answer(), view(), True, "returned nothing"),
    "not a number, where one was expected": (answer(({}, float("nan"))), view(), True, "only NaN"),
    "nothing, with a reason": (answer(), view("It.\n\nMay be empty: nothing was asked for"), True, ""),
    "nothing, on a stack that has just started": (answer(), view(), False, ""),
    "a legend that shows nothing": (answer(({"path": "/"}, 1.0)), view(), True, "no series has the label 'handler'"),
    "nothing to count, so no labels either": (answer(({}, 0.0)), view(), True, ""),
    "more lines than can be read": (MANY, view(), True, "101 series"),
    "a ratio above one": (answer(({"handler": "/"}, 1.2)), view(minimum=0, maximum=1), True, "outside"),
    "a count below nothing": (answer(({"handler": "/"}, -1.0)), view(minimum=0), True, "outside"),
    "what rounding does": (answer(({"handler": "/"}, 1 + 1e-9)), view(maximum=1), True, ""),
}


@pytest.mark.parametrize(("given", "panel", "strict", "expected"), EXPECTATIONS.values(), ids=EXPECTATIONS)
def test_what_panels_expect(given: QueryResult, panel: PanelView, strict: bool, expected: str) -> None:
    problem = judge(given, panel, QUERY, strict)
    assert expected in problem
    assert bool(expected) == bool(problem)


# --- asking servers -----------------------------------------------------------------------------------------

Reply = Callable[[str, Mapping[str, list[str]]], Any]


@contextmanager
def server(reply: Reply) -> Iterator[tuple[str, list[str]]]:
    """A server on loopback whose every answer is `reply(path, query)`, and what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self._answer(parts.path, parse_qs(parts.query))

        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(self.path, parse_qs(form))

        def _answer(self, path: str, query: dict[str, list[str]]) -> None:
            asked.extend(query.get("query", []))
            data = reply(path, query)
            body = json.dumps({"status": "success", "data": data}).encode() if data is not None else b"no such thing"
            self.send_response(200 if data is not None else 400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Silent."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}", asked
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


LABELS = {"service": "api", "status": "200", "detected_level": "info", "service_name": "api", "handler": "/", "le": "1"}


def healthy(path: str, query: Mapping[str, list[str]]) -> Any:
    if path.endswith("/values"):
        return ["api", "cache"]
    if "| detected_level" in query["query"][0] and "count_over_time" not in query["query"][0]:
        return {"resultType": "streams", "result": [{"stream": LABELS, "values": [["1", "line"]]}]}
    if path.endswith("/query"):
        return {"resultType": "vector", "result": [{"metric": LABELS, "value": [1, "0.5"]}]}
    return {"resultType": "matrix", "result": [{"metric": LABELS, "values": [[1, "NaN"], [2, "0.5"]]}]}


def test_every_query_is_asked_and_a_healthy_stack_breaks_no_expectation() -> None:
    with server(healthy) as (url, asked):
        results = run_panels(dashboard_files(), url, url, 1_800_000_000.0)
    assert failures(results) == []
    assert not [query for query in asked if "$" in query.replace("$1", "")]
    assert any('service="vps2"' in query for query in asked), "each host is chosen once"
    assert any('service_name=~".+"' in query for query in asked), "All is chosen"
    assert any('service_name=~"a\\\\.b\\\\+c"' in query for query in asked), "an awkward value is chosen"
    assert len({each.dashboard for each in results}) == 6


def test_an_empty_stack_breaks_the_expectations_of_panels_that_gave_no_reason() -> None:
    empty = {"resultType": "matrix", "result": []}
    with server(lambda path, _: ["api"] if path.endswith("/values") else empty) as (url, _):
        results = run_panels(dashboard_files(), url, url, 1_800_000_000.0)
    broken = {each.title for each in results if each.problem}
    assert "Failures" in broken
    assert "Traffic" not in broken
    assert "What is firing" not in broken


def test_a_server_that_refuses_is_quoted() -> None:
    with server(lambda path, query: None) as (url, _):
        lines = failures(run_panels(dashboard_files(), url, url, 1_800_000_000.0))
    assert any(f"'$service' (as opened): Loki at {url} answers 400: no such thing" in line for line in lines)
    assert any(f"what answers at {url} is not Prometheus" in line for line in lines)


def test_a_server_that_is_not_there_is_a_problem_and_no_traceback() -> None:
    results = run_panels(dashboard_files(), "http://127.0.0.1:9", "http://127.0.0.1:9", 1_800_000_000.0)
    said = "{} does not answer at http://127.0.0.1:9: ConnectionError"
    assert {said.format("Prometheus"), said.format("Loki")} == {each.problem for each in results}


def test_a_file_that_cannot_be_read_is_reported() -> None:
    with pytest.raises(Problems, match="D00"):
        run_panels({"grafana/dashboards/x/y.json": "{"}, "http://127.0.0.1:9", "http://127.0.0.1:9", 0)
