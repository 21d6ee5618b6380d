"""What a part says it has loaded, against what was rendered."""

from typing import Any

import pytest
import yaml

from generator.apply.alertmanager import compare_alertmanager
from generator.apply.blackbox import compare_blackbox
from generator.apply.caddy import compare_caddy
from generator.apply.collector import compare_collector
from generator.apply.prometheus import compare_jobs, compare_prometheus
from generator.apply.readback import (
    LastLoad,
    last_load,
)
from generator.artifact import Artifact

SEAL = "sha256-0123456789abcdef"
OTHER = "sha256-fedcba9876543210"
MAIN = "global: {scrape_interval: 10s}\nstorage: {tsdb: {retention: {time: 90d, size: 16GiB}}}\n"
SCRAPE = f"""\
rule_files: [rules/api/*.yml, 'rules/*.{SEAL}']
scrape_configs:
  - job_name: api
    scrape_interval: 10s
    static_configs: [{{targets: ["api:8000"], labels: {{service: api}}}}]
    metric_relabel_configs: [{{source_labels: [le], regex: x, replacement: ""}}]
"""
ROUTES = f"route: {{receiver: ops, group_wait: 5s}}\nreceivers: [{{name: ops}}]\ntemplates: [templates/a, 'b.{SEAL}']\n"
ARTIFACTS = {
    path: Artifact(path, text)
    for path, text in (
        ("prometheus/prometheus.yml", MAIN + SCRAPE),
        ("prometheus/blackbox.yml", f"modules: {{http_2xx: {{prober: http, timeout: 4s}}, {SEAL}: {{prober: tcp}}}}\n"),
        ("alertmanager/alertmanager.yml", ROUTES),
        ("caddy/Caddyfile", f"respond /config {SEAL}\n"),
        ("collector/collector.yaml", f"service: {{telemetry: {{resource: {{lookout.config: {SEAL}}}}}}}\n"),
    )
}


def loaded(seal: str = SEAL, **job: Any) -> dict[str, Any]:
    """As Prometheus prints it: with defaults, without what is empty."""
    default = {"job_name": "api", "scrape_interval": "10s", "honor_timestamps": True,
               "static_configs": [{"targets": ["api:8000"], "labels": {"service": "api"}}],
               "metric_relabel_configs": [{"source_labels": ["le"], "regex": "x"}]}  # fmt: skip
    return {
        "global": {"scrape_interval": "10s", "evaluation_interval": "1m"},
        "storage": {"tsdb": {"retention": {"time": "90d", "size": "16GiB"}}},
        "rule_files": ["/etc/prometheus/rules/api/*.yml", f"/etc/prometheus/rules/*.{seal}"],
        "scrape_configs": [{**default, **job}],
    }


def test_what_is_loaded_as_rendered_is_no_drift() -> None:
    assert compare_prometheus(ARTIFACTS, loaded()) == []
    assert compare_jobs(yaml.safe_load(MAIN + SCRAPE), loaded()) == []


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (loaded(OTHER, scrape_interval="30s"), "job api is not the rendered one"),
        (loaded(OTHER, job_name="old"), "job old should be gone"),
        (loaded(OTHER, static_configs=[]), "job api is not the rendered one"),
        (loaded(OTHER, metric_relabel_configs=[]), "job api is not the rendered one"),
        (
            {**loaded(OTHER), "global": {"scrape_interval": "1m"}},
            "global.scrape_interval is '1m', not '10s'",
        ),
        (loaded(OTHER), "its rules are not the rendered ones"),
        ({**loaded(), "rule_files": None}, "its rules are not the rendered ones"),
        ({}, "job api is not the rendered one"),
    ],
)
def test_each_difference_is_a_sentence(config: dict[str, Any], sentence: str) -> None:
    assert sentence in compare_prometheus(ARTIFACTS, config)


