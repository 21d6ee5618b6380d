"""Reports of the library, in the real Bugsink: what it makes of them, and that an outage loses none."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from lookout_instrumentation import Lookout, Settings, context
from lookout_instrumentation import fastapi as lookout_fastapi

from tests.support import tools
from tests.support.waiting import until
from tests.tools.bugsink_lab import Lab, running_lab

ISSUES = """
from issues.models import Issue
for issue in Issue.objects.order_by("calculated_type"):
    print(issue.project.name, issue.calculated_type, issue.transaction, issue.digested_event_count, sep="|")
"""
EVENTS = """
import json
from events.models import Event
for event in Event.objects.all():
    print(json.dumps(event.get_parsed_data()))
"""
OUTAGE = 25
TIMEOUT = 90.0


def dsn_of(lab: Lab) -> str:
    return lab.secret("api_sentry_dsn").replace("bugsink:8000", f"127.0.0.1:{lab.bugsink_port}")


def counted(lookout: Lookout, result: str) -> float:
    return float(lookout.metrics.get("errors_reported_total").labels(result)._value.get())


def test_crashes_become_one_issue_with_all_its_events_though_bugsink_was_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lab").mkdir()
    with running_lab(tmp_path / "lab", monkeypatch) as lab:
        lab.apply()
        app = FastAPI()
        settings = Settings(service="api", release="1.2.3", sentry_dsn=dsn_of(lab), errors_spool=tmp_path)
        lookout = lookout_fastapi.init(app, settings=settings)

        @app.get("/orders/{number}")
        def order(number: int) -> None:
            context.bind(tenant="acme")
            lookout.errors.flag("new_checkout", True)
            raise KeyError(f"no order {number} of ana.rossi@example.com")

        client = TestClient(app)
        client.get("/orders/0")
        until(lambda: counted(lookout, "sent") == 1, "the first report", TIMEOUT)
        assert tools.docker("stop", lab.bugsink).returncode == 0
        for number in range(1, OUTAGE + 1):
            assert client.get(f"/orders/{number}").status_code == 500
        lookout.errors.flush(20)
        assert counted(lookout, "spooled") == OUTAGE
        assert tools.docker("start", lab.bugsink).returncode == 0
        until(lambda: counted(lookout, "sent") == OUTAGE + 1, "the reports of the outage", TIMEOUT)
        issue = f"api|KeyError|GET /orders/{{number}}|{OUTAGE + 1}"
        until(lambda: lab.django(ISSUES).splitlines() == [issue], issue, TIMEOUT)
        stored = lab.django(EVENTS)
        lookout.close()
    assert "ana.rossi" not in stored
    assert stored.count('"flag.new_checkout": "True"') == OUTAGE + 1
    assert stored.count('"tenant": "acme"') == OUTAGE + 1
    assert (counted(lookout, "dropped"), counted(lookout, "filtered")) == (0, 0)
