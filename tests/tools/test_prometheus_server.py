"""The rendered configuration in a real Prometheus and a real blackbox exporter: accepted, loaded, reloaded."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
import requests
import yaml

from generator.apply.blackbox import compare_blackbox
from generator.apply.prometheus import compare_jobs, compare_prometheus
from generator.artifact import Artifact
from generator.render.prometheus.blackbox import render_blackbox
from generator.render.prometheus.config import render_prometheus
from generator.site.model import Probe, Site
from generator.values.secret import SecretRef
from tests.support import tools
from tests.support.servers import free_port, server
from tests.support.waiting import until
from tests.unit.sites import STACK, make_job, make_service, make_site

DAY: Final = 86400
PROBES: Final = (
    Probe("api", "dns_acme_dev_mx", "dns", "9.9.9.9:53", "acme.dev", "MX"),
    Probe("api", "http_2xx", "http", "https://api.acme.dev"),
)


def site(retention: int = 28 * DAY) -> Site:
    """A site with every kind of job."""
    api = make_service(
        "api",
        probes=PROBES,
        jobs=(
            make_job("api", interval=60, token=SecretRef("token"), sample_limit=20_000, labels={"part": "web"},
                     relabel=({"source_labels": ["path"], "target_label": "handler", "regex": "(.+)"},)),
            make_job("api-secure", service="api", scheme="https", path="/m", targets=(("a:443", "a:443"),),
                     basic_user="me", basic_password=SecretRef("token")),
            make_job("api-probe", service="api", probe_module="http_2xx",
                     targets=(("https://api.acme.dev", "https://api.acme.dev"),)),
        ),
    )  # fmt: skip
    return make_site(api, stack=replace(STACK, retention_metrics=retention))


@dataclass(frozen=True, slots=True)
class Tree:
    """A rendered tree on disk."""

    folder: Path

    def write(self, of: Site) -> dict[str, Artifact]:
        artifacts = {each.path: each for each in (*render_prometheus(of), *render_blackbox(of))}
        for artifact in artifacts.values():
            path = self.folder / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(artifact.content, encoding="utf-8")
        return artifacts


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    folder = tmp_path_factory.mktemp("prometheus-server")
    (folder / "secrets").mkdir()
    (folder / "secrets" / "token").write_text("t0ken\n")
    return Tree(folder)


@pytest.fixture(scope="module")
def prometheus(tree: Tree) -> Iterator[str]:
    tree.write(site())
    port = free_port()
    url = f"http://127.0.0.1:{port}/prometheus"
    arguments = (
        "--config.file=/etc/prometheus/prometheus.yml",
        "--storage.tsdb.path=/tmp/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.external-url=http://localhost:8080/prometheus/",
        "--web.route-prefix=/prometheus/",
        "--web.enable-lifecycle",
    )
    mounts = {tree.folder / "prometheus": "/etc/prometheus", tree.folder / "secrets": "/run/secrets"}
    with server("prometheus", *arguments, mounts=mounts, ready=f"{url}/-/ready"):
        yield url


def loaded(url: str) -> dict[str, Any]:
    answer = requests.get(f"{url}/api/v1/status/config", timeout=60).json()
    config: dict[str, Any] = yaml.safe_load(answer["data"]["yaml"])
    return config


def test_promtool_accepts_what_is_rendered(tree: Tree, tmp_path: Path) -> None:
    Tree(tmp_path).write(site())
    checked = tools.run("promtool", "check", "config", "--syntax-only", "prometheus/prometheus.yml", folder=tmp_path)
    assert checked.code == 0, checked.output


def test_prometheus_loads_what_was_rendered_and_says_so_in_the_same_words(prometheus: str, tree: Tree) -> None:
    artifacts = tree.write(site())
    config = loaded(prometheus)
    assert compare_prometheus(artifacts, config) == []
    assert compare_jobs(yaml.safe_load(artifacts["prometheus/prometheus.yml"].content), config) == []
    rendered = yaml.safe_load(artifacts["prometheus/prometheus.yml"].content)
    assert config["storage"]["tsdb"]["retention"] == rendered["storage"]["tsdb"]["retention"]
    intervals = [(job["scrape_interval"], job["scrape_timeout"]) for job in config["scrape_configs"]]
    assert intervals == [(job["scrape_interval"], job["scrape_timeout"]) for job in rendered["scrape_configs"]]


def test_targets_carry_the_labels_that_rules_ask_for(prometheus: str) -> None:
    def active() -> list[dict[str, Any]]:
        return list(requests.get(f"{prometheus}/api/v1/targets", timeout=60).json()["data"]["activeTargets"])

    targets = until(active, "the targets", 20)
    labels = {target["scrapePool"]: target["labels"] for target in targets}
    common = {"service": "api", "environment": "production"}
    assert labels == {
        "api": {**common, "job": "api", "instance": "api:8000", "part": "web"},
        "api-probe": {**common, "job": "api-probe", "instance": "https://api.acme.dev"},
        "api-secure": {**common, "job": "api-secure", "instance": "a:443"},
    }
    asked = {target["scrapePool"]: target["scrapeUrl"] for target in targets}
    assert asked["api-probe"] == (
        "http://blackbox-exporter.core:9115/probe?module=http_2xx&target=https%3A%2F%2Fapi.acme.dev"
    )


def test_another_retention_needs_a_reload_and_no_restart(prometheus: str, tree: Tree) -> None:
    def runtime() -> dict[str, Any]:
        info: dict[str, Any] = requests.get(f"{prometheus}/api/v1/status/runtimeinfo", timeout=60).json()["data"]
        return info

    before = runtime()
    artifacts = tree.write(site(retention=90 * DAY))
    requests.post(f"{prometheus}/-/reload", timeout=60).raise_for_status()
    after = runtime()
    assert (before["storageRetention"], after["storageRetention"]) == ("4w or 16GiB", "90d or 16GiB")
    assert after["startTime"] == before["startTime"]
    assert compare_prometheus(artifacts, loaded(prometheus)) == []


def test_blackbox_exporter_loads_what_was_rendered(tree: Tree) -> None:
    artifacts = tree.write(site())
    port = free_port()
    arguments = ("--config.file=/etc/prometheus/blackbox.yml", f"--web.listen-address=127.0.0.1:{port}")
    url = f"http://127.0.0.1:{port}"
    with server("blackbox-exporter", *arguments, mounts={tree.folder / "prometheus": "/etc/prometheus"}, ready=url):
        config = yaml.safe_load(requests.get(f"{url}/config", timeout=60).text)
    assert compare_blackbox(artifacts, config) == []
