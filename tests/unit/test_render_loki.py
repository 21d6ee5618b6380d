"""Loki's configuration: what follows from services.yaml, and what must never be missing."""

from dataclasses import replace
from typing import Any

import yaml

from generator.artifact import Artifact
from generator.render.collector.config import render_collector
from generator.render.loki import INDEX_LABELS, OVERRIDES, render_loki
from generator.site.model import Budget, Site
from tests.unit.sites import GIB, STACK, make_service, make_site

DAY = 86400


def parsed(artifacts: tuple[Artifact, ...]) -> dict[str, Any]:
    return {artifact.path: yaml.safe_load(artifact.content) for artifact in artifacts}


def loki(site: Site) -> Any:
    return parsed(render_loki(site))["loki/loki.yaml"]


def overrides(site: Site) -> Any:
    return parsed(render_loki(site))["loki/overrides.yaml"]["overrides"]["fake"]


def kept(days: int) -> Site:
    return make_site(make_service(), stack=replace(STACK, retention_logs=days * DAY))


def test_all_that_deletes_old_lines_is_there() -> None:
    config = loki(kept(30))
    assert config["compactor"]["retention_enabled"] is True
    assert config["compactor"]["delete_request_store"] == config["schema_config"]["configs"][0]["object_store"]
    assert overrides(kept(30))["retention_period"] == "30d"
    assert config["runtime_config"]["file"] == OVERRIDES


def test_another_retention_changes_only_the_file_that_is_re_read() -> None:
    before, after = (parsed(render_loki(kept(days))) for days in (30, 7))
    assert {path for path in before if before[path] != after[path]} == {"loki/overrides.yaml"}


def test_whatever_the_collector_sends_is_young_enough_for_loki() -> None:
    assert loki(kept(7))["limits_config"]["reject_old_samples_max_age"] == "14d"
    collector = parsed(render_collector(kept(7)))["collector/collector.yaml"]
    assert collector["processors"]["filter/too_old"]["logs"]["log_record"] == ['log.time < Now() - Duration("335h")']
    assert "filter/too_old" in collector["service"]["pipelines"]["logs/files"]["processors"]


def test_a_search_reaches_as_far_as_there_are_lines() -> None:
    assert overrides(kept(90))["max_query_lookback"] == "90d"
    assert overrides(kept(90))["max_query_length"] == "91d"


def test_the_index_begins_on_a_date_that_never_changes() -> None:
    schema = loki(kept(30))["schema_config"]["configs"]
    assert [(each["from"], each["schema"], each["store"]) for each in schema] == [("2025-01-01", "v13", "tsdb")]


def test_only_resource_attributes_that_the_collector_sets_become_labels() -> None:
    attributes = loki(kept(30))["limits_config"]["otlp_config"]["resource_attributes"]
    assert attributes["ignore_defaults"] is True
    assert attributes["attributes_config"] == [{"action": "index_label", "attributes": list(INDEX_LABELS)}]
    collector = parsed(render_collector(kept(30)))["collector/collector.yaml"]
    assert set(collector["receivers"]["file_log/docker"]["resource"]) == set(INDEX_LABELS)


def test_memory_follows_from_the_budget() -> None:
    budget = Budget(memory={"loki": GIB}, metrics_disk=0, logs_disk=0, queue_disk=GIB)
    config = loki(make_site(make_service(), budget=budget))
    assert config["ingester"]["wal"]["replay_memory_ceiling"] == "512MB"
    assert config["chunk_store_config"]["chunk_cache_config"]["embedded_cache"]["max_size_mb"] == 64


def test_nothing_is_reported_to_anybody_outside() -> None:
    config = loki(kept(30))
    assert config["analytics"] == {"reporting_enabled": False}
    assert config["server"]["grpc_listen_address"] == "127.0.0.1"
