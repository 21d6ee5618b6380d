"""The whole way of an error: reported by the Sentry SDK to the real Bugsink, and a message in chat a moment later.

One Bugsink, one bridge and one Alertmanager for all, which this file sets up and fills; the tests run in their order.
"""

import re
from collections.abc import Iterator

import pytest
import requests

from tests.tools.bugsink_lab import SITE, Lab, running_lab

MIB = 2**20
# What an SDK, a worker that is woken and a group's wait of ten seconds need, and a slow machine's timeout.
TIMEOUT = 60.0
FEWER = SITE.replace('  shop-worker: {kind: http, targets: ["shop-worker:8000"]}\n', "")
BY_HAND = """
from bugsink.transaction import immediate_atomic
from projects.models import Project
from teams.models import Team
with immediate_atomic():
    Project.objects.create(team=Team.objects.get(name="Lookout"), name="by-hand")
    Project.objects.create(team=Team.objects.create(name="Others"), name="api", slug="others-api")
"""
SHOW = """
from alerts.models import MessagingServiceConfig
from projects.models import Project
for project in Project.objects.order_by("id"):
    hooks = MessagingServiceConfig.objects.filter(project=project).count()
    print(project.id, project.team.name, project.name, project.sentry_key.hex, hooks)
"""
RESOLVE = """
from bugsink.transaction import immediate_atomic
from issues.models import Issue, IssueStateManager
with immediate_atomic():
    for issue in Issue.objects.all():
        IssueStateManager.resolve(issue)
        issue.save()
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        running_lab(tmp_path_factory.mktemp("bugsink"), monkeypatch) as lab,
    ):
        yield lab


def test_a_new_bugsink_is_set_up_without_a_browser_and_the_second_time_nothing_changes(lab: Lab) -> None:
    wanted = ("create user admin", "create team Lookout", "create project api", "create project shop-worker")
    assert lab.plan().changes == wanted
    assert lab.plan().changes == wanted, "a plan changes nothing"
    done = lab.apply()
    assert [change for change in done.changes if "webhook" not in change] == list(wanted)
    assert lab.apply().changes == ()
    assert lab.plan() == lab.apply()


def test_the_address_in_the_apps_secret_is_that_of_its_project(lab: Lab) -> None:
    shown = lab.django(SHOW)
    for service, name in (("api", "api_sentry_dsn"), ("shop-worker", "shop_worker_sentry_dsn")):
        found = re.fullmatch(r"http://([0-9a-f]{32})@bugsink:8000/(\d+)", lab.secret(name))
        assert found
        assert f"{found[2]} Lookout {service} {found[1]} 1\n" in shown


def test_the_admin_enters_with_the_password_of_the_file_and_no_one_can_sign_up(lab: Lab) -> None:
    assert _enters(lab, lab.secret("bugsink_admin_password"))
    assert not _enters(lab, "another password")
    signup = requests.get(f"http://127.0.0.1:{lab.bugsink_port}/accounts/signup/", timeout=60)
    assert signup.status_code == 404
    (lab.root / "secrets/bugsink_admin_password").write_text("a password of my own\n")
    assert lab.apply().changes == ("update user admin: password",)
    assert _enters(lab, "a password of my own")


def test_what_someone_made_by_hand_is_never_touched(lab: Lab) -> None:
    lab.django(BY_HAND)
    before = lab.django(SHOW)
    assert lab.apply().changes == ()
    assert lab.django(SHOW) == before
    assert re.search(r"\d+ Lookout by-hand [0-9a-f]{32} 0\n", before)


def test_a_new_error_is_a_message_to_the_channel_with_the_link_and_without_a_person(lab: Lab) -> None:
    lab.report("api", "1.0.0", "CardDeclined")
    message = lab.receivers.wait_for("slack", lambda m: "NewError" in m.text, TIMEOUT)
    lines = message.text.splitlines()
    assert lines[0] == "🟠 P1 WARNING · api · NewError"
    assert lines[1] == "New error: CardDeclined in GET /orders/{id} (API-1)"
    assert lines[-1] == "Issue · Runbook · Dashboard · Logs · Silence · acme · production"
    assert re.search(r"http://localhost:8080/bugsink/issues/issue/[0-9a-f-]{36}/event/last/", str(message.payload))
    assert "ana" not in message.text
    (alert,) = requests.get(f"{lab.alertmanager}/api/v2/alerts?filter=alertname=NewError", timeout=60).json()
    assert alert["labels"]["incident"] == "api/NewError"
    assert alert["receivers"] == [{"name": "event"}]


def test_the_same_error_again_is_no_second_message_and_another_kind_is_one(lab: Lab) -> None:
    lab.receivers.clear()
    lab.report("api", "1.0.0", "CardDeclined")
    lab.report("api", "1.0.0", "OutOfStock")
    message = lab.receivers.wait_for("slack", lambda m: "OutOfStock" in m.text, TIMEOUT)
    assert "API-2" in message.text
    assert lab.metric('bridge_reports_total{result="accepted"}') == 2


def test_a_resolved_error_that_comes_with_the_next_release_is_reported_as_regressed(lab: Lab) -> None:
    lab.django(RESOLVE)
    lab.receivers.clear()
    lab.report("api", "2.0.0", "CardDeclined")
    message = lab.receivers.wait_for("slack", lambda m: "RegressedError" in m.text, TIMEOUT)
    assert "Back again: CardDeclined in GET /orders/{id} (API-1)" in message.text


def test_nothing_was_lost_on_the_way_and_the_bridge_sees_bugsink(lab: Lab) -> None:
    assert lab.metric("bugsink_up") == 1
    assert lab.metric("bridge_queue_length") == 0
    assert lab.metric('bridge_deliveries_total{result="delivered"}') == 3
    assert lab.metric('bridge_deliveries_total{result="failed"}') == 0


def test_a_service_that_left_keeps_its_project_and_that_is_reported(lab: Lab) -> None:
    before = lab.django(SHOW)
    left = lab.apply(FEWER)
    assert left.changes == ()
    assert left.notes == ("project shop-worker has no service any more; it stays, with all its reports",)
    assert lab.django(SHOW) == before
    assert lab.apply() == lab.plan()


def test_a_lost_key_is_made_again_and_the_project_follows(lab: Lab) -> None:
    (lab.root / "secrets/shop_worker_sentry_dsn").unlink()
    assert lab.apply().changes == ("update project shop-worker: key",)
    lab.report("shop_worker", "1.0.0", "QueueFull")
    lab.receivers.wait_for("slack", lambda m: "QueueFull" in m.text, TIMEOUT)


def test_no_secret_and_no_person_is_in_the_containers_logs(lab: Lab) -> None:
    logs = lab.log(lab.bugsink) + lab.log(lab.bridge)
    for name in ("bugsink_webhook_token", "bugsink_secret_key", "bugsink_admin_password"):
        assert lab.secret(name) not in logs
    assert "ana@acme.dev" not in logs
    assert '"alertname": "NewError"' in logs


def test_both_stay_within_the_memory_that_they_are_given(lab: Lab) -> None:
    assert 1 * MIB < lab.resident(lab.bridge) <= 30 * MIB
    assert 1 * MIB < lab.resident(lab.bugsink) <= 300 * MIB


def _enters(lab: Lab, password: str) -> bool:
    """Whether the login form takes it."""
    session, page = requests.Session(), f"http://127.0.0.1:{lab.bugsink_port}/accounts/login/"
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', session.get(page, timeout=60).text)
    assert token
    form = {"csrfmiddlewaretoken": token[1], "username": "admin", "password": password}
    done = session.post(page, data=form, headers={"Referer": page}, timeout=60, allow_redirects=False)
    return done.status_code == 302
