"""Container metrics: what of Docker may be asked, and whose a container is. What arrives is seen by the tests of the
whole stack."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.diagnostics import Problems
from generator.packs import load_packs
from generator.pipeline import compile_text
from generator.render.caddy.config import render_caddy
from generator.render.collector.config import render_collector
from generator.render.collector.containers import PROXY_FILE
from generator.render.compose import POLICY
from generator.render.prometheus.config import render_prometheus
from generator.site.model import Logs, Service, Stack
from tests.unit.sites import STACK, compose_of, make_service, make_site

WATCHED = replace(STACK, containers=True)
HOST = make_service("vps", kinds=("host", "containers"), targets=("node-exporter:9100",), logs=Logs("none"))
CADDY = sorted((Path.home() / ".cache/lookout/tools").glob("caddy-*/caddy"))


def files(stack: Stack, *services: Service) -> dict[str, str]:
    site = make_site(*services, HOST, stack=stack)
    renderers = (render_collector, compose_of, render_prometheus, render_caddy)
    return {artifact.path: artifact.content for render in renderers for artifact in render(site)}


def loaded(stack: Stack, path: str, *services: Service) -> Any:
    return yaml.safe_load(files(stack, *services)[path])


def asked() -> re.Pattern[str]:
    (pattern,) = re.findall(r"path_regexp asked (\S+)", files(WATCHED)[PROXY_FILE])
    return re.compile(pattern)


@pytest.mark.parametrize(
    "path",
    ["/_ping", "/version", "/v1.44/containers/json", "/v1.41/containers/0a1b2c/json", "/v1.44/containers/0a1b2c/stats",
     "/v1.44/events"],
)  # fmt: skip
def test_what_the_collector_asks_is_allowed(path: str) -> None:
    assert asked().search(path)


@pytest.mark.parametrize(
    "path",
    ["/", "/info", "/images/json", "/containers/web/json", "/containers/0a1b/logs", "/containers/0a1b/archive",
     "/containers/0a1b/exec", "/containers/create", "/secrets", "/v1.44/containers/0a1b/json/../../../images/json",
     "/volumes", "/v1.44/swarm", "/containers/jsonx", "/x/version", "/session", "/v1.44/containers/0a1b/top"],
)  # fmt: skip
def test_everything_else_is_not(path: str) -> None:
    assert not asked().search(path)


def test_the_proxy_takes_requests_that_read_and_hands_on_what_it_matched(tmp_path: Path) -> None:
    if not CADDY:
        pytest.skip("no pinned caddy among the host tools; `make test` puts it there")
    (tmp_path / "Caddyfile").write_text(files(WATCHED)[PROXY_FILE])
    command = [str(CADDY[-1]), "adapt", "--config", "Caddyfile", "--adapter", "caddyfile"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "not formatted" not in done.stderr, done.stderr
    (server,) = json.loads(done.stdout)["apps"]["http"]["servers"].values()
    allowed, refused = server["routes"]
    assert allowed["match"][0]["method"] == ["GET", "HEAD"]
    rewrite, proxy = allowed["handle"][0]["routes"][0]["handle"], allowed["handle"][0]["routes"][1]["handle"]
    assert rewrite[0]["uri"] == "{http.regexp.asked.0}?{http.request.uri.query}"
    assert proxy[0]["upstreams"] == [{"dial": "unix//var/run/docker.sock"}]
    assert refused["handle"][0]["status_code"] == 403 and "match" not in refused


def test_one_container_mounts_the_socket_read_only_on_a_network_with_no_one_but_the_collector() -> None:
    compose = loaded(WATCHED, "compose.rendered.yaml")
    proxy = compose["services"]["docker-proxy"]
    assert {key: proxy[key] for key in POLICY} == dict(POLICY)
    assert [volume for volume in proxy["volumes"] if "docker.sock" in volume] == [
        "${DOCKER_SOCKET:-/var/run/docker.sock}:/var/run/docker.sock:ro"
    ]
    assert "ports" not in proxy
    assert compose["networks"] == {"socket": {"internal": True}}
    on_it = [name for name, each in compose["services"].items() if "socket" in each.get("networks", [])]
    assert sorted(on_it) == ["collector", "docker-proxy"] and proxy["networks"] == ["socket"]
    others = [each for name, each in compose["services"].items() if name != "docker-proxy"]
    assert "docker.sock" not in json.dumps(others)


def test_switched_off_nothing_of_it_is_left() -> None:
    for path, text in files(STACK).items():
        for word in ("docker.sock", "docker_stats", "otlp-receiver", "promote_resource", "docker-proxy:"):
            assert word not in text, path
    assert PROXY_FILE not in files(STACK)


def test_pushed_metrics_are_not_taken_from_the_web() -> None:
    (read,) = re.findall(r"\n\t@metrics \{(.*?)\n\t\}", files(WATCHED)["caddy/Caddyfile"], re.DOTALL)
    assert "/prometheus/api/v1/otlp/*" in read.split("not path")[-1].split()


def statements(*services: Service) -> list[str]:
    config = loaded(WATCHED, "collector/collector.yaml", *services)
    (group,) = config["processors"]["transform/containers"]["metric_statements"]
    found: list[str] = group["statements"]
    return found


def test_a_container_belongs_to_the_declared_service_of_its_name_else_to_the_stack_else_to_the_host() -> None:
    said = [each for each in statements(make_service("api"), make_service("web")) if '["service"]' in each]
    assert said[0] == 'set(resource.attributes["service"], "vps")'
    assert said[1].startswith('set(resource.attributes["service"], "lookout") where')
    assert said[2].startswith('set(resource.attributes["service"], resource.attributes["compose_service"]) where')
    assert said[2].endswith('"^(api|web)$$")')


def test_a_site_without_services_asks_for_none_of_them() -> None:
    assert not any("^()$" in each for each in statements())


def test_prometheus_makes_labels_of_exactly_what_the_collector_keeps() -> None:
    promoted = loaded(WATCHED, "prometheus/prometheus.yml")["otlp"]["promote_resource_attributes"]
    kept = re.findall(r'"([\w.]+)"', statements()[-1])
    assert kept == [*promoted, "service.name", "service.instance.id"]


TEXT = "services:\n  api: {kind: http, targets: ['api:8000']}\n"


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        (TEXT, ["server"]),
        (TEXT + "stack: {containers: true}\nhosts: {vps: {}}\n", ["vps"]),
        (TEXT + "hosts: {far: {address: '10.0.0.7:9100'}, vps: }\n", ["vps"]),
        (TEXT + "hosts: {far: {address: '10.0.0.7:9100'}}\n", []),
        (TEXT + "stack: {containers: false}\n", []),
    ],
    ids=["as it comes", "switched on", "this machine's alone", "only another machine", "switched off"],
)
def test_containers_are_watched_on_the_machine_that_the_stack_runs_on(text: str, hosts: list[str]) -> None:
    site = compile_text(text, "services.yaml").site
    assert [s.name for s in site.services if "containers" in [pack.pack for pack in s.packs]] == hosts
    assert site.stack.containers is bool(hosts)


def test_no_one_asks_for_the_pack_by_name() -> None:
    assert "containers" in load_packs()
    with pytest.raises(Problems) as raised:
        compile_text("services:\n  api: {kind: containers}\n", "services.yaml")
    assert "spec/unknown-kind" in [problem.code for problem in raised.value.diagnostics]