def test_two_seals_are_none() -> None:
    both = loaded()
    both["rule_files"] = [*both["rule_files"], f"rules/*.{OTHER}"]
    assert compare_prometheus(ARTIFACTS, both) != []


def test_alertmanagers_defaults_are_no_drift_and_a_changed_route_is() -> None:
    same = f"route: {{receiver: ops, group_wait: 5s, repeat_interval: 4h}}\ntemplates: [/etc/x/a, '/etc/x/b.{SEAL}']\n"
    assert compare_alertmanager(ARTIFACTS, same) == []
    other = f"route: {{receiver: ops, group_wait: 30s}}\nreceivers: [{{name: ops}}]\ntemplates: ['b.{OTHER}']\n"
    assert compare_alertmanager(ARTIFACTS, other) == ["'route' is not the rendered one"]
    added = f"route: {{receiver: ops, group_wait: 5s}}\nreceivers: [{{name: ops}}]\nx: 1\ntemplates: ['b.{OTHER}']\n"
    assert compare_alertmanager(ARTIFACTS, added) == ["its configuration is not the rendered one"]
    assert compare_alertmanager(ARTIFACTS, "") == [
        "'receivers' is not the rendered one",
        "'route' is not the rendered one",
    ]


def test_blackbox_modules_that_differ_or_linger_are_reported() -> None:
    module = {"prober": "http", "timeout": "4s", "http": {}}
    assert compare_blackbox(ARTIFACTS, {"modules": {"http_2xx": module, SEAL: {"prober": "tcp"}}}) == []
    assert compare_blackbox(ARTIFACTS, {"modules": {"old": {}, OTHER: {"prober": "tcp"}}}) == [
        "module http_2xx is not the rendered one",
        "module old should be gone",
    ]
    more = {**module, "tcp": {"tls": True}}
    assert compare_blackbox(ARTIFACTS, {"modules": {"http_2xx": more, OTHER: {}}}) == [
        "its configuration is not the rendered one"
    ]


def test_caddy_serves_the_seal_of_what_it_has_loaded() -> None:
    assert compare_caddy(ARTIFACTS, SEAL) == []
    assert compare_caddy(ARTIFACTS, OTHER) == compare_caddy(ARTIFACTS, "") != []


@pytest.mark.parametrize(
    ("metrics", "follows"),
    [
        (f'target_info{{lookout_config="{SEAL}",service_name="otelcol"}} 1\n', True),
        (f'up 1\ntarget_info{{service_name="otelcol",lookout_config="{SEAL}"}} 1\n', True),
        (f'target_info{{lookout_config="{OTHER}",service_name="otelcol"}} 1\n', False),
        ('target_info{service_name="otelcol"} 1\n', False),
        ("", False),
    ],
)
def test_a_collector_says_which_configuration_it_has(metrics: str, follows: bool) -> None:
    assert (compare_collector(ARTIFACTS, metrics, "") == []) is follows


def test_a_collector_says_which_tokens_it_has() -> None:
    path = "collector/collector.yaml"
    text = f"service: {{telemetry: {{resource: {{lookout.config: {SEAL}, lookout.secrets: '${{file:/x}}'}}}}}}\n"
    metrics = f'target_info{{lookout_config="{SEAL}",lookout_secrets="abc"}} 1\n'
    assert compare_collector({path: Artifact(path, text)}, metrics, "abc") == []
    assert compare_collector({path: Artifact(path, text)}, metrics, "abd") == [
        "a token that it knows is not the one in secrets/"
    ]


def test_a_part_says_when_it_last_loaded_and_whether_it_refused() -> None:
    metrics = "x_config_last_reload_successful {}\nx_config_last_reload_success_timestamp_seconds 1.79e+09\n"
    assert last_load(metrics.format(1), "x") == LastLoad(1.79e9, refused=False)
    assert last_load(metrics.format(0), "x") == LastLoad(1.79e9, refused=True)
    assert last_load("up 1\n", "x") is None
