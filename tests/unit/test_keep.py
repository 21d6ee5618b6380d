"""Keep-lists: what something reads is stored, of exporters and parts nothing else is, and an app's metrics all are."""

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as pp
import pytest
import yaml

from generator.check.custom import check_custom
from generator.diagnostics import Problems
from generator.pipeline import compile_text, resolve_text
from generator.promql.tree import parse, walk

EVERYTHING = """
channels: {ops: {slack: {channel: "#ops", webhook: secret:slack_ops}}}
stack: {errors: bugsink, traces: tempo, machine: {memory: 4GiB}}
services:
  api: {kind: [fastapi, celery, llm, payments], targets: [api:8000], url: "https://api.acme.dev", uses: [db, cache]}
  db: {kind: postgres, address: "db:5432", dsn: secret:db_dsn}
  cache: {kind: redis, address: "cache:6379"}
hosts: {vps1: {}}
"""
OWN = ("prometheus_", "alertmanager_", "loki_", "grafana_", "monitor_", "blackbox_", "otelcol_", "caddy_", "tempo_",
       "bugsink_", "bridge_", "pg_", "redis_", "node_", "probe_")  # fmt: skip


@functools.cache
def kept(text: str) -> dict[str, re.Pattern[str]]:
    """What each scrape job keeps, of the jobs that do not keep everything."""
    artifacts = {each.path: each for each in compile_text(text, "services.yaml").artifacts}
    found = {}
    for job in yaml.safe_load(artifacts["prometheus/prometheus.yml"].content)["scrape_configs"]:
        for rule in job.get("metric_relabel_configs", []):
            if rule.get("action") == "keep":
                found[job["job_name"]] = re.compile(rule["regex"])
    return found


def expressions(text: str) -> Iterator[str]:
    """Every expression that is rendered: of the rules, and of each panel of each dashboard."""
    for artifact in compile_text(text, "services.yaml").artifacts:
        if artifact.path.startswith("prometheus/rules/"):
            for group in yaml.safe_load(artifact.content)["groups"]:
                yield from (rule["expr"] for rule in group["rules"])
        elif artifact.path.startswith("grafana/dashboards/"):
            yield from queries(json.loads(artifact.content))


