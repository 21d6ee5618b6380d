"""What a handler says of its request is on the lines and reports of that request, wherever the handler ran."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from lookout_instrumentation import Settings, context
from lookout_instrumentation import fastapi as lookout_fastapi
from lookout_instrumentation.logs import configure_logging

from tests.instrumentation.tracker_stub import TrackerStub


def in_a_thread() -> None:
    context.bind(tenant="acme", tier="pro")
    raise KeyError("x")


async def in_the_loop() -> None:
    in_a_thread()


@pytest.mark.parametrize("handler", [in_a_thread, in_the_loop])
def test_lines_and_report_of_a_crash_know_what_the_handler_bound(handler: Callable[[], Any], tmp_path: Path) -> None:
    with TrackerStub() as tracker:
        app, lines = FastAPI(), io.StringIO()
        settings = Settings(sentry_dsn=tracker.dsn, errors_spool=tmp_path)
        lookout = lookout_fastapi.init(app, settings=settings, logging=False)
        logs = configure_logging(settings, lookout.metrics, lines)
        app.get("/crash")(handler)
        with TestClient(app) as client:
            client.get("/crash")
            client.get("/nowhere")
        lookout.close()
        logs.stop()
        (event,) = tracker.events
    written = [json.loads(line) for line in lines.getvalue().splitlines()]
    crash, access, other = (line for line in written if line["logger"] in ("lookout.error", "lookout.access"))
    assert {(line["tenant"], line["tier"]) for line in (crash, access, event["tags"])} == {("acme", "pro")}
    assert "tenant" not in other
