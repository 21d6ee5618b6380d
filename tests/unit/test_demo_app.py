"""The demo API keeps the contract that packs, dashboards and probes are written on."""

import importlib.metadata
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from demo.catalogue import ITEMS
from demo.settings import Settings, SettingsError
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.demo_api import AUTHORIZED, ITEM, TOKEN, Demo, running, settings_in


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def demo(settings: Settings) -> Iterator[Demo]:
    with running(settings) as demo:
        yield demo


# --- metrics ---


def test_each_request_is_counted_once_under_its_route_template_and_exact_status(demo: Demo) -> None:
    for path in ("/items/1", "/items/2", f"/items/{len(ITEMS) + 1}", "/items/zero"):
        demo.client.get(path)

    assert demo.requests(ITEM, "200") == 2
    assert demo.requests(ITEM, "404") == 1
    assert demo.requests(ITEM, "422") == 1
    assert demo.value("http_request_duration_seconds_count", method="GET", handler=ITEM) == 4


@pytest.mark.parametrize("path", ["/wp-login.php", "/items/1/", "/items/1/x", "/search/"])
def test_a_path_that_no_route_matches_shares_one_handler(demo: Demo, path: str) -> None:
    assert demo.client.get(path).status_code == 404
    assert demo.requests("none", "404") == 1


def test_an_invented_method_makes_no_label_of_its_own(demo: Demo) -> None:
    demo.client.request("BREW", "/items/1")
    demo.client.request("STEEP", "/items/1")
    assert demo.requests(ITEM, "405", method="other") == 2


def test_a_hundred_strange_urls_make_no_more_series_than_ten(demo: Demo) -> None:
    def strange(count: int) -> int:
        for number in range(count):
            demo.client.get(f"/x{number}")
            demo.client.get(f"/items/{number}/?q={number}")
        return sum(1 for family in demo.metrics.registry.collect() for _ in family.samples)

    assert strange(10) == strange(100)


def test_every_product_route_starts_at_zero_so_that_its_first_error_is_an_increase(demo: Demo) -> None:
    routes = {("GET", ITEM), ("GET", "/search"), ("POST", "/analyze"), ("GET", "/analyses/{analysis_id}")}
    for method, handler in routes:
        for status in ("200", "500", "503"):
            assert demo.requests(handler, status, method) == 0
        assert demo.value("http_request_duration_seconds_count", method=method, handler=handler) == 0


@pytest.mark.parametrize("path", ["/health", "/healthz", "/ready", "/status", "/metrics"])
def test_probes_are_not_counted_as_requests(demo: Demo, path: str) -> None:
    assert demo.client.get(path, headers=AUTHORIZED).status_code == 200
    text = demo.client.get("/metrics", headers=AUTHORIZED).text
    assert f'handler="{path}"' not in text


@pytest.mark.parametrize("slo", [0.3, 0.05, 0.42])
def test_the_histogram_has_an_edge_exactly_at_the_slo(settings: Settings, slo: float) -> None:
    with running(replace(settings, slo_latency_seconds=slo)) as demo:
        demo.client.get("/search?q=oak")
        edge = demo.value("http_request_duration_seconds_bucket", method="GET", handler="/search", le=str(slo))
        assert edge == 1


def test_requests_in_progress_are_back_at_zero_after_answers_and_crashes(demo: Demo) -> None:
    demo.client.get("/items/1")
    demo.switch(errors=1)
    demo.client.get("/items/1")
    assert demo.value("http_requests_in_progress") == 0


def test_cache_reads_are_counted_as_miss_hit_and_error(demo: Demo) -> None:
    def reads() -> list[float | None]:
        results = ("miss", "hit", "error")
        return [demo.value("cache_requests_total", cache="items", result=result) for result in results]

    assert reads() == [0, 0, 0]
    demo.client.get("/items/7")
    demo.client.get("/items/7")
    demo.redis.connected = False
    assert demo.client.get("/items/7").json()["id"] == 7, "a cache that is away never costs an answer"
    assert reads() == [1, 1, 1]


