"""What Flask does beside the rest: prefixes of middleware, its own answers to a crash, streams that no one reads."""

import json
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from wsgiref.handlers import SimpleHandler

import pytest
from flask import Flask
from flask.typing import ResponseReturnValue
from lookout_instrumentation import Lookout, context
from lookout_instrumentation.flask import init
from lookout_instrumentation.wsgi import LookoutMiddleware
from werkzeug.exceptions import InternalServerError
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, EnvironBuilder

from tests.instrumentation.apps import captured, settings_in


@pytest.fixture
def app() -> Flask:
    return Flask("shop")


def observed(app: Flask, folder: Path) -> tuple[Lookout, Client]:
    return init(app, settings=settings_in(folder), logging=False), Client(app)


def counted(lookout: Lookout) -> dict[tuple[str, str, str], float]:
    samples = [s for f in lookout.metrics.registry.collect() for s in f.samples if s.name == "http_requests_total"]
    return {(s.labels["method"], s.labels["handler"], s.labels["status"]): s.value for s in samples if s.value}


def in_progress(lookout: Lookout) -> float | None:
    return lookout.metrics.registry.get_sample_value("http_requests_in_progress")


def test_the_prefix_that_middleware_mounts_an_app_under_is_part_of_the_label(app: Flask, tmp_path: Path) -> None:
    admin = Flask("admin")
    admin.get("/users/<name>")(lambda name: name)
    app.get("/users/<name>")(lambda name: name)
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/admin": admin})  # type: ignore[method-assign]
    lookout, client = observed(app, tmp_path)

    for path in ("/users/a", "/users/b", "/admin/users/a", "/admin/nothing"):
        client.get(path, buffered=True)
    assert counted(lookout) == {
        ("GET", "/users/<name>", "200"): 2,
        ("GET", "/admin/users/<name>", "200"): 1,
        ("GET", "none", "404"): 1,
    }


def test_the_apps_own_answer_to_a_crash_is_kept_and_there_is_one_line_of_it(app: Flask, tmp_path: Path) -> None:
    @app.get("/crash/<name>")
    def crash(name: str) -> ResponseReturnValue:
        raise RuntimeError("broken")

    @app.errorhandler(InternalServerError)
    def own(_error: InternalServerError) -> ResponseReturnValue:
        return {"own": True}, 500

    with captured() as records:
        lookout, client = observed(app, tmp_path)
        answer = client.get("/crash/with-a-name", buffered=True)
    assert (answer.status_code, answer.json) == (500, {"own": True})
    errors = [record for record in records if record["level"] == "error"]
    assert [(e["route"], e["request_id"]) for e in errors] == [("/crash/<name>", answer.headers["X-Request-ID"])]
    assert counted(lookout) == {("GET", "/crash/<name>", "500"): 1}
    assert not [record for record in records if "with-a-name" in str(record)]


def test_a_stream_that_no_one_reads_to_its_end_is_over_when_it_is_closed(app: Flask, tmp_path: Path) -> None:
    closed: list[bool] = []

    @app.get("/")
    def stream() -> ResponseReturnValue:
        def parts() -> Iterator[bytes]:
            try:
                while True:
                    yield b"part"
            finally:
                closed.append(True)

        return parts()

    lookout, client = observed(app, tmp_path)
    answer = client.get("/")
    next(iter(answer.response))
    assert in_progress(lookout) == 1
    answer.close()
    assert (in_progress(lookout), closed) == (0, [True])
    assert counted(lookout) == {("GET", "/", "200"): 1}


def test_a_thread_forgets_a_request_when_it_is_over(app: Flask, tmp_path: Path) -> None:
    app.get("/")(lambda: context.request_id())
    _, client = observed(app, tmp_path)
    answer = client.get("/")
    assert answer.text == answer.headers["X-Request-ID"]
    answer.close()
    assert context.request_id() == ""


# --- the edge itself, around apps that are no Flask ---


def edge(app: Any, folder: Path) -> tuple[Lookout, Client]:
    lookout = Lookout(settings_in(folder), logging=False)
    return lookout, Client(LookoutMiddleware(app, lookout.http, lookout.probes, lambda _environ, _script: "/any"))


def test_an_app_that_raises_after_its_first_line_has_its_answer_replaced(tmp_path: Path) -> None:
    def app(_environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        raise RuntimeError("broken")

    lookout, _ = edge(app, tmp_path)
    output, environ = BytesIO(), dict(EnvironBuilder().get_environ())
    served = LookoutMiddleware(app, lookout.http, lookout.probes, lambda _environ, _script: "/any")
    SimpleHandler(BytesIO(), output, StringIO(), environ).run(served)
    head, _, body = output.getvalue().decode().partition("\r\n\r\n")
    assert "500 Internal Server Error" in head
    assert f"X-Request-ID: {json.loads(body)['request_id']}" in head
    assert (counted(lookout), in_progress(lookout)) == ({("GET", "/any", "500"): 1}, 0)


def test_an_app_that_raises_at_once_has_an_answer(tmp_path: Path) -> None:
    def app(_environ: Any, _start_response: Any) -> Any:
        raise RuntimeError("broken")

    lookout, client = edge(app, tmp_path)
    assert client.get("/").status_code == 500
    assert client.head("/").text == ""
    assert in_progress(lookout) == 0


def test_an_app_that_is_interrupted_leaves_nothing_in_progress(tmp_path: Path) -> None:
    def app(_environ: Any, _start_response: Any) -> Any:
        raise SystemExit

    lookout, client = edge(app, tmp_path)
    with pytest.raises(SystemExit):
        client.get("/")
    assert in_progress(lookout) == 0
