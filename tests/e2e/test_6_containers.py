"""Containers and textfiles on the running stack: what is known of them, whose they are, and who may ask Docker."""

import json

import requests

from tests.e2e.stack import Stack
from tests.support.waiting import until


def test_every_container_is_known_with_its_name_and_belongs_to_its_service(stack: Stack) -> None:
    expr = 'count by (compose_service, service) (container_uptime_seconds{compose_project="%s"})'
    project = stack.environment["COMPOSE_PROJECT_NAME"]
    running = {name for name, row in stack.services().items() if row["State"] == "running"}

    def all_there() -> dict[str, str]:
        found = {row["metric"]["compose_service"]: row["metric"]["service"] for row in stack.query(expr % project)}
        return found if running <= set(found) else {}

    found = until(all_there, "a series of every container", 90)
    assert found["prometheus"] == found["docker-proxy"] == "lookout"
    declared = {job["labels"]["service"] for job in stack.get("/prometheus/api/v1/targets")["data"]["activeTargets"]}
    for name in declared & running:
        assert found[name] == name


def test_one_container_mounts_dockers_socket_and_cannot_write_to_it(stack: Stack) -> None:
    ids = [row["ID"] for row in stack.services().values()]
    inspected = json.loads(stack.must("docker", "inspect", *ids))
    mounts = {
        each["Config"]["Labels"]["com.docker.compose.service"]: mount["RW"]
        for each in inspected
        for mount in each["Mounts"]
        if mount["Source"].endswith("docker.sock")
    }
    assert mounts == {"docker-proxy": False}
    networks = {
        each["Config"]["Labels"]["com.docker.compose.service"]
        for each in inspected
        if any(name.endswith("_socket") for name in each["NetworkSettings"]["Networks"])
    }
    assert networks == {"docker-proxy", "collector"}


def test_the_proxy_answers_what_is_on_its_list_and_nothing_else(stack: Stack) -> None:
    def status(path: str, *options: str) -> str:
        ask = ("wget", "-q", "-S", "-O", "/dev/null", *options, f"http://127.0.0.1:2375{path}")
        done = stack.run("docker", "compose", "exec", "-T", "docker-proxy", *ask)
        (line, *_) = [line.split()[1] for line in done.stderr.splitlines() if "HTTP/" in line]
        return line

    assert [status(path) for path in ("/_ping", "/version", "/v1.41/containers/json")] == ["200"] * 3
    refused = ("/info", "/images/json", "/v1.41/secrets", "/containers/json/../../images/json", "/containers/0a/logs")
    assert [status(path) for path in refused] == ["403"] * len(refused)
    assert status("/containers/json", "--post-data=") == "403"


def test_metrics_cannot_be_pushed_from_the_web(stack: Stack) -> None:
    for path in ("/prometheus/api/v1/otlp/v1/metrics", "/prometheus//api/v1/otlp/v1/metrics"):
        answer = requests.post(stack.url + path, data=b"", timeout=10)
        assert answer.status_code in (403, 404, 405), path


def test_a_metric_is_there_within_a_scrape_under_the_service_that_it_is_about(stack: Stack) -> None:
    stack.must("./lookout", "record", "drill_rows", "42", "service=db", "table=orders", "--every", "1h")
    found = until(lambda: stack.query("drill_rows"), "the textfile metric")
    assert found[0]["value"][1] == "42"
    assert {key: found[0]["metric"].get(key) for key in ("service", "table")} == {"service": "db", "table": "orders"}
    assert "exported_service" not in found[0]["metric"]
    (recorded,) = stack.query('lookout_record_every_seconds{fact="drill_rows"}')
    assert (recorded["value"][1], recorded["metric"]["service"]) == ("3600", "db")
    stack.must("./lookout", "record", "drill_rows", "--remove", "service=db", "table=orders")
    until(lambda: not stack.query("drill_rows"), "the metric is forgotten")