def queries(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from queries(each)
    elif isinstance(node, dict):
        if isinstance(node.get("expr"), str) and node["datasource"]["type"] == "prometheus":
            yield node["expr"]
        for each in node.values():
            yield from queries(each)


def names(expr: str) -> set[str]:
    plain = re.sub(r"\$\{?\w+(:\w+)?\}?", "x", re.sub(r"\[\$__\w+", "[5m", expr))
    return {node.name for node in walk(parse(plain)) if isinstance(node, pp.VectorSelector) and node.name}


def test_whatever_a_rule_or_a_panel_reads_is_stored() -> None:
    patterns = kept(EVERYTHING).values()
    read = {name for expr in expressions(EVERYTHING) for name in names(expr) if name.startswith(OWN)}
    assert len(read) > 60
    assert [name for name in sorted(read) if not any(pattern.fullmatch(name) for pattern in patterns)] == []


@pytest.mark.parametrize(
    ("job", "name", "stored"),
    [
        ("prometheus", "prometheus_tsdb_head_series", True),
        ("prometheus", "prometheus_engine_queries", False),
        ("prometheus", "go_goroutines", False),
        ("caddy", "caddy_config_last_reload_successful", True),
        ("caddy", "process_start_time_seconds", True),
        ("cache", "redis_aof_last_write_status", True),
        ("cache", "redis_commands_total", False),
        ("db", "pg_stat_activity_count", True),
        ("db", "pg_stat_bgwriter_buffers_alloc_total", False),
        ("vps1", "node_filesystem_avail_bytes", True),
        ("vps1", "node_forks_total", False),
        ("vps1", "backup_last_success_timestamp_seconds", True),
        ("vps1", "nodejs_version", True),
        ("api-probe-http-2xx", "probe_success", True),
        ("api-probe-http-2xx", "probe_ip_addr_hash", False),
    ],
)
def test_of_the_stack_s_own_only_that_is_stored(job: str, name: str, stored: bool) -> None:
    assert bool(kept(EVERYTHING)[job].fullmatch(name)) is stored


def test_an_app_s_own_metrics_are_all_stored() -> None:
    assert "api" not in kept(EVERYTHING)


@pytest.mark.parametrize("kinds", ["[postgres, redis, http]", "[redis, postgres]", "[http, postgres, flower]"])
def test_what_a_user_s_own_targets_print_is_all_stored(kinds: str) -> None:
    mixed = f"  own: {{kind: {kinds}, targets: [own:9100], address: 'own:6379', dsn: secret:own_dsn}}\n"
    found = kept(EVERYTHING.replace("hosts:", f"{mixed}hosts:"))
    assert "own" not in found
    assert {"cache", "db", "vps1"} <= set(found)


def test_a_custom_alert_keeps_what_it_reads() -> None:
    alert = """
    alerts:
      TooManyKeys:
        expr: redis_db_keys > 5
        severity: warning
        summary: There are many keys.
        runbook: Look for keys without a TTL.
"""
    text = EVERYTHING.replace(
        '  cache: {kind: redis, address: "cache:6379"}\n',
        f'  cache:\n    kind: redis\n    address: "cache:6379"{alert}',
    )
    assert kept(text)["cache"].fullmatch("redis_db_keys")


def test_more_is_stored_where_it_is_asked_for() -> None:
    text = EVERYTHING.replace("stack: {", "stack: {keep_metrics: [redis_db_.*, node_forks_total], ")
    assert kept(text)["cache"].fullmatch("redis_db_keys")
    assert kept(text)["vps1"].fullmatch("node_forks_total")
    assert not kept(text)["cache"].fullmatch("redis_commands_total")


def test_a_pattern_that_is_no_regular_expression_is_refused_where_it_stands() -> None:
    text = EVERYTHING.replace("stack: {", 'stack: {keep_metrics: [ok, "redis_(db"], ')
    with pytest.raises(Problems) as raised:
        resolve_text(text, "services.yaml")
    (problem,) = raised.value.diagnostics
    assert "'redis_(db' is not a regular expression" in problem.message
    assert problem.span is not None
    assert text.splitlines()[2][problem.span.column - 1 :].startswith('"redis_(db"')


def custom(folder: Path, expr: str) -> None:
    rules = folder / "prometheus" / "custom"
    rules.mkdir(parents=True)
    (rules / "mine.yml").write_text(f"groups:\n  - name: mine\n    rules:\n      - alert: Mine\n        expr: {expr}\n")


@pytest.mark.parametrize(
    ("expr", "missing"),
    [
        ("rate(node_forks_total[5m]) > 9", ["node_forks_total"]),
        ("node_load5 > 9 and redis_commands_total > 1", ["redis_commands_total"]),
        ("my_own_metric > 1 or up == 0 or node_load5 > 3", []),
        ("'this is { no expression'", []),
    ],
)
def test_a_custom_rule_that_reads_what_is_not_stored_is_named(tmp_path: Path, expr: str, missing: list[str]) -> None:
    site, _ = resolve_text(EVERYTHING, "services.yaml")
    custom(tmp_path, expr)
    problems = check_custom(site, tmp_path)
    assert [re.findall(r"'(\w+)'", problem.message)[0] for problem in problems] == missing
    assert all(problem.code == "check/not-stored" and problem.span and problem.span.line == 5 for problem in problems)


@pytest.mark.parametrize(
    "text", ["", "groups: 3", "groups: [{rules: [1]}, 2]", "a: [", "groups: [{rules: [{expr: 1}]}]"]
)
def test_a_file_of_another_shape_is_promtool_s_business(tmp_path: Path, text: str) -> None:
    site, _ = resolve_text(EVERYTHING, "services.yaml")
    custom(tmp_path, "up")
    (tmp_path / "prometheus" / "custom" / "mine.yml").write_text(text)
    assert check_custom(site, tmp_path) == []
