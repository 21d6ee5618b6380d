"""What `stack.traces` adds to each rendered file, and that it adds nothing when it is not there."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from generator.artifact import Artifact
from generator.diagnostics import Problems
from generator.pipeline import Compiled, compile_text
from generator.render.collector.traces import app_settings
from tests.unit.sites import STACK, make_site

APP = "services:\n  api:\n    kind: fastapi\n    targets: [api:8000]\n"
TRACED = f"stack: {{traces: tempo, retention: {{traces: 3d}}}}\n{APP}"


def compiled(text: str) -> Compiled:
    return compile_text(text, "services.yaml")


@pytest.fixture(scope="module")
def off() -> dict[str, Artifact]:
    return {artifact.path: artifact for artifact in compiled(APP).artifacts}


@pytest.fixture(scope="module")
def on() -> dict[str, Artifact]:
    return {artifact.path: artifact for artifact in compiled(TRACED).artifacts}


def read(artifacts: dict[str, Artifact], path: str) -> Any:
    return yaml.safe_load(artifacts[path].content)


def test_without_it_nothing_speaks_of_traces(off: dict[str, Artifact]) -> None:
    assert "tempo/tempo.yaml" not in off
    for path in ("compose.rendered.yaml", "grafana/provisioning/datasources/lookout.yaml", "prometheus/prometheus.yml"):
        assert "tempo" not in off[path].content
        assert "exemplar" not in off[path].content
    collector = off["collector/collector.yaml"].content
    assert "span.attributes" not in collector and "4319" not in collector


def test_spans_are_masked_before_they_are_queued_and_sent_to_the_store(on: dict[str, Artifact]) -> None:
    config = read(on, "collector/collector.yaml")
    assert config["service"]["pipelines"]["traces"] == {
        "receivers": ["otlp/traces"],
        "processors": ["memory_limiter", "transform/spans"],
        "exporters": ["otlp_http/traces"],
    }
    assert config["receivers"]["otlp/traces"]["protocols"]["http"]["endpoint"] == "0.0.0.0:4319"
    assert config["processors"]["transform/spans"]["error_mode"] == "propagate"
    assert config["exporters"]["otlp_http/traces"]["endpoint"] == "http://tempo.core:4318"


def test_a_store_that_stays_away_holds_up_no_app(on: dict[str, Artifact]) -> None:
    exporter = read(on, "collector/collector.yaml")["exporters"]["otlp_http/traces"]
    assert exporter["retry_on_failure"]["max_elapsed_time"] == "5m"
    assert "block_on_overflow" not in exporter["sending_queue"]
    assert exporter["sending_queue"]["queue_size"] == 16 * 2**20


def test_lines_are_shipped_as_before(on: dict[str, Artifact], off: dict[str, Artifact]) -> None:
    before, after = read(off, "collector/collector.yaml"), read(on, "collector/collector.yaml")
    for part in ("receivers", "exporters"):
        assert {name: after[part][name] for name in before[part]} == before[part]
    assert after["service"]["pipelines"]["logs/files"] == before["service"]["pipelines"]["logs/files"]


def test_the_store_runs_under_its_profile_with_limits_and_is_watched(on: dict[str, Artifact]) -> None:
    store = read(on, "tempo/tempo.yaml")
    assert store["overrides"]["defaults"]["compaction"]["block_retention"] == f"{3 * 86400}s"
    assert store["usage_report"] == {"reporting_enabled": False}
    service = read(on, "compose.rendered.yaml")["services"]["tempo"]
    assert service["mem_limit"].endswith("m") and "lookout.config" in service["labels"]
    jobs = {job["job_name"]: job for job in read(on, "prometheus/prometheus.yml")["scrape_configs"]}
    assert jobs["tempo"]["static_configs"][0]["targets"] == ["tempo.core:3200"]


def test_graphs_lines_and_traces_lead_to_each_other(on: dict[str, Artifact]) -> None:
    assert "--enable-feature=exemplar-storage" in read(on, "compose.rendered.yaml")["services"]["prometheus"]["command"]
    sources = {
        source["name"]: source for source in read(on, "grafana/provisioning/datasources/lookout.yaml")["datasources"]
    }
    tempo = sources["Tempo"]["uid"]
    assert sources["Prometheus"]["jsonData"]["exemplarTraceIdDestinations"] == [
        {"name": "trace_id", "datasourceUid": tempo}
    ]
    (field,) = (each for each in sources["Loki"]["jsonData"]["derivedFields"] if each["name"] == "Trace")
    assert (field["matcherRegex"], field["datasourceUid"]) == ("trace_id", tempo)
    lines = sources["Tempo"]["jsonData"]["tracesToLogsV2"]
    assert lines["datasourceUid"] == sources["Loki"]["uid"]
    assert lines["tags"] == [{"key": "service.name", "value": "service_name"}]


@pytest.mark.parametrize(
    ("environment", "ratio"), [("production", 0.1), ("staging", 0.1), ("development", 1.0), ("test", 1.0)]
)
def test_an_app_is_reported_where_spans_go_and_how_many(environment: str, ratio: float) -> None:
    traced = make_site(stack=replace(STACK, traces=True))
    assert app_settings(traced, environment) == {"endpoint": "http://collector:4319", "ratio": ratio}
    assert app_settings(make_site(), environment) == {"endpoint": "", "ratio": ratio}


def test_a_service_cannot_take_the_stores_name() -> None:
    with pytest.raises(Problems, match="tempo"):
        compiled(APP.replace("api:\n", "tempo:\n", 1))