def test_the_release_is_a_series(demo: Demo) -> None:
    assert demo.value("app_build_info", version=Settings.version, environment="demo") == 1


def test_what_metrics_prints_can_be_parsed_and_names_the_process(demo: Demo) -> None:
    text = demo.client.get("/metrics", headers=AUTHORIZED).text
    names = {family.name for family in text_string_to_metric_families(text)}
    assert {"http_requests", "process_start_time_seconds", "process_resident_memory_bytes"} <= names
    assert not [name for name in names if name.endswith("_created")]


# --- the token ---


@pytest.mark.parametrize(
    ("header", "status"),
    [
        pytest.param(f"Bearer {TOKEN}", 200, id="the right token"),
        pytest.param(f"bearer {TOKEN}", 200, id="the scheme has no case"),
        pytest.param(f"Bearer {TOKEN}x", 401, id="a longer token"),
        pytest.param(f"Bearer {TOKEN[:-1]}", 401, id="a shorter token"),
        pytest.param("Bearer ", 401, id="an empty token"),
        pytest.param(f"Basic {TOKEN}", 401, id="another scheme"),
        pytest.param("Bearer caf\u00e9", 401, id="bytes that are no ASCII"),
        pytest.param(None, 401, id="no header"),
    ],
)
def test_metrics_are_for_who_has_the_token(demo: Demo, header: str | None, status: int) -> None:
    headers = {} if header is None else {b"Authorization": header.encode("latin-1")}
    assert demo.client.get("/metrics", headers=headers).status_code == status


@pytest.mark.parametrize("content", [None, "", " \n"], ids=["missing", "empty", "blank"])
def test_without_a_usable_token_file_nobody_gets_in(settings: Settings, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "other"
    if content is not None:
        file.write_text(content)
    with running(replace(settings, metrics_token_file=file)) as demo:
        for header in ("Bearer ", "Bearer None", f"Bearer {TOKEN}"):
            assert demo.client.get("/metrics", headers={"Authorization": header}).status_code == 401


def test_a_changed_token_counts_without_a_restart(demo: Demo, settings: Settings) -> None:
    assert settings.metrics_token_file is not None
    settings.metrics_token_file.write_text("new")
    assert demo.client.get("/metrics", headers=AUTHORIZED).status_code == 401
    assert demo.client.get("/metrics", headers={"Authorization": "Bearer new"}).status_code == 200


# --- settings ---


@pytest.mark.parametrize(
    "env",
    [{"SLO_LATENCY_SECONDS": "fast"}, {"SLO_LATENCY_SECONDS": "0"}, {"PORT": "nan"}, {"LOG_LEVEL": "LOUD"}],
)
def test_a_setting_that_cannot_be_used_is_named(env: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=next(iter(env))):
        Settings.from_env(env)


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.from_env({"LOG_LEVEL": "", "REDIS_URL": " "}) == Settings()


# --- what it runs on ---

ROOT = Path(__file__).parents[2]


def pins(lines: Iterable[str]) -> dict[str, str]:
    """Name and version of each `name==version`."""
    return dict(line.strip().split("==") for line in lines if "==" in line)


def test_what_the_image_installs_is_what_is_tested_here() -> None:
    image = pins((ROOT / "apps/requirements.txt").read_text().splitlines())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    tested = pins([*project["dependencies"], *project["optional-dependencies"]["dev"]])
    shared = image.keys() & tested.keys()
    assert {"fastapi", "redis", "structlog", "httpx2"} <= shared
    assert {name: image[name] for name in shared} == {name: tested[name] for name in shared}


def test_the_image_pins_the_dependencies_of_its_dependencies_too() -> None:
    pinned = pins((ROOT / "apps/requirements.txt").read_text().splitlines())
    for name in pinned:
        for line in importlib.metadata.requires(name) or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                assert canonicalize_name(needed.name) in pinned, f"{name} needs {needed.name}"
