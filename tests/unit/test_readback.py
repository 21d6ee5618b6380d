"""What a part says it has loaded, against what was rendered."""

from typing import Any

import pytest

from generator.apply.readback import compare_alertmanager, compare_blackbox, compare_collector, compare_prometheus
from generator.artifact import Artifact

MAIN = "global: {scrape_interval: 10s}\nstorage: {tsdb: {retention: {time: 90d, size: 16GiB}}}\n"
SCRAPE = """\
scrape_configs:
  - job_name: api
    scrape_interval: 10s
    static_configs: [{targets: ["api:8000"], labels: {service: api}}]
"""
ROUTES = "route: {receiver: ops, group_wait: 5s}\nreceivers: [{name: ops}]\ntemplates: [templates/a]\n"
RULES = """\
groups:
  - name: api:http:outage
    rules:
      - {alert: Down, expr: 'up{job="api",instance="a"} == 0', for: 10s}
      - {record: r, expr: sum(up)}
"""
ARTIFACTS = {
    path: Artifact(path, text)
    for path, text in (
        ("prometheus/prometheus.yml", MAIN + SCRAPE),
        ("prometheus/rules/api/http.yml", RULES),
        ("prometheus/blackbox.yml", "modules: {http_2xx: {prober: http, timeout: 4s}}\n"),
        ("alertmanager/alertmanager.yml", ROUTES),
        ("loki/collector.yaml", "service: {telemetry: {resource: {lookout.config: sha256-ab}}}\n"),
    )
}


def loaded(**job: Any) -> dict[str, Any]:
    default = {"job_name": "api", "scrape_interval": "10s", "honor_timestamps": True,
               "static_configs": [{"targets": ["api:8000"], "labels": {"service": "api"}}]}  # fmt: skip
    return {
        "global": {"scrape_interval": "10s", "evaluation_interval": "1m"},
        "storage": {"tsdb": {"retention": {"time": "90d", "size": "16GiB"}}},
        "scrape_configs": [{**default, **job}],
    }


OUTAGES = "api:http:outage"


def groups(query: str = 'up{instance="a",job="api"} == 0', duration: float = 10, name: str = OUTAGES) -> list[Any]:
    rules = [{"name": "Down", "query": query, "duration": duration}, {"name": "r", "query": "sum(up)"}]
    return [{"name": name, "file": "/etc/prometheus/rules/api/http.yml", "rules": rules}]


def test_what_is_loaded_as_rendered_is_no_drift() -> None:
    assert compare_prometheus(ARTIFACTS, loaded(), groups()) == []


def test_a_range_that_prometheus_prints_in_other_units_is_no_drift() -> None:
    rules = RULES.replace("expr: sum(up)", "expr: 'sum_over_time(up[7d])'")
    rendered = {**ARTIFACTS, "prometheus/rules/api/http.yml": Artifact("r", rules)}
    (group,) = groups()
    group["rules"][1]["query"] = "sum_over_time(up[1w])"
    assert compare_prometheus(rendered, loaded(), [group]) == []
    group["rules"][1]["query"] = "sum_over_time(up[2w])"
    assert compare_prometheus(rendered, loaded(), [group]) == ["rule group api:http:outage is not the rendered one"]


@pytest.mark.parametrize(
    ("config", "rules", "sentence"),
    [
        (loaded(scrape_interval="30s"), groups(), "job api is not the rendered one"),
        (loaded(job_name="old"), groups(), "job old should be gone"),
        (loaded(static_configs=[]), groups(), "job api is not the rendered one"),
        ({**loaded(), "global": {"scrape_interval": "1m"}}, groups(), "global.scrape_interval is '1m', not '10s'"),
        (loaded(), groups(query="up == 1"), "rule group api:http:outage is not the rendered one"),
        (loaded(), groups(duration=60), "rule group api:http:outage is not the rendered one"),
        (loaded(), groups(name="old:http:outage"), "rule group old:http:outage should be gone"),
        (loaded(), [], "rule group api:http:outage is not the rendered one"),
    ],
)
def test_each_difference_is_a_sentence(config: dict[str, Any], rules: list[Any], sentence: str) -> None:
    assert sentence in compare_prometheus(ARTIFACTS, config, rules)


@pytest.mark.parametrize(
    ("rendered", "printed"),
    [
        ("max_over_time(up[7d]) == 1", "max_over_time(up[1w]) == 1"),
        ("sum(rate(x[90s])) by (a)", "sum(rate(x[1m30s])) by (a)"),
        ('a{b="1", c=~"2|3"} offset 1d', 'a{c=~"2|3",b="1"} offset 1d'),
        ("(a and b) or c", "(a and b) or c"),
    ],
)
def test_the_same_rule_in_other_words_is_no_drift(rendered: str, printed: str) -> None:
    rules = f"groups: [{{name: g, rules: [{{alert: A, expr: '{rendered}'}}]}}]"
    artifacts = {**ARTIFACTS, "prometheus/rules/api/http.yml": Artifact("prometheus/rules/api/http.yml", rules)}
    loaded_rules = [{"name": "g", "file": "x", "rules": [{"name": "A", "query": printed, "duration": 0}]}]
    assert compare_prometheus(artifacts, loaded(), loaded_rules) == []


def test_a_users_own_rules_are_theirs() -> None:
    own = [{"name": "mine", "file": "/etc/prometheus/custom/mine.yml", "rules": []}]
    assert compare_prometheus(ARTIFACTS, loaded(), groups() + own) == []


def test_alertmanagers_defaults_are_no_drift_and_a_changed_route_is() -> None:
    receivers = "receivers: [{name: ops}]\n"
    templates = "templates: [/etc/x/templates/a]\n"
    same = "route: {receiver: ops, group_wait: 5s, repeat_interval: 4h}\n" + receivers + templates
    assert compare_alertmanager(ARTIFACTS, same) == []
    other = "route: {receiver: ops, group_wait: 30s}\n" + receivers
    assert compare_alertmanager(ARTIFACTS, other) == [
        "'route' is not the rendered one",
        "'templates' is not the rendered one",
    ]


def test_blackbox_modules_that_differ_or_linger_are_told() -> None:
    assert compare_blackbox(ARTIFACTS, {"modules": {"http_2xx": {"prober": "http", "timeout": "4s", "http": {}}}}) == []
    assert compare_blackbox(ARTIFACTS, {"modules": {"old": {}}}) == [
        "module http_2xx is not the rendered one",
        "module old should be gone",
    ]


@pytest.mark.parametrize(
    ("metrics", "follows"),
    [
        ('target_info{lookout_config="sha256-ab",service_name="otelcol"} 1\n', True),
        ('up 1\ntarget_info{service_name="otelcol",lookout_config="sha256-ab"} 1\n', True),
        ('target_info{lookout_config="sha256-cd",service_name="otelcol"} 1\n', False),
        ('target_info{service_name="otelcol"} 1\n', False),
        ("", False),
    ],
)
def test_a_collector_says_which_configuration_it_has(metrics: str, follows: bool) -> None:
    assert (compare_collector(ARTIFACTS, metrics) == []) is follows
