"""What Django does beside the rest: templates of its routes, async views, checks named in settings, workers."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lookout_instrumentation.django as for_django
import pytest
from django.conf import settings as project
from django.core.handlers.wsgi import WSGIHandler
from django.db import DatabaseError
from django.test.utils import override_settings
from django.urls import include, path, re_path
from django.views import View
from lookout_instrumentation import Lookout
from werkzeug.test import Client

from tests.instrumentation.apps import AUTHORIZED, App, captured, configure_django, running, settings_in

configure_django()


@pytest.fixture(params=["django-wsgi", "django-asgi"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[App]:
    with captured(), running(request.param, settings_in(tmp_path)) as app:
        yield app


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(for_django, "_lookout", None)
    monkeypatch.setattr(Lookout, "worker", None)


def test_async_views_and_regular_expressions_are_labelled_like_the_rest(app: App) -> None:
    assert app.ask("/async-items/7").text == "item 7"
    assert app.ask("/years/2026").text == "2026"
    assert app.requests("/async-items/<int:item_id>", "200") == 1
    assert app.requests("/years/(?P<year>[0-9]{4})", "200") == 1


def test_a_host_that_is_not_allowed_is_counted_and_hides_no_probe(app: App) -> None:
    app.ask("/items/1", headers={"Host": "evil.example"})
    assert app.ask("/health", headers={"Host": "10.0.0.1"}).status == 200


class Orders(View):  # type: ignore[misc]
    """A view that says what it answers."""

    def get(self, *_: Any, **__: Any) -> Any: ...

    def post(self, *_: Any, **__: Any) -> Any: ...


def test_every_route_of_a_project_is_known_beforehand_with_the_methods_of_its_views() -> None:
    urls = [
        path("a/", lambda request: None),
        path(
            "shop/<slug:t>/", include([path("orders/<int:n>", Orders.as_view()), re_path(r"^old/$", Orders.as_view())])
        ),
    ]
    assert list(for_django._routes(urls)) == [
        ("GET", "/a/"),
        ("GET", "/shop/<slug:t>/orders/<int:n>"),
        ("POST", "/shop/<slug:t>/orders/<int:n>"),
        ("GET", "/shop/<slug:t>/old/"),
        ("POST", "/shop/<slug:t>/old/"),
    ]


def test_the_middleware_alone_is_enough_and_reads_its_checks_from_the_settings(
    tmp_path: Path, unset: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(AUTHORIZED["Authorization"].split()[1])
    monkeypatch.setenv("LOOKOUT_METRICS_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("LOOKOUT_HEALTH_TIMEOUT_SECONDS", "5")
    checks = {"db": "lookout_instrumentation.django.database", "lost": "lookout_instrumentation.nothing.at_all"}
    with override_settings(LOOKOUT_CHECKS=checks):
        client = Client(WSGIHandler())
        try:
            ready = client.get("/ready")
            text = client.get("/metrics", headers=AUTHORIZED).text
        finally:
            for_django.lookout().close()
    assert ready.status_code == 503
    assert ready.json is not None
    assert ready.json["checks"]["db"]["status"] == "up"
    assert ready.json["checks"]["lost"]["error"] == "ModuleNotFoundError"
    assert 'app_dependency_up{dependency="db"} 1.0' in text
    assert for_django.lookout().settings.service == "app"


def test_the_check_of_the_database_fails_with_the_database() -> None:
    with pytest.MonkeyPatch.context() as patch:
        from django.db import connection

        def refuse(*_: Any) -> None:
            raise DatabaseError("away")

        patch.setattr(connection, "cursor", refuse)
        with pytest.raises(DatabaseError):
            for_django.database()


def test_importing_settings_starts_nothing_and_a_worker_has_its_own_handle(
    tmp_path: Path, unset: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Lookout(settings_in(tmp_path), logging=False)
    monkeypatch.setattr(Lookout, "worker", worker)
    assert for_django.lookout() is worker


def test_a_request_that_is_given_up_is_no_error_of_ours(tmp_path: Path) -> None:
    with running("django-asgi", settings_in(tmp_path)) as app:

        async def given_up() -> None:
            middleware = for_django.LookoutMiddleware(_never)
            from django.test import AsyncRequestFactory

            answer = middleware(AsyncRequestFactory().get("/items/1"))
            task = asyncio.ensure_future(answer)
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(given_up())
        assert app.requests("none", "499") == 1
        assert app.value("http_requests_in_progress") == 0


async def _never(_request: Any) -> Any:
    await asyncio.sleep(60)


def test_django_says_nothing_of_its_own_about_a_request(tmp_path: Path) -> None:
    with captured() as records, running("django-wsgi", settings_in(tmp_path)) as app:
        app.ask("/some/raw/path")
        app.ask("/crash")
    assert {record["logger"] for record in records} == {"lookout.access", "lookout.error"}
    assert not [record for record in records if "/some/raw/path" in str(record)]
    assert not project.ADMINS
