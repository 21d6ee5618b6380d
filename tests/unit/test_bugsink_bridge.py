"""The bridge: which report becomes which alert, that none is lost while Alertmanager is away, who may speak to it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from generator.bugsink.bridge import __main__ as program
from generator.bugsink.bridge.alerts import Unknown, alert_of
from generator.bugsink.bridge.delivery import LENGTH, Alert, Delivery, sender
from generator.bugsink.bridge.outgoing import NoAnswer
from generator.bugsink.bridge.projects import Projects
from generator.bugsink.bridge.server import MAX_BODY, Bridge, Server, handler, prober
from tests.support.servers import free_port
from tests.support.waiting import until

PROJECTS = {
    "7": {
        name: {"labels": {"alertname": name, "service": "api"}, "annotations": {"runbook_url": f"http://here/{name}"}}
        for name in ("NewError", "RegressedError")
    }
}
REPORT = {
    "id": "497f6eca-6276-4993-bfeb-53cbbbba6f08",
    "friendly_id": "API-1",
    "project": 7,
    "calculated_type": "CardDeclined",
    "calculated_value": "card of ana@acme.dev was declined",
    "transaction": "GET /orders/{id}",
    "title": "CardDeclined: card of ana@acme.dev was declined",
    "project_name": "api",
    "url": "http://localhost:8080/bugsink/issues/issue/497f6eca/event/last/",
    "alert_reason": "NEW",
}


def test_the_projects_are_read_again_when_their_file_changes_and_kept_when_it_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "bridge.json"
    projects = Projects(file)
    assert projects() == {}
    file.write_text(json.dumps({"projects": {"7": {}}}))
    assert projects() == {"7": {}}
    for broken in ("{", "{}"):
        file.write_text(broken)
        assert projects() == {"7": {}}
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"projects": {"8": {}}}))
    other.replace(file)
    assert projects() == {"8": {}}
    file.unlink()
    assert projects() == {"8": {}}


def made(**changes: Any) -> dict[str, Any]:
    return alert_of({**REPORT, **changes}, PROJECTS)


def test_a_report_becomes_an_alert_with_the_labels_of_its_service_and_the_issues_number() -> None:
    assert made() == {
        "labels": {"alertname": "NewError", "service": "api", "issue": "API-1"},
        "annotations": {
            "runbook_url": "http://here/NewError",
            "summary": "New error: CardDeclined in GET /orders/{id} (API-1)",
            "description": "Nothing like it was reported before. Message, place and user: API-1 in Bugsink.",
            "issue_url": REPORT["url"],
        },
        "generatorURL": REPORT["url"],
    }


@pytest.mark.parametrize(
    ("reason", "name", "words"),
    [
        ("NEW", "NewError", "New error: CardDeclined"),
        ("REGRESSED", "RegressedError", "Back again: CardDeclined"),
        ("UNMUTED", "RegressedError", "Loud again: CardDeclined"),
    ],
)
def test_each_reason_has_its_alert(reason: str, name: str, words: str) -> None:
    alert = made(alert_reason=reason)
    assert alert["labels"]["alertname"] == name
    assert alert["annotations"]["summary"].startswith(words)


@pytest.mark.parametrize(
    ("transaction", "shown"),
    [
        ("GET /users/ana@acme.dev/orders", "GET /users/…/orders"),
        ("GET /users/ana%40acme.dev", "GET /users/…"),
        ("GET /orders/4711", "GET /orders/…"),
        ("GET /s/3f2b1c9e-7a6d-4e1f-9b0a-1c2d3e4f5a6b", "GET /s/…"),
        ("POST /hook?token=abcdef", "POST /hook"),
        ("call +4915112345678", "call …"),
        ("app.tasks.send_invoice", "app.tasks.send_invoice"),
        ("GET /v2/orders/{order_id}", "GET /v2/orders/{order_id}"),
    ],
)
def test_of_where_it_happened_nothing_is_reported_that_could_be_someone(transaction: str, shown: str) -> None:
    assert made(transaction=transaction)["annotations"]["summary"] == f"New error: CardDeclined in {shown} (API-1)"


def test_what_the_error_said_is_nowhere_in_the_alert() -> None:
    assert "declined" not in json.dumps(made())


def test_long_and_missing_values_make_a_message_all_the_same() -> None:
    assert len(made(calculated_type="E" * 5000, transaction="x" * 5000)["annotations"]["summary"]) < 220
    alert = made(calculated_type="", transaction="", friendly_id="<!channel>", url="javascript:alert(1)")
    assert alert["annotations"]["summary"] == "New error: of no type (unknown)"
    assert "issue_url" not in alert["annotations"]
    assert "generatorURL" not in alert


@pytest.mark.parametrize(
    "payload",
    [{**REPORT, "project": 8}, {**REPORT, "alert_reason": "TEST"}, {}, [], "text", 7, None],
    ids=["a project that no service has", "a test message", "nothing", "a list", "text", "a number", "null"],
)
def test_what_is_no_report_of_ours_becomes_no_alert(payload: Any) -> None:
    with pytest.raises(Unknown):
        alert_of(payload, PROJECTS)


class Alertmanager:
    """Answers as it is made to, and remembers what it was sent."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)
        self.alerts: list[Alert] = []

    def __call__(self, alert: Alert) -> int:
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        self.alerts.append(alert)
        return answer


@contextmanager
def delivering(alertmanager: Alertmanager) -> Iterator[Delivery]:
    delivery = Delivery(alertmanager, 3600, first_wait=0.01)
    delivery.start()
    yield delivery
    delivery.stop(5)


