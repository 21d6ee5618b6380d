"""The demo API exports what its pages and alerts are written on; what every app exports is tested with the library."""

import importlib.metadata
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from demo.made_up import ITEM_COUNT
from demo.settings import Settings, SettingsError
from lookout_instrumentation import Settings as LookoutSettings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.unit.demo_api import ITEM, Demo, running, settings_in


@pytest.fixture
def settings(tmp_path: Path) -> LookoutSettings:
    return settings_in(tmp_path)


@pytest.fixture
def demo(settings: LookoutSettings) -> Iterator[Demo]:
    with running(settings) as demo:
        yield demo


# --- metrics ---


def test_each_request_is_counted_once_under_its_route_template_and_exact_status(demo: Demo) -> None:
    for path in ("/items/1", "/items/2", f"/items/{ITEM_COUNT + 1}", "/items/zero"):
        demo.client.get(path)

    assert demo.requests(ITEM, "200") == 2
    assert demo.requests(ITEM, "404") == 1
    assert demo.requests(ITEM, "422") == 1
    assert demo.value("http_request_duration_seconds_count", method="GET", handler=ITEM) == 4


def test_every_product_route_starts_at_zero_so_that_its_first_error_is_an_increase(demo: Demo) -> None:
    gets = ("/items", ITEM, "/search", "/analyses/{analysis_id}", "/me")
    posts = ("/analyze", "/register", "/login", "/login/oauth", "/upgrade", "/cancel", "/exports", "/webhooks/{source}")
    routes = {*(("GET", path) for path in gets), *(("POST", path) for path in posts)}
    for method, handler in routes:
        for status in ("200", "500", "503"):
            assert demo.requests(handler, status, method) == 0, handler
        assert demo.value("http_request_duration_seconds_count", method=method, handler=handler) == 0


def test_cache_reads_are_counted_as_miss_hit_and_error(demo: Demo) -> None:
    def reads() -> list[float | None]:
        results = ("miss", "hit", "error")
        return [demo.value("cache_requests_total", cache="items", result=result) for result in results]

    assert reads() == [0, 0, 0]
    demo.client.get("/items/7")
    demo.client.get("/items/7")
    demo.redis.connected = False
    assert demo.client.get("/items/7").json()["id"] == 7, "a cache that is away never costs an answer"
    assert reads() == [1, 1, 2], "neither the read nor the write that follows it"


def test_an_analysis_is_counted_by_model_tenant_and_api_with_its_tokens_and_its_price(demo: Demo) -> None:
    model = {"provider": "openai", "model": "gpt-5-mini"}
    demo.client.post("/analyze", json={"text": "The lamp works."}, headers=demo.log_in())
    assert demo.value("llm_requests_total", **model, result="ok") == 1
    assert (demo.value("llm_tokens_total", **model, type="output") or 0) > 0
    assert (demo.value("llm_cost_usd_total", **model) or 0) > 0
    assert (demo.value("llm_tenant_tokens_total", tenant="acme") or 0) > 0
    assert demo.value("external_requests_total", api="openai", result="ok") == 1
    assert demo.value("external_quota_used", api="openai") == 1


def test_the_flag_switches_the_summaries_off(settings: LookoutSettings) -> None:
    with running(settings, summaries=False) as demo:
        answer = demo.client.post("/analyze", json={"text": "Hello."})
        assert (answer.status_code, answer.json()["summary"]) == (200, None)
        assert demo.value("external_requests_total", api="openai", result="ok") == 0


def test_statements_are_counted_by_request(demo: Demo) -> None:
    demo.client.get("/items?size=20")
    assert demo.value("db_request_queries_sum", handler="/items") == 1
    demo.switch(n_plus_one=True)
    demo.client.get("/items?size=20")
    assert demo.value("db_request_queries_sum", handler="/items") == 22
    assert demo.value("db_repeated_queries_total", handler="/items") == 1


# --- settings ---


@pytest.mark.parametrize(
    "env",
    [{"REDIS_TIMEOUT_SECONDS": "fast"}, {"DEMO_DAY_SECONDS": "0"}, {"PORT": "nan"}],
)
def test_a_setting_that_cannot_be_used_is_named(env: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=next(iter(env))):
        Settings.from_env(env)


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.from_env({"HOST": "", "REDIS_URL": " "}) == Settings()


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
