"""prometheus.yml and blackbox.yml, as values."""

import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

from generator.render.prometheus.blackbox import render_blackbox
from generator.render.prometheus.config import (
    prometheus_duration,
    prometheus_size,
    render_prometheus,
    render_with_rules,
)
from generator.render.seal import seal_in
from generator.site.model import Alert, Probe, Site
from generator.values.secret import SecretRef
from tests.unit.sites import STACK, make_alert, make_job, make_service, make_site

DAY = 86400


def config_of(site: Site) -> dict[str, Any]:
    (artifact,) = render_prometheus(site)
    assert artifact.path == "prometheus/prometheus.yml"
    loaded: dict[str, Any] = yaml.safe_load(artifact.content)
    return loaded


def job_of(**overrides: Any) -> dict[str, Any]:
    job: dict[str, Any] = config_of(make_site(make_service(jobs=(make_job(**overrides),))))["scrape_configs"][0]
    return job


@pytest.mark.parametrize(
    ("seconds", "printed"),
    [(0, "0s"), (5, "5s"), (90, "1m30s"), (3600, "1h"), (90 * DAY, "90d"), (28 * DAY, "4w"), (365 * DAY, "1y"),
     (372 * DAY, "372d"), (DAY + 1, "1d1s")],
)  # fmt: skip
def test_a_duration_is_spelt_as_prometheus_prints_it(seconds: int, printed: str) -> None:
    assert prometheus_duration(seconds) == printed


@pytest.mark.parametrize(
    ("size", "printed"),
    [(16 * 2**30, "16GiB"), (3 * 2**29, "1GiB512MiB"), (2**41 + 2**20 + 7, "2TiB1MiB"), (10, "1MiB")],
)
def test_a_size_is_spelt_as_prometheus_prints_it(size: int, printed: str) -> None:
    assert prometheus_size(size) == printed


def test_retention_by_time_and_by_size_is_in_the_file_that_a_reload_reads() -> None:
    config = config_of(make_site(stack=replace(STACK, retention_metrics=28 * DAY)))
    assert config["storage"] == {"tsdb": {"retention": {"time": "4w", "size": "16GiB"}}}


def test_alerts_go_to_alertmanager_below_its_path_with_no_label_added() -> None:
    config = config_of(make_site())
    (alertmanager,) = config["alerting"]["alertmanagers"]
    assert alertmanager["path_prefix"] == "/alertmanager"
    assert alertmanager["static_configs"] == [{"targets": ["alertmanager.core:9093"]}]
    assert "external_labels" not in config["global"]


def test_rules_are_the_rendered_ones_and_the_users_own() -> None:
    site = make_site(make_service("api", (make_alert(),)), make_service("quiet"), make_service("web", (make_alert(),)))
    *files, seal = config_of(site)["rule_files"]
    assert files == ["rules/api/*.yml", "rules/web/*.yml", "custom/*.yml"]
    assert re.fullmatch(r"rules/\*\.sha256-[0-9a-f]{16}", seal)


def test_the_seal_is_another_one_for_whatever_is_rendered_and_stays_for_the_same() -> None:
    def seal(*alerts: Alert, **job: Any) -> str:
        site = make_site(make_service("api", alerts, jobs=(make_job("api", **job),)))
        (main, *_) = render_with_rules(site)
        return seal_in(main.content)

    usual = seal(make_alert())
    assert seal(make_alert()) == usual
    other = (
        seal(make_alert("Another")),
        seal(make_alert(keep_firing_seconds=60)),
        seal(make_alert(annotations={"summary": "other words"})),
        seal(make_alert(), interval=30),
        seal(),
    )
    assert len({usual, *other}) == 1 + len(other)


def test_a_target_carries_its_service_environment_and_name() -> None:
    job = job_of(targets=(("redis-exporter-cache:9121", "cache:6379"),))
    assert job["static_configs"] == [
        {
            "targets": ["redis-exporter-cache:9121"],
            "labels": {"service": "api", "instance": "cache:6379", "environment": "production"},
        }
    ]


def test_labels_of_a_job_are_on_each_of_its_targets() -> None:
    job = job_of(labels={"part": "web"}, targets=(("b:1", "b:1"), ("a:1", "a:1")))
    assert [static["labels"]["part"] for static in job["static_configs"]] == ["web", "web"]
    assert [static["targets"] for static in job["static_configs"]] == [["a:1"], ["b:1"]]


def test_a_token_is_read_from_a_file_and_never_written() -> None:
    job = job_of(token=SecretRef("api_metrics_token"))
    assert job["authorization"] == {"type": "Bearer", "credentials_file": "/run/secrets/api_metrics_token"}


def test_basic_authentication_may_have_no_user() -> None:
    assert job_of(basic_password=SecretRef("kuma_api_key"))["basic_auth"] == {
        "password_file": "/run/secrets/kuma_api_key"
    }
    assert job_of(basic_password=SecretRef("key"), basic_user="me")["basic_auth"]["username"] == "me"


def test_a_probe_asks_the_blackbox_exporter_about_its_target() -> None:
    job = job_of(probe_module="http_2xx", targets=(("https://api.acme.dev", "https://api.acme.dev"),))
    assert (job["metrics_path"], job["scheme"], job["params"]) == ("/probe", "http", {"module": ["http_2xx"]})
    assert job["relabel_configs"] == [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"target_label": "__address__", "replacement": "blackbox-exporter.core:9115"},
    ]
    assert job["static_configs"][0]["labels"]["instance"] == "https://api.acme.dev"


def test_limits_intervals_and_relabelling_of_a_job() -> None:
    rule = {"source_labels": ["path"], "target_label": "handler"}
    job = job_of(sample_limit=20_000, interval=60, timeout=5, relabel=(rule,))
    assert (job["sample_limit"], job["scrape_interval"], job["scrape_timeout"]) == (20_000, "1m", "5s")
    assert job["metric_relabel_configs"] == [rule]
    assert "sample_limit" not in job_of()


def test_jobs_are_sorted_and_lead_back_to_their_service() -> None:
    site = make_site(make_service("web"), make_service("api"))
    (artifact,) = render_prometheus(site)
    assert [job["job_name"] for job in yaml.safe_load(artifact.content)["scrape_configs"]] == ["api", "web"]
    assert set(artifact.origins) == {"api", "web"}


def test_blackbox_knows_every_way_of_asking_and_each_dns_question() -> None:
    probes = (
        Probe("site", "dns_acme_dev_mx", "dns", "9.9.9.9:53", "acme.dev", "MX"),
        Probe("site", "http_2xx", "http", "https://acme.dev"),
    )
    (artifact,) = render_blackbox(make_site(make_service("site", probes=probes)))
    modules = yaml.safe_load(artifact.content)["modules"]
    *names, seal = modules
    assert (names, seal) == (["dns_acme_dev_mx", "http_2xx", "tcp", "tls"], seal_in(artifact.content))
    assert modules["dns_acme_dev_mx"]["dns"]["query_type"] == "MX"
    assert modules["tls"]["tcp"]["tls"] is True
    assert "tls" not in modules["tcp"]["tcp"]


def test_blackbox_gives_up_before_prometheus_does() -> None:
    (artifact,) = render_blackbox(make_site())
    modules = yaml.safe_load(artifact.content)["modules"]
    assert {module["timeout"] for name, module in modules.items() if not seal_in(name)} == {"4s"}
