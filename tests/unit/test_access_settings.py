"""Who may reach what, as far as it is settings: where parts listen, by which names they are asked, what Grafana allows.

What Caddy lets through is in tests/tools/test_access.py, what a container beside the apps gets in tests/e2e.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.conventions import SOCKET_PROXY
from generator.packs.schema import ExporterSpec
from generator.parts.table import NAMES, PORTS
from generator.pipeline import compile_text
from generator.render.compose import COMPOSE_FILE

ROOT = Path(__file__).parents[2]
STACK: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
SITE = """
stack: {name: acme, errors: bugsink, traces: tempo, domain: mon.acme.dev, machine: {memory: 8GiB}}
people: {ana: {telegram: 1234567}}
services:
  api: {kind: http, owner: ana, targets: ["api:8000"], url: "https://acme.dev"}
  bot: {kind: http, owner: ana, targets: ["https://bot.acme.dev/metrics"], logs: push}
  db: {kind: postgres, owner: ana, address: "db:5432", dsn: secret:db_dsn}
  cache: {kind: redis, owner: ana, address: "cache:6379"}
hosts: {vps: {owner: ana}}
"""
GRAFANA = {
    "GF_AUTH_ANONYMOUS_ENABLED": ("false", "who has not logged in sees nothing"),
    "GF_USERS_ALLOW_SIGN_UP": ("false", "no one makes an account"),
    "GF_USERS_ALLOW_ORG_CREATE": ("false", "nor an organisation of their own"),
    "GF_SECURITY_ALLOW_EMBEDDING": ("false", "no other site shows it in a frame"),
    "GF_SECURITY_COOKIE_SAMESITE": ("lax", "no other site's form uses a session"),
    "GF_SECURITY_ADMIN_USER": ("admin", "the one account"),
    "GF_SECURITY_ADMIN_PASSWORD__FILE": ("/run/secrets/grafana_admin_password", "whose password is a file"),
    "GF_SECURITY_DISABLE_GRAVATAR": ("true", "no hash of an address is sent away"),
    "GF_SNAPSHOTS_ENABLED": ("false", "a snapshot is open to who has its link"),
    "GF_SNAPSHOTS_EXTERNAL_ENABLED": ("false", "and may be sent to a server of others"),
    "GF_PUBLIC_DASHBOARDS_ENABLED": ("false", "as is a public dashboard"),
    "GF_ANALYTICS_REPORTING_ENABLED": ("false", "nothing is reported"),
    "GF_ANALYTICS_CHECK_FOR_UPDATES": ("false", "nor asked"),
    "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": ("false", "of anyone"),
    "GF_NEWS_NEWS_FEED_ENABLED": ("false", "outside"),
    "GF_PLUGINS_PREINSTALL_DISABLED": ("true", "and no code is fetched"),
    "GF_UNIFIED_ALERTING_ENABLED": ("false", "one place to silence"),
}
# Each part that is on `lookout`, and where it listens there.
BESIDE_APPS = {
    "prometheus": "nowhere",
    "blackbox-exporter": "nowhere",
    "uptime-kuma": "nowhere",
    "collector": "pushed lines and spans",
    "bugsink": "its pages, and reports",
}
LOOPBACK = "127.0.0.1"


@pytest.fixture(scope="module")
def rendered() -> dict[str, str]:
    return {artifact.path: artifact.content for artifact in compile_text(SITE, "services.yaml").artifacts}


def words(part: str) -> list[str]:
    return [*STACK[part].get("entrypoint", []), *STACK[part].get("command", [])]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, (value, _) in GRAFANA.items()], ids=GRAFANA)
def test_grafana_allows_what_is_meant(name: str, value: str) -> None:
    assert STACK["grafana"]["environment"].get(name) == value, GRAFANA[name][1]


def test_grafanas_cookie_goes_over_tls_alone_where_there_is_any(rendered: dict[str, str]) -> None:
    settings = yaml.safe_load(rendered[COMPOSE_FILE])["services"]["grafana"]["environment"]
    assert settings["GF_SECURITY_COOKIE_SECURE"] == "true"


def test_every_variable_of_grafana_that_decides_about_access_has_its_reason_here() -> None:
    about = re.compile(r"^GF_(AUTH|USERS|SECURITY|SNAPSHOTS|PUBLIC|ANALYTICS|NEWS|PLUGINS|UNIFIED)_")
    assert {name for name in STACK["grafana"]["environment"] if about.match(name)} == set(GRAFANA)


def test_no_part_is_beside_the_apps_but_those_that_have_to_be(rendered: dict[str, str]) -> None:
    merged = yaml.safe_load(rendered[COMPOSE_FILE])["services"]
    exporters = {name for name in merged if "-exporter-" in name}
    assert len(exporters) == 2
    both = {name for file in (STACK, merged) for name, part in file.items() if "lookout" in part.get("networks", ())}
    assert both == {*BESIDE_APPS, *exporters}


@pytest.mark.parametrize("part", ["prometheus", "blackbox-exporter"])
def test_what_only_asks_there_listens_on_core_and_for_its_own_health_check(part: str) -> None:
    flag = "--web.listen-address="
    addresses = sorted(word.removeprefix(flag) for word in words(part) if word.startswith(flag))
    assert addresses == sorted(f"{host}:{PORTS[part]}" for host in (f"{part}.core", LOOPBACK))


def test_uptime_kuma_listens_on_core() -> None:
    assert STACK["uptime-kuma"]["environment"]["UPTIME_KUMA_HOST"] == "uptime-kuma.core"


def test_of_the_collector_apps_reach_what_they_push_to(rendered: dict[str, str]) -> None:
    config = yaml.safe_load(rendered["collector/collector.yaml"])
    everywhere = set(re.findall(r"0\.0\.0\.0:(\d+)", rendered["collector/collector.yaml"]))
    assert everywhere == {"4318", "4319"}
    assert config["receivers"]["otlp/logs"]["protocols"]["http"]["auth"]["authenticator"] == "bearertokenauth/logs"
    assert list(config["receivers"]["otlp/logs"]["protocols"]) == ["http"]
    assert config["extensions"]["health_check"]["endpoint"] == "collector.core:13133"
    (reader,) = config["service"]["telemetry"]["metrics"]["readers"]
    assert reader["pull"]["exporter"]["prometheus"]["host"] == "collector.core"
    assert set(config["extensions"]) == {"health_check", "file_storage", "bearertokenauth/logs"}


def test_exporters_listen_to_prometheus_alone(rendered: dict[str, str]) -> None:
    compose = yaml.safe_load(rendered[COMPOSE_FILE])["services"]
    jobs = yaml.safe_load(rendered["prometheus/prometheus.yml"])["scrape_configs"]
    asked = {target for job in jobs for group in job["static_configs"] for target in group["targets"]}
    for name in (each for each in compose if "-exporter-" in each):
        (listens,) = [word for word in compose[name]["command"] if word.startswith("--web.listen-address=")]
        address = listens.partition("=")[2]
        assert address.partition(":")[0] == f"{name}.scrape" and address in asked
        assert compose[name]["networks"] == {"lookout": None, "scrape": {"aliases": [f"{name}.scrape"]}}
    on_it = [name for name, part in STACK.items() if "scrape" in part["networks"]]
    assert on_it == ["prometheus"]


def test_another_flag_of_an_exporter_is_its_packs_to_name() -> None:
    spec = {"image": "XY", "port": 1, "memory": "1MiB"}
    assert ExporterSpec.model_validate(spec).listen == "--web.listen-address"
    assert ExporterSpec.model_validate({**spec, "listen": "-listen"}).listen == "-listen"
    with pytest.raises(ValueError, match="listen"):
        ExporterSpec.model_validate({**spec, "listen": "no flag"})


@pytest.mark.parametrize("part", sorted(STACK))
def test_every_part_has_its_name_on_core_there_and_nowhere_else(part: str) -> None:
    networks = STACK[part]["networks"]
    assert networks["core"] == {"aliases": [f"{part}.core"]}
    assert not any("aliases" in (settings or {}) for name, settings in networks.items() if name != "core")


def plain_names(text: str) -> Iterator[str]:
    """Addresses in which a part has the name that an app's container may have as well."""
    parts = "|".join({*NAMES})
    for found in re.finditer(rf"(?<![\w.-])({parts}):(\d+)", text):
        yield found[0]


