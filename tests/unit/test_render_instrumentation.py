"""The settings of an app follow from services.yaml, and the library can read it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lookout_instrumentation.redaction import REDACTOR, Redactor
from lookout_instrumentation.settings import DEFAULT_LABEL_BUDGET, LABEL_BUDGETS, LATENCY_BUCKETS, Settings

from generator.packs import load_packs
from generator.pipeline import compile_text
from generator.reference.log_fields import FIELDS, log_fields_page
from generator.render.collector.records import FIELDS as SEARCHABLE
from generator.render.collector.redaction import PATH, table
from generator.render.instrumentation import FOLDER, render_instrumentation
from generator.site.model import Errors, PackInstance, Service, Site
from generator.values.secret import SecretRef
from tests.unit.sites import make_job, make_service, make_site

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("http", "instrumentation")


def app(**overrides: Any) -> Service:
    return make_service("api", **{"kinds": KINDS, "jobs": (make_job(sample_limit=20000),), **overrides})


def reported(site: Site) -> dict[str, dict[str, Any]]:
    prefix = f"{FOLDER}/"
    rendered = {artifact.path: artifact.content for artifact in render_instrumentation(site)}
    return {path.removeprefix(prefix): json.loads(text) for path, text in rendered.items() if path.startswith(prefix)}


def loaded(tmp_path: Path, service: Service) -> Settings:
    path = tmp_path / "api.json"
    path.write_text(json.dumps(reported(make_site(service))["api.json"]))
    return Settings.load({"LOOKOUT_CONFIG": str(path)})


def test_only_services_with_the_library_in_them_have_a_file() -> None:
    site = make_site(app(), make_service("plain"))
    assert list(reported(site)) == ["api.json"]


def test_the_library_reads_what_is_rendered(tmp_path: Path) -> None:
    service = app(token=SecretRef("api_metrics_token"), errors=Errors(SecretRef("api_sentry_dsn")))
    settings = loaded(tmp_path, service)
    assert (settings.service, settings.environment, settings.series_budget) == ("api", "production", 16000)
    assert settings.metrics_token_file == Path("/run/secrets/api_metrics_token")
    assert settings.user_hash_key_file == Path("/run/secrets/user_hash_key")
    assert reported(make_site(service))["api.json"]["sentry_dsn_file"] == "/run/secrets/api_sentry_dsn"
    assert (settings.traces_endpoint, settings.traces_ratio, settings.log_level) == ("", 0.1, "INFO")


def test_an_app_without_token_and_tracker_is_reported_of_none() -> None:
    names = reported(make_site(app()))["api.json"]
    assert {"metrics_token_file", "sentry_dsn_file"}.isdisjoint(names)


def test_every_latency_that_an_alert_compares_with_is_an_edge(tmp_path: Path) -> None:
    kinds = "kind: [fastapi, instrumentation], targets: [api:8000]"
    text = f"services:\n  api: {{{kinds}, params: {{http: {{latency_p95: 320ms}}}}}}\n"
    site = compile_text(text, "services.yaml").site
    edges = reported(site)["api.json"]["buckets"]
    compared = {
        float(instance.params[name])
        for service in site.services
        if service.name == "api"
        for instance in service.packs
        for name, param in load_packs()[instance.pack].params.items()
        if param.type == "duration" and name in ("latency_p95", "latency_median")
    }
    assert 0.32 in compared
    assert compared <= set(edges)
    assert set(LATENCY_BUCKETS) <= set(edges)
    assert edges == sorted(edges)


@pytest.mark.parametrize(("environment", "ratio"), [("development", 1.0), ("production", 0.1), ("staging", 0.1)])
def test_development_traces_everything(environment: str, ratio: float) -> None:
    assert reported(make_site(app(environment=environment)))["api.json"]["traces"]["ratio"] == ratio


def test_the_budget_ends_a_fifth_below_the_smallest_limit_of_a_scrape() -> None:
    jobs = (make_job(sample_limit=20000), make_job("api-2", sample_limit=1000), make_job("p", probe_module="http_2xx"))
    assert reported(make_site(app(jobs=jobs)))["api.json"]["series_budget"] == 800


def test_label_budgets_are_the_librarys_own_defaults() -> None:
    budgets = reported(make_site(app()))["api.json"]["label_budgets"]
    assert budgets == LABEL_BUDGETS
    assert min(budgets.values()) <= DEFAULT_LABEL_BUDGET


def test_a_pack_without_latencies_adds_no_edge() -> None:
    params = {name: param.default for name, param in load_packs()["redis"].params.items()} | {"latency": 0.07}
    service = replace(app(), packs=(PackInstance("redis", params, (), (), (), ()),))
    assert 0.07 not in reported(make_site(service))["api.json"]["buckets"]


def test_the_library_holds_the_table_as_it_is_rendered() -> None:
    assert json.loads((ROOT / PATH).read_text(encoding="utf-8")) == table()
    assert isinstance(REDACTOR, Redactor)


def test_the_page_of_fields_names_each_and_marks_what_can_be_searched_by() -> None:
    table_rows = [row for row in log_fields_page().content.splitlines() if row.startswith("| `")]
    rows = {row.split("`")[1]: row.endswith("| yes |") for row in table_rows}
    assert rows == {field.name: field.name in SEARCHABLE for field in FIELDS}
    assert rows["request_id"] and rows["user_id"] and rows["error_type"] and not rows["message"]
