"""What every web framework's adapter must do, checked for each: counts, labels, ids, lines, probes, budgets."""

import gc
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.instrumentation.apps import AUTHORIZED, KINDS, App, captured, running, settings_in
from tests.support.soak import size


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def app(kind: str, tmp_path: Path) -> Iterator[App]:
    with captured(), running(kind, settings_in(tmp_path)) as app:
        yield app


# --- requests ---


def test_each_request_is_counted_once_under_its_template_and_exact_status(app: App) -> None:
    for path in ("/items/1", "/items/2", "/items/100", "/items/404?x=1"):
        app.ask(path)
    assert app.requests(app.item, "200") == 2
    assert app.requests(app.item, "404") == 2
    assert app.value("http_request_duration_seconds_count", method="GET", handler=app.item) == 4
    assert app.value("http_request_duration_seconds_bucket", method="GET", handler=app.item, le="0.3") is not None


def test_the_template_of_an_included_route_has_its_prefix(app: App) -> None:
    for tenant in ("acme", "other", "0"):
        assert app.ask(f"/shop/{tenant}/baskets/5").status == 200
    assert app.requests(app.basket, "200") == 3


@pytest.mark.parametrize("path", ["/wp-login.php", "/items/1/x", "/shop", "/shop/acme/nothing", "/%2e%2e/%00"])
def test_a_path_that_no_route_matches_makes_no_label_of_its_own(app: App, path: str) -> None:
    assert app.ask(path).status == 404
    assert (app.requests("none", "404") or app.requests("/shop/{tenant}", "404")) == 1


def test_every_route_starts_at_zero_so_that_its_first_error_is_an_increase(app: App) -> None:
    app.ask("/metrics", headers=AUTHORIZED)
    app.ask("/stream")
    for handler in (app.item, app.basket, "/crash"):
        assert [app.requests(handler, status) for status in ("200", "500", "503")] == [0, 0, 0]
        assert app.value("http_request_duration_seconds_count", method="GET", handler=handler) == 0


def test_a_crash_is_an_answer_of_500_with_the_id_that_its_line_has(kind: str, tmp_path: Path) -> None:
    with captured() as records, running(kind, settings_in(tmp_path)) as app:
        answer = app.ask("/crash")
    assert answer.status == 500
    assert "broken" not in answer.text
    assert app.requests("/crash", "500") == 1
    errors = [record for record in records if record["level"] == "error"]
    assert [(e["error_type"], e["route"], e["request_id"]) for e in errors] == [
        ("RuntimeError", "/crash", answer.headers["x-request-id"])
    ]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stream_that_breaks_is_an_error_whatever_its_first_line_said(app: App) -> None:
    with suppress(RuntimeError):  # it is the server's part to break the connection off
        app.ask("/broken-stream")
    assert app.requests("/broken-stream", "500") == 1
    assert app.value("http_requests_in_progress") == 0
    gc.collect()  # Django leaves the request's body open then


def test_a_stream_arrives_whole_and_is_counted_when_it_has(app: App) -> None:
    assert app.ask("/stream").text == "one two three"
    assert app.requests("/stream", "200") == 1


def test_requests_in_progress_are_back_at_zero_whatever_happened(app: App) -> None:
    for path in ("/items/1", "/items/100", "/nothing", "/crash", "/stream", "/shop/a/baskets/1", "/ready"):
        for method in ("GET", "HEAD", "OPTIONS", "POST"):
            app.ask(path, method)
    assert app.value("http_requests_in_progress") == 0


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "DELETE"])
def test_every_method_is_counted_as_what_it_is(app: App, method: str) -> None:
    answer = app.ask("/items/1", method)
    assert app.requests(app.item, str(answer.status), method) or app.requests("none", str(answer.status), method)


# --- ids and lines ---


def test_an_id_is_made_for_each_request_and_a_clients_own_is_kept_beside_it(kind: str, tmp_path: Path) -> None:
    with captured() as records, running(kind, settings_in(tmp_path)) as app:
        first = app.ask("/items/1", headers={"X-Request-ID": "from-the-client"})
        app.ask("/items/1", headers={"X-Request-ID": "has spaces and \x7f"})
    lines = [record for record in records if record["logger"] == "lookout.access"]
    assert UUID(first.headers["x-request-id"]).version == 7
    assert lines[0]["request_id"] == first.headers["x-request-id"]
    assert lines[0]["client_request_id"] == "from-the-client"
    assert "client_request_id" not in lines[1]
    assert lines[0]["request_id"] != lines[1]["request_id"]


