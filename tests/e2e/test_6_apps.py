"""The demo explains itself: one id joins what a request did, an error reaches people, nothing secret stays anywhere."""

import json
import subprocess
import time
from functools import partial
from typing import Any

import requests
from lookout_instrumentation.catalogue import CATALOGUE

from tests.e2e.stack import Stack
from tests.instrumentation.corpus import PLANTED
from tests.support.waiting import until

# What the demo has no use for: metrics of a part that is switched off, or of something that never happens to it.
NOT_IN_THE_DEMO = {"traces"}
LONG_TEXT = "A long text is analysed by the worker. " * 60


def switch(stack: Stack, **state: Any) -> None:
    requests.post(f"{stack.api_url}/switch", json=state, timeout=10).raise_for_status()


def test_one_id_joins_the_request_its_task_and_their_lines(stack: Stack) -> None:
    answer = requests.post(f"{stack.api_url}/analyze", json={"text": LONG_TEXT}, timeout=10)
    assert answer.status_code == 202
    request_id = answer.headers["X-Request-ID"]

    def lines() -> list[dict[str, Any]]:
        done = stack.run("./lookout", "logs", "--request-id", request_id, "--json")
        found = [json.loads(line) for line in done.stdout.splitlines()]
        return found if {"api", "worker"} <= {line["service"] for line in found} else []

    found = until(lines, "lines of the API and of the worker under one id", 60)
    assert {line["fields"]["request_id"] for line in found} == {request_id}
    assert [line["time"] for line in found] == sorted(line["time"] for line in found)
    began = time.monotonic()
    shown = stack.must("./lookout", "logs", "--request-id", request_id)
    print(f"lookout logs --request-id: {time.monotonic() - began:.2f} s, the start of Python and of Lookout included")
    assert "worker" in shown and "/analyze" in shown
    print(shown)


def test_an_error_is_an_issue_in_bugsink_and_a_message_in_chat(stack: Stack) -> None:
    began = time.time()
    switch(stack, errors=1)
    try:
        answer = requests.get(
            f"{stack.api_url}/items/1?password=hunter2-in-the-query",
            headers={"Authorization": "Bearer hunter2-in-the-header", "Cookie": "session=hunter2-in-the-cookie"},
            timeout=10,
        )
    finally:
        switch(stack, errors=0)
    assert answer.status_code == 500
    request_id = answer.json()["request_id"]

    def reported() -> list[dict[str, Any]]:
        new = [m for m in stack.messages() if m["at"] >= began and m["to"] == "slack"]
        return [m for m in new if "NewError" in m["text"] or "RegressedError" in m["text"]]

    message = until(reported, "a message about the new error", 90, every=0.5)[0]
    print(f"reported after {message['at'] - began:.1f} s:\n{message['text']}")
    assert "InjectedFault" in message["text"]
    assert "/issues/issue/" in json.dumps(message["payload"]), "a link to the issue"
    events = stored(stack, "bugsink", "/data")
    assert request_id.encode() in events, "the report carries the id of its request"
    assert b"hunter2" not in events


def stored(stack: Stack, part: str, folder: str) -> bytes:
    """Everything in a folder of a container, as one archive."""
    command = ["docker", "cp", f"{stack.services()[part]['ID']}:{folder}", "-"]
    return subprocess.run(command, env=stack.environment, capture_output=True, timeout=120, check=True).stdout


def test_ready_shows_the_truth_while_redis_and_postgres_go_and_come(stack: Stack) -> None:
    def ready() -> tuple[int, dict[str, str]]:
        answer = requests.get(f"{stack.api_url}/ready", timeout=10)
        return answer.status_code, {name: check["status"] for name, check in answer.json()["checks"].items()}

    def lacks(part: str) -> bool:
        code, checks = ready()
        return code == 503 and checks[part] == "down"

    assert ready()[0] == 200
    # The queue is on the same Redis as the cache.
    for part, lost in (("cache", ["broker", "cache"]), ("db", ["db"])):
        stack.compose("stop", "--timeout", "2", part)
        try:
            until(partial(lacks, part), f"not ready without {part}")
            checks = ready()[1]
            assert sorted(name for name, status in checks.items() if status == "down") == lost
            assert requests.get(f"{stack.api_url}/health", timeout=10).status_code == 200, "the process lives"
        finally:
            stack.compose("start", part)
        until(lambda: ready()[0] == 200, f"ready again with {part}", 60)
    database = requests.get(f"{stack.api_url}/health/db", timeout=10)
    assert (database.status_code, database.json()["status"]) == (200, "up")


def test_every_metric_of_the_catalogue_has_a_live_example(stack: Stack) -> None:
    wanted = {
        metric.name + ("_count" if metric.type == "histogram" else "")
        for metric in CATALOGUE
        if metric.part not in NOT_IN_THE_DEMO
    }

    def missing() -> set[str]:
        names = stack.get("/prometheus/api/v1/label/__name__/values", **{"match[]": '{service=~"api|worker"}'})["data"]
        return wanted - set(names)

    def none_missing() -> bool:
        assert missing() == set()
        return True

    until(none_missing, "every required metric", 180, 5)


def test_nothing_planted_is_in_a_log_file_in_the_queue_in_loki_or_on_the_screen(stack: Stack) -> None:
    planted = [call for call in PLANTED if not call.fields and not call.error and len(call.message) <= 300]
    assert len(planted) >= 100
    for call in planted:
        body = {"kind": "TypeError", "message": call.message}
        requests.post(f"{stack.api_url}/client-errors", json=body, timeout=10).raise_for_status()
    query = '{service_name="api"} |= "error in a browser"'
    until(lambda: len(loki_lines(stack, query)) >= len(planted), "all of the lines in Loki", 60)
    found = stack.run("./lookout", "logs", "logger=demo.product", "--since", "15m", "--limit", "5000").stdout
    assert found.count("error in a browser") >= len(planted)
    places = {
        "the container's log": stack.must("docker", "logs", stack.services()["api"]["ID"]),
        "the collector's queue": stored(stack, "collector", "/var/lib/otelcol").decode(errors="replace"),
        "Loki": "\n".join(loki_lines(stack, query)),
        "lookout logs": found,
    }
    leaks = {name: [call.name for call in planted if call.secret in text] for name, text in places.items()}
    assert leaks == {name: [] for name in places}


def loki_lines(stack: Stack, query: str) -> list[str]:
    data = stack.get("/loki/loki/api/v1/query_range", query=query, since="15m", limit="5000")["data"]["result"]
    return [line + json.dumps(stream["stream"]) for stream in data for _, line in stream["values"]]