# What is asked by a part that is on `lookout` too.
@pytest.mark.parametrize("path", ["prometheus/prometheus.yml", "collector/collector.yaml", "uptime-kuma/monitors.json"])
def test_a_part_that_is_beside_the_apps_asks_others_by_names_that_no_app_can_have(
    path: str, rendered: dict[str, str]
) -> None:
    # `instance` is a label, and docker-proxy is alone with the collector on a network of its own.
    text = re.sub(r"^ +instance: .*$", "", rendered[path], flags=re.MULTILINE)
    assert [name for name in plain_names(text) if not name.startswith(f"{SOCKET_PROXY}:")] == []


def test_an_apps_own_grafana_is_asked_where_it_is(rendered: dict[str, str]) -> None:
    text = SITE.replace('targets: ["api:8000"]', 'targets: ["grafana:3000"]')
    files = {artifact.path: artifact.content for artifact in compile_text(text, "services.yaml").artifacts}
    jobs = {job["job_name"]: job for job in yaml.safe_load(files["prometheus/prometheus.yml"])["scrape_configs"]}
    assert jobs["api"]["static_configs"][0]["targets"] == ["grafana:3000"]
    assert jobs["grafana"]["static_configs"][0]["targets"] == ["grafana.core:3000"]
    assert jobs["vps"]["static_configs"][0]["targets"] == ["node-exporter.core:9100"]
    assert jobs["vps"]["static_configs"][0]["labels"]["instance"] == "node-exporter:9100"