def test_an_alert_stands_for_an_hour_from_when_it_is_delivered() -> None:
    alertmanager = Alertmanager()
    with delivering(alertmanager) as delivery:
        assert delivery.put({"labels": {}})
    (alert,) = alertmanager.alerts
    lasts = datetime.fromisoformat(alert["endsAt"]) - datetime.fromisoformat(alert["startsAt"])
    assert lasts == timedelta(hours=1)
    assert delivery.results == {"delivered": 1, "failed": 0, "rejected": 0}


@pytest.mark.parametrize(
    "away",
    [NoAnswer(), 500, 503, 429],
    ids=["no answer", "an error of its own", "not ready", "too many"],
)
def test_while_alertmanager_is_away_alerts_wait_and_keep_their_order(away: int | Exception) -> None:
    alertmanager = Alertmanager(away, away, away)
    with delivering(alertmanager) as delivery:
        for number in range(3):
            assert delivery.put({"labels": {"issue": str(number)}})
        until(lambda: delivery.waiting == 0, seconds=5)
    taken = [alert["labels"]["issue"] for alert in alertmanager.alerts if isinstance(alert, dict)]
    assert taken[-3:] == ["0", "1", "2"]
    assert delivery.results == {"delivered": 3, "failed": 3, "rejected": 0}


def test_what_alertmanager_never_takes_holds_nothing_up() -> None:
    with delivering(Alertmanager(400)) as delivery:
        delivery.put({})
        delivery.put({})
        until(lambda: delivery.waiting == 0, seconds=5)
    assert delivery.results == {"delivered": 1, "failed": 0, "rejected": 1}


def test_a_full_queue_takes_no_more() -> None:
    delivery = Delivery(Alertmanager(), 3600)
    assert [delivery.put({}) for _ in range(LENGTH + 1)] == [True] * LENGTH + [False]
    assert delivery.waiting == LENGTH
    assert not delivery.alive


@contextmanager
def bridge(alertmanager: Alertmanager, *, up: bool = True) -> Iterator[str]:
    """The address of a bridge whose token is `secret`."""
    with delivering(alertmanager) as delivery:
        server = Server(("127.0.0.1", 0), handler(Bridge("secret", lambda: PROJECTS, delivery, lambda: up)))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def test_anyone_who_knows_the_path_can_raise_an_alert_and_only_they() -> None:
    alertmanager = Alertmanager()
    with bridge(alertmanager) as url:
        for path in ("/", "/other", "/secret/", "/secret?x", "/secre"):
            assert requests.post(f"{url}{path}", json=REPORT, timeout=60).status_code == 404
        assert requests.post(f"{url}/secret", json=REPORT, timeout=60).status_code == 202
        until(lambda: len(alertmanager.alerts) == 1, seconds=5)
        page = requests.get(f"{url}/metrics", timeout=60).text
    assert 'bridge_reports_total{result="refused"} 5' in page
    assert 'bridge_reports_total{result="accepted"} 1' in page


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"no JSON", 400), (b"\xff\xfe", 400), (b"{}", 202), (b"x" * (MAX_BODY + 1), 413)],
    ids=["no JSON", "no text", "no report", "too large"],
)
def test_what_cannot_be_a_report_is_refused_and_never_echoed(body: bytes, status: int) -> None:
    with bridge(Alertmanager()) as url:
        answer = requests.post(f"{url}/secret", data=body, timeout=60)
    assert (answer.status_code, answer.text) == (status, "")


def test_a_body_of_unknown_length_is_not_read() -> None:
    with bridge(Alertmanager()) as url:
        answer = requests.post(f"{url}/secret", data=iter([b"{}"]), timeout=60)
    assert answer.status_code == 411


def test_health_and_metrics_show_of_both_sides() -> None:
    with bridge(Alertmanager(), up=False) as url:
        assert requests.get(f"{url}/healthz", timeout=60).status_code == 200
        assert requests.get(f"{url}/secret", timeout=60).status_code == 404
        page = requests.get(f"{url}/metrics", timeout=60).text
    assert "bugsink_up 0\n" in page
    assert "bridge_queue_length 0\n" in page


def test_a_full_queue_is_reported_to_bugsink() -> None:
    delivery = Delivery(Alertmanager(), 3600)
    crowded = Bridge("secret", lambda: PROJECTS, delivery, lambda: True)
    body = json.dumps(REPORT).encode()
    assert [crowded.take(body) for _ in range(LENGTH + 1)][-2:] == [202, 503]
    assert crowded.reports["overflow"] == 1


def test_what_it_writes_down_is_labels_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Bridge("secret", lambda: PROJECTS, Delivery(Alertmanager(), 3600), lambda: True).take(json.dumps(REPORT).encode())
    line = json.loads(capsys.readouterr().out)
    assert (line["service"], line["about"], line["issue"]) == ("bugsink-bridge", "api", "API-1")
    assert "ana" not in json.dumps(line)


def test_it_really_posts_and_really_probes() -> None:
    """Against a server of the same kind: another bridge, which is one that refuses what it does not know."""
    with bridge(Alertmanager()) as url:
        assert sender(f"{url}/api/v2/alerts")({"labels": {}}) == 404
        assert prober(f"{url}/healthz")() is True
        assert prober(f"{url}/nothing")() is False
    assert prober(f"http://127.0.0.1:{free_port()}/healthz")() is False


def test_without_a_token_it_does_not_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, token = tmp_path / "bridge.json", tmp_path / "token"
    known = {"alertmanager": "http://a:1/x", "bugsink": "http://b:1/y", "lasts_seconds": 1, "projects": {}}
    config.write_text(json.dumps(known))
    token.write_text("\n")
    assert program.main([str(config), str(token)]) == 1
    assert "is empty" in capsys.readouterr().err
