"""What goes wrong between Lookout and Uptime Kuma: one clear error each, and never a secret in it."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from generator import kuma
from generator.kuma import KumaError, NoAnswer
from generator.kuma.client import KumaClient
from tests.kuma.desk import Desk
from tests.kuma.fake_kuma import FakeKuma
from tests.kuma.samples import PASSWORD, SLACK_URL

ADMIN = ("admin", PASSWORD)

FAULTS: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "a wrong password",
        {"user": ("admin", "another-Password-1")},
        "refused the user name or the password",
        "secrets/kuma_admin_password",
    ),
    ("a second factor", {"user": ADMIN, "second_factor": True}, "second factor", "switch it off"),
    ("too many logins", {"user": ADMIN, "logins_allowed": 0}, "twenty logins a minute", "in a minute"),
    ("the version before", {"user": ADMIN, "version": "1.23.16"}, "Uptime Kuma 1.23.16 is not", "versions.yaml"),
    ("the version after", {"user": ADMIN, "version": "3.0.0"}, "Uptime Kuma 3.0.0 is not", "versions.yaml"),
    ("a version of twenty", {"user": ADMIN, "version": "20.1.0"}, "Uptime Kuma 20.1.0 is not", "versions.yaml"),
    (
        "a field that the server does not keep",
        {"user": ADMIN, "forgets": ("hostname",)},
        "did not keep the changes: monitor cache (hostname)",
        "browser",
    ),
    (
        "a refusal that quotes what was sent",
        {
            "user": ADMIN,
            "fails": {"addNotification": f"insert into `notification` values ('{SLACK_URL}') - SQLITE_FULL: disk"},
        },
        "Uptime Kuma refused addNotification: SQLITE_FULL: disk",
        "",
    ),
    (
        "a refusal that quotes a secret in a sentence",
        {"user": ADMIN, "fails": {"addNotification": f"cannot parse {SLACK_URL}"}},
        "Uptime Kuma refused addNotification: cannot parse ***",
        "",
    ),
]


@pytest.mark.parametrize(("faults", "message", "hint"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_fault_is_one_clear_error_without_a_secret(
    faults: dict[str, Any], message: str, hint: str, tmp_path: Path
) -> None:
    with FakeKuma(**faults) as server, pytest.raises(KumaError) as caught:
        Desk(tmp_path, server).apply()
    assert message in caught.value.message
    assert hint in caught.value.hint
    said = f"{caught.value.message} {caught.value.hint} {caught.value!r}"
    assert PASSWORD not in said
    assert SLACK_URL not in said


def test_a_password_too_weak_for_kuma_is_said_so(desk: Desk) -> None:
    (desk.secrets / "kuma_admin_password").write_text("weak\n")
    with pytest.raises(KumaError, match="finds the admin password too weak"):
        desk.apply()
    assert desk.server.user is None


def test_a_missing_password_is_an_error_before_anything_is_sent(desk: Desk) -> None:
    (desk.secrets / "kuma_admin_password").unlink()
    with pytest.raises(kuma.SecretMissing, match="kuma_admin_password, which does not exist"):
        desk.apply()
    assert desk.server.calls == []


def test_a_notification_without_its_secret_waits_and_holds_nothing_up(desk: Desk) -> None:
    (desk.secrets / "slack_ops").unlink()
    (sentence,) = desk.apply().plan.pending
    assert sentence == f"notification 'watch' needs {desk.secrets / 'slack_ops'}, which does not exist"
    assert (len(desk.server.monitors), desk.server.channels) == (4, {})
    assert desk.plan().empty
    (desk.secrets / "slack_ops").write_text(SLACK_URL)
    assert [(c.action, c.key) for c in desk.apply().plan.changes] == [("create", "watch"), ("update", "api/login")]
    assert desk.named("api: login")["notificationIDList"] == {str(i): True for i in desk.server.channels}


def test_a_notification_whose_secret_got_lost_stays_as_it_is(desk: Desk) -> None:
    desk.apply()
    (desk.secrets / "slack_ops").unlink()
    desk.content["monitors"][1]["interval"] = 30
    assert [f.field for c in desk.apply().plan.changes for f in c.fields] == ["interval"]
    (channel,) = desk.server.channels.values()
    assert SLACK_URL in channel["config"]
    assert desk.named("api: login")["notificationIDList"] == {str(channel["id"]): True}


def test_first_calls_that_are_lost_are_asked_again(tmp_path: Path) -> None:
    with FakeKuma(lost_calls=2) as server:
        Desk(tmp_path, server).apply()
        assert len(server.sent("needSetup")) == 3
        assert len(server.monitors) == 4


def test_a_server_that_stops_answering_is_given_up_on() -> None:
    with (
        FakeKuma(user=ADMIN, never_answers=("login",)) as server,
        pytest.raises(NoAnswer, match="did not answer login"),
        KumaClient(server.url, call_seconds=0.2) as client,
    ):
        client.login("admin", SecretStr(PASSWORD))


def test_a_server_that_is_not_there_is_said_so() -> None:
    with (
        pytest.raises(NoAnswer, match=r"does not answer at http://127\.0\.0\.1:9"),
        KumaClient("http://127.0.0.1:9"),
    ):
        pass


def test_the_older_build_gets_no_columns_that_it_lacks(tmp_path: Path) -> None:
    with FakeKuma(user=ADMIN, version="2.0.0-dev.0") as server, KumaClient(server.url) as client:
        client.login("admin", SecretStr(PASSWORD))
        assert not client.since_2_0


def test_pushes_of_single_monitors_reach_the_list(desk: Desk) -> None:
    desk.apply()
    with KumaClient(desk.server.url) as client:
        client.login("admin", SecretStr(PASSWORD))
        now = client.get_monitor(desk.named("cache")["id"])
        client.edit_monitor({**now, "name": "redis"})
        client.wait_for(lambda: client.lists["monitorList"][str(now["id"])]["name"] == "redis", "the change")
        client.delete_monitor(now["id"])
        client.wait_for(lambda: str(now["id"]) not in client.lists["monitorList"], "the deletion")


def test_a_server_that_greets_no_one_is_given_up_on() -> None:
    with (
        FakeKuma(silent=True) as server,
        pytest.raises(NoAnswer, match="did not send its first message"),
        KumaClient(server.url, call_seconds=0.2),
    ):
        pass


def test_a_refusal_of_no_known_kind_is_still_a_refusal() -> None:
    with FakeKuma(user=ADMIN, fails={"login": "out of order"}) as server, KumaClient(server.url) as client:
        with pytest.raises(KumaError, match="Uptime Kuma refused the login"):
            client.login("admin", SecretStr(PASSWORD))
        with pytest.raises(KumaError, match="refused setup: Uptime Kuma has been initialized"):
            client.setup("admin", SecretStr(PASSWORD))
