"""compose.rendered.yaml: limits, addresses, exporters; and that it says the same as compose.yaml where both speak."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.conventions import SOCKET_PROXY
from generator.parts.table import PARTS
from generator.render.compose import POLICY
from generator.site.model import Budget, Exporter, Logs, PackInstance, Service
from tests.unit.sites import STACK, compose_of, make_service, make_site

ROOT = Path(__file__).parents[2]
MIB = 2**20
PUBLIC = replace(
    STACK, domain="mon.acme.dev", base_url="https://mon.acme.dev", status_url="https://status.mon.acme.dev"
)
EXPORTER = Exporter(
    name="redis-exporter-cache",
    image="REDIS_EXPORTER",
    port=9121,
    environment={"REDIS_ADDR": "redis://cache:6379", "NOTE": "five $ a day"},
    command=("--skip-tls-verification=$no",),
    memory=32 * MIB,
)
STACK_FILE = yaml.safe_load((ROOT / "compose.yaml").read_text())
# Exceptions from the common policy, each reasoned where it is made.
CAPABILITIES = {"caddy": ["NET_BIND_SERVICE"], "collector": ["DAC_READ_SEARCH"]}


def rendered(*services: Service, **overrides: Any) -> dict[str, Any]:
    (artifact,) = compose_of(make_site(*services, **overrides))
    assert artifact.path == "compose.rendered.yaml"
    found: dict[str, Any] = yaml.safe_load(artifact.content)["services"]
    return found


def budget(**memory: int) -> Budget:
    return Budget(memory=memory, metrics_disk=0, logs_disk=0, queue_disk=0)


def with_exporter() -> Service:
    return make_service("cache", kinds=("redis",), packs=(PackInstance("redis", {}, (), (), (), (), EXPORTER),))


def test_each_part_gets_its_share_of_the_memory_and_go_is_reported_to_stay_below_it() -> None:
    services = rendered(budget=budget(**{"prometheus": 500 * MIB, "uptime-kuma": 256 * MIB}))
    assert services["prometheus"]["mem_limit"] == "500m"
    assert services["prometheus"]["environment"] == {"GOMEMLIMIT": "450MiB"}
    assert services["uptime-kuma"] == {"mem_limit": "256m"}


def test_a_budget_for_what_compose_does_not_know_is_not_rendered() -> None:
    assert "mystery" not in rendered(budget=budget(mystery=MIB))


def test_without_a_domain_links_lead_to_localhost_and_caddy_publishes_nothing_more() -> None:
    services = rendered()
    assert "--web.external-url=http://localhost:8080/prometheus/" in services["prometheus"]["command"]
    assert services["alertmanager"]["command"] == ["--web.external-url=http://localhost:8080/alertmanager/"]
    assert services["grafana"]["environment"]["GF_SERVER_ROOT_URL"] == "http://localhost:8080/grafana/"
    assert services["grafana"]["environment"]["GF_SECURITY_COOKIE_SECURE"] == "false"
    assert "caddy" not in services


def test_with_a_domain_links_lead_there_and_only_caddy_publishes_ports() -> None:
    services = rendered(stack=PUBLIC)
    assert "--web.external-url=https://mon.acme.dev/prometheus/" in services["prometheus"]["command"]
    assert services["grafana"]["environment"]["GF_SECURITY_COOKIE_SECURE"] == "true"
    assert services["caddy"]["ports"] == ["80:80", "443:443", "443:443/udp"]
    assert [name for name, service in services.items() if "ports" in service] == ["caddy"]


def test_an_exporter_runs_under_the_common_policy_and_dollars_of_its_own_survive_compose() -> None:
    exporter = rendered(with_exporter())["redis-exporter-cache"]
    assert exporter["image"] == "${IMAGE_REDIS_EXPORTER:?run make up}"
    assert {key: exporter[key] for key in POLICY} == POLICY
    assert exporter["mem_limit"] == "32m"
    assert exporter["environment"] == {
        "GOMEMLIMIT": "28MiB",
        "NOTE": "five $$ a day",
        "REDIS_ADDR": "redis://cache:6379",
    }
    assert exporter["command"] == [
        "--web.listen-address=redis-exporter-cache.scrape:9121",
        "--skip-tls-verification=$$no",
    ]
    assert exporter["user"] == "65534:65534"
    assert exporter["networks"] == {"lookout": None, "scrape": {"aliases": ["redis-exporter-cache.scrape"]}}


def test_the_collector_sees_each_directory_of_log_files_once_and_read_only() -> None:
    files = ("/var/log/shop/web.log", "/var/log/shop/worker.log", "/srv/log/api.log")
    services = [make_service(f"s{number}", logs=Logs("file", file)) for number, file in enumerate(files)]
    assert rendered(*services)["collector"]["volumes"] == [
        {"type": "bind", "source": "/srv/log", "target": "/host/srv/log", "read_only": True},
        {"type": "bind", "source": "/var/log/shop", "target": "/host/var/log/shop", "read_only": True},
    ]


def test_a_part_that_reads_its_file_once_is_started_again_when_the_file_changed_and_only_then() -> None:
    before = rendered()
    after = rendered(stack=replace(STACK, traces=True))
    changed = {part for part in before if before[part].get("labels") != after[part].get("labels")}
    assert {part for part in before if "labels" in before[part]} == {"grafana", "loki"}
    assert changed == {"grafana"}, "only Grafana is reported where traces are"


def test_the_policy_of_rendered_containers_is_the_one_in_compose_yaml() -> None:
    assert STACK_FILE["x-policy"] == POLICY


def test_compose_yaml_holds_exactly_the_parts_that_the_rest_of_lookout_knows() -> None:
    assert set(STACK_FILE["services"]) == {part.name for part in PARTS} - {SOCKET_PROXY}


@pytest.mark.parametrize("name", sorted(STACK_FILE["services"]))
def test_each_part_is_confined(name: str) -> None:
    service = STACK_FILE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == CAPABILITIES.get(name, [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"] == POLICY["logging"]
    assert service["pids_limit"] == POLICY["pids_limit"]
    assert "user" in service
    assert ("healthcheck" in service) == (name != "collector")
    assert "container_name" not in service


def test_only_caddy_publishes_ports_and_only_on_this_machine() -> None:
    ports = {name: service["ports"] for name, service in STACK_FILE["services"].items() if "ports" in service}
    assert list(ports) == ["caddy"]
    assert all(port.startswith("127.0.0.1:") for port in ports["caddy"])


def test_nothing_mounts_the_docker_socket_and_configuration_is_mounted_as_directories() -> None:
    for name, service in STACK_FILE["services"].items():
        for volume in service.get("volumes", []):
            source = volume["source"] if isinstance(volume, dict) else volume.split(":")[0]
            assert "docker.sock" not in source, name
            assert not source.startswith("./") or not Path(source).suffix, f"{name} mounts a single file: {source}"


def test_what_has_no_login_and_no_business_outside_is_on_the_closed_network_alone() -> None:
    for name in ("loki", "grafana", "node-exporter"):
        assert list(STACK_FILE["services"][name]["networks"]) == ["core"]
    assert STACK_FILE["networks"]["core"] == {"internal": True}
