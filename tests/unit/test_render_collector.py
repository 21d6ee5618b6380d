"""The log shipper's configuration: what follows from services.yaml. What it does is in tests/tools."""

from fnmatch import fnmatchcase
from typing import Any

import pytest
import yaml

from generator.render.collector.config import render_collector
from generator.render.collector.records import this_host
from generator.render.loki import MAX_LINE_BYTES, render_loki
from generator.site.model import Budget, Logs, Service, Site
from tests.unit.sites import make_service, make_site

MIB = 2**20


def collector(*services: Service, **site: Any) -> Any:
    (artifact,) = render_collector(make_site(*services, **site))
    assert artifact.path == "collector/collector.yaml"
    return yaml.safe_load(artifact.content)


def host(name: str, target: str = "node-exporter:9100") -> Service:
    return make_service(name, kinds=("host",), targets=(target,), logs=Logs("none"))


def test_docker_logs_alone_need_one_receiver_and_no_open_port() -> None:
    config = collector(make_service("api"))
    assert set(config["receivers"]) == {"file_log/docker"}
    assert set(config["service"]["pipelines"]) == {"logs/files"}
    assert "transform/pushed" not in config["processors"]


def test_a_log_file_is_read_where_compose_mounts_it_with_its_rotated_predecessors() -> None:
    config = collector(make_service("legacy", logs=Logs("file", "/var/log/legacy/app.log"), environment="staging"))
    receiver = config["receivers"]["file_log/legacy"]
    path = "/host/var/log/legacy/app.log"
    wanted = receiver["include"]
    rotated = ("", ".1", ".2.gz", "-20260101", ".2026-01-01", ".old")
    assert all(any(fnmatchcase(path + end, glob) for glob in wanted) for end in rotated)
    assert not any(fnmatchcase(path + end, glob) for glob in wanted for end in ("-v2", ".v2", "-v2.1", "x", ".d/1"))
    assert receiver["resource"] == {"service.name": "legacy", "environment": "staging", "host.name": "server"}
    assert config["service"]["pipelines"]["logs/files"]["receivers"] == ["file_log/docker", "file_log/legacy"]


def test_the_door_for_pushed_lines_opens_only_when_a_service_pushes() -> None:
    config = collector(make_service("mobile", logs=Logs("push")))
    endpoint = config["receivers"]["otlp/logs"]["protocols"]["http"]
    assert endpoint["endpoint"] == "0.0.0.0:4318"
    assert config["service"]["pipelines"]["logs/pushed"]["receivers"] == ["otlp/logs"]


def test_anyone_who_pushes_has_a_token_of_his_own_which_says_whose_the_lines_are() -> None:
    config = collector(make_service("mobile", logs=Logs("push")), make_service("edge-fn", logs=Logs("push")))
    endpoint = config["receivers"]["otlp/logs"]["protocols"]["http"]
    tokens = ["${file:/run/secrets/edge_fn_logs_token}", "${file:/run/secrets/mobile_logs_token}"]
    assert config["extensions"][endpoint["auth"]["authenticator"]] == {"tokens": tokens}
    assert endpoint["auth"]["authenticator"] in config["service"]["extensions"]
    named = [line for line in config["processors"]["transform/pushed"]["log_statements"] if '"service.name"]' in line]
    assert named[0] == 'set(resource.attributes["service.name"], "unknown")'
    assert named[1].startswith('set(resource.attributes["service.name"], "edge-fn") where ')
    assert named[1].endswith(f'"Bearer {tokens[0]}"')
    assert named[2].startswith('set(resource.attributes["service.name"], "mobile") where ')


def test_every_pipeline_masks_before_anything_is_stored() -> None:
    config = collector(make_service("mobile", logs=Logs("push")))
    for pipeline in config["service"]["pipelines"].values():
        assert pipeline["processors"][-1] == "transform/redact"
        assert not any(name.startswith("batch") for name in pipeline["processors"])
    assert config["processors"]["transform/redact"]["error_mode"] == "propagate"


def test_the_queue_is_on_disk_as_large_as_the_budget_says_and_never_gives_up() -> None:
    budget = Budget(memory={"collector": 200 * MIB}, metrics_disk=0, logs_disk=0, queue_disk=300 * MIB)
    config = collector(make_service(), budget=budget)
    exporter = config["exporters"]["otlp_http/loki"]
    queue = exporter["sending_queue"]
    assert (queue["storage"], queue["sizer"], queue["queue_size"]) == ("file_storage", "bytes", 300 * MIB)
    assert queue["block_on_overflow"] is True
    assert exporter["retry_on_failure"]["max_elapsed_time"] == "0s"
    assert config["receivers"]["file_log/docker"]["retry_on_failure"]["max_elapsed_time"] == "0s"
    assert config["extensions"]["file_storage"]["fsync"] is True
    assert config["processors"]["memory_limiter"]["limit_mib"] == 160


def test_a_line_is_cut_before_loki_would_cut_it() -> None:
    config = collector(make_service())
    (recombine,) = (o for o in config["receivers"]["file_log/docker"]["operators"] if o["type"] == "recombine")
    assert recombine["max_log_size"] + 16 * 1024 < MAX_LINE_BYTES
    assert config["exporters"]["otlp_http/loki"]["sending_queue"]["batch"]["max_size"] < 4 * MIB


def test_a_service_of_another_environment_says_so_in_its_lines() -> None:
    site = (make_service("api"), make_service("beta", environment="staging"))
    statements = collector(*site)["processors"]["transform/lines"]["log_statements"]
    moved = [statement for statement in statements if '"staging"' in statement]
    assert len(moved) == 1
    assert moved[0].endswith('where resource.attributes["service.name"] == "beta"')


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ((), "server"),
        ((host("vps"),), "vps"),
        ((host("a", "10.0.0.7:9100"), host("b")), "b"),
    ],
    ids=["none declared", "one", "the one whose node exporter is the stack's own"],
)
def test_lines_carry_the_name_of_the_host_that_the_stack_runs_on(hosts: tuple[Service, ...], expected: str) -> None:
    assert this_host(make_site(*hosts)) == expected


def test_dollars_are_doubled_but_for_the_collectors_own_variables() -> None:
    (artifact,) = render_collector(make_site(make_service()))
    assert "$${1}" in artifact.content
    assert artifact.content.replace("$$", "").count("$") == artifact.content.count("${env:") == 1


def test_the_same_site_gives_the_same_bytes() -> None:
    def site() -> Site:
        return make_site(make_service("api"), make_service("legacy", logs=Logs("file", "/var/log/x.log")))

    assert (render_loki(site()), render_collector(site())) == (render_loki(site()), render_collector(site()))