def test_a_request_is_one_line_of_template_status_and_duration(kind: str, tmp_path: Path) -> None:
    with captured() as records, running(kind, settings_in(tmp_path)) as app:
        app.ask("/items/7?token=secret")
        app.ask("/health")
    lines = [record for record in records if record["logger"] == "lookout.access"]
    assert [(line["message"], line["method"], line["route"], line["status"]) for line in lines] == [
        ("request", "GET", app.item, 200)
    ], "a probe that is answered as it should be is no news"
    assert 0 < lines[0]["duration_ms"] < 5000


# --- probes ---


@pytest.mark.parametrize("path", ["/health", "/healthz", "/ready", "/status", "/metrics"])
def test_probes_are_answered_and_not_counted_as_requests(app: App, path: str) -> None:
    answer = app.ask(path, headers={**AUTHORIZED, "Host": "10.0.0.7:8000"})
    assert answer.status == 200, "whatever hosts the app allows"
    assert UUID(answer.headers["x-request-id"]).version == 7
    assert app.ask(path, "HEAD", AUTHORIZED).text == ""
    assert app.ask(path, "POST", AUTHORIZED).status == 405
    assert f'handler="{path}"' not in app.ask("/metrics", headers=AUTHORIZED).text


def test_metrics_are_for_who_has_the_token(app: App) -> None:
    refused = app.ask("/metrics")
    assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
    text = app.ask("/metrics", headers=AUTHORIZED).text
    names = {family.name for family in text_string_to_metric_families(text)}
    assert {"http_requests_in_progress", "app_build_info", "process_resident_memory_bytes"} <= names


def test_ready_and_the_gauges_follow_a_dependency_and_health_does_not(kind: str, tmp_path: Path) -> None:
    up = True

    def check() -> None:
        if not up:
            raise ConnectionError("10.0.0.9 refused")

    async def check_async() -> None:
        check()

    with captured(), running(kind, settings_in(tmp_path), {"db": check, "queue": check_async}) as app:
        for up, status in ((True, 200), (False, 503), (True, 200)):
            time.sleep(app.lookout.settings.health_max_age_seconds * 2)
            ready = app.ask("/ready")
            assert (ready.status, app.ask("/health/db").status, app.ask("/health").status) == (status, status, 200)
            assert {check["status"] for check in ready.json()["checks"].values()} == {"up" if up else "down"}
            assert "10.0.0.9" not in ready.text
            text = app.ask("/metrics", headers=AUTHORIZED).text
            assert f'app_dependency_up{{dependency="queue"}} {float(up)}' in text


def test_health_db_is_unknown_to_an_app_without_a_database(app: App) -> None:
    assert app.ask("/health/db").status == 404


# --- budgets ---


def strangers(count: int) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Requests no two of which are alike, as scanners send them."""
    dice = random.Random(7)
    for number in range(count):
        method = dice.choice(("GET", "POST", "BREW", f"M{number}"))
        shapes = (f"/x{number}", f"/items/{number}", f"/shop/t{number}/baskets/{number}", f"/shop/{number}")
        yield method, dice.choice(shapes), {"Host": f"h{number}.example", "X-Request-ID": f"id-{number}"}


def test_thousands_of_strangers_leave_an_app_within_its_budget(kind: str, tmp_path: Path) -> None:
    # django-asgi takes 5 ms a request, and has the same middleware as django-wsgi.
    count = size(1_000, 1_000 if kind == "django-asgi" else 10_000)
    with running(kind, settings_in(tmp_path, series_budget=600)) as app:
        tenants = app.lookout.metrics.get("tenant_events_total")
        for number in range(10_000):
            tenants.labels(f"tenant-{number}", "login").inc()
        app.flood(strangers(count))
        families = list(app.lookout.metrics.registry.collect())
        assert app.value("instrumentation_series") == sum(len(family.samples) for family in families) <= 600
        assert app.value("instrumentation_series_budget") == 600
        assert app.value("instrumentation_folded_total", label="tenant") == 10_000 - 100
        counted = [s for family in families for s in family.samples if s.name == "http_requests_total"]
        assert sum(sample.value for sample in counted) == count
        assert {sample.labels["method"] for sample in counted} <= {"GET", "POST", "other"}
        assert {sample.labels["handler"] for sample in counted} >= {"none", app.item}
        assert app.value("http_requests_in_progress") == 0
