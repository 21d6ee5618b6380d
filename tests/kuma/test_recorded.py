"""The whole way against a server that answers as Uptime Kuma 2.5.3 was recorded to."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import SecretStr

from generator import kuma
from generator.kuma import KumaError, NoAnswer
from generator.kuma.client import KumaClient
from tests.kuma.fake_kuma import FakeKuma
from tests.kuma.samples import PASSWORD, SLACK_URL, monitors_file, write_file, write_secrets

ADMIN = ("admin", PASSWORD)


class Desk:
    """A working copy: its secrets, its file, and the server it talks to."""

    def __init__(self, folder: Path, server: FakeKuma) -> None:
        self.server = server
        self.secrets = write_secrets(folder / "secrets")
        self.file = folder / "monitors.json"
        self.content: dict[str, Any] = monitors_file()

    def plan(self) -> kuma.KumaPlan:
        return kuma.plan(self.server.url, self.secrets, write_file(self.file, self.content))

    def apply(self, **options: Any) -> kuma.KumaResult:
        return kuma.apply(self.server.url, self.secrets, write_file(self.file, self.content), **options)

    def key(self) -> str:
        return (self.secrets / "kuma_api_key").read_text().strip()

    def named(self, name: str) -> dict[str, Any]:
        """A monitor on the server, by its name."""
        (found,) = (m for m in self.server.monitors.values() if m["name"] == name)
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A working copy beside a server that nobody has set up."""
    with FakeKuma() as server:
        yield Desk(tmp_path, server)


def test_a_cold_server_is_set_up_and_filled_with_one_login(desk: Desk) -> None:
    result = desk.apply()
    assert result.bootstrap == kuma.BootstrapResult(admin_created=True, key_created=True)
    assert desk.server.user == ADMIN
    assert len(desk.server.sent("login")) == 1
    assert sorted(m["name"] for m in desk.server.monitors.values()) == sorted(
        m["name"] for m in desk.content["monitors"]
    )
    http, group = desk.named("api: health"), desk.named("api")
    assert (http["parent"], http["description"], http["maxretries"]) == (group["id"], "lookout-key=api/http", 1)
    (channel,) = desk.server.channels.values()
    assert desk.named("api: says entryPage")["notificationIDList"] == {str(channel["id"]): True}
    assert SLACK_URL in channel["config"]


def test_the_status_page_shows_what_is_declared_in_order(desk: Desk) -> None:
    desk.apply()
    (group,) = desk.server.groups["status"]
    shown = [desk.server.monitors[m["id"]]["name"] for m in group["monitorList"]]
    assert (group["name"], shown) == ("Services", ["api: health", "cache"])


def test_after_apply_nothing_is_left_to_plan_or_to_write(desk: Desk) -> None:
    desk.apply()
    desk.server.calls.clear()
    assert desk.plan().empty
    assert desk.apply().plan.empty
    written = {"add", "editMonitor", "deleteMonitor", "addNotification", "saveStatusPage", "addAPIKey", "setup"}
    assert not written & {event for event, _ in desk.server.calls}


def test_a_plan_changes_nothing_not_even_on_a_cold_server(desk: Desk) -> None:
    plan = desk.plan()
    assert (plan.needs_setup, plan.count("create")) == (True, 6)
    assert [event for event, _ in desk.server.calls] == ["needSetup"]
    assert not (desk.secrets / "kuma_api_key").exists()


def test_no_tag_is_made(desk: Desk) -> None:
    desk.apply()
    assert not [event for event, _ in desk.server.calls if "Tag" in event]


def test_a_change_keeps_what_a_person_set_in_the_browser(desk: Desk) -> None:
    desk.apply()
    cache = desk.named("cache")
    cache |= {
        "resendInterval": 9,
        "headers": '{"a": "b"}',
        "description": "main. lookout-key=cache",
        "active": False,
    }
    cache["notificationIDList"]["77"] = True
    desk.content["monitors"][3]["port"] = 6380
    assert [f.field for c in desk.apply().plan.changes for f in c.fields] == ["port"]
    after = desk.named("cache")
    assert (after["port"], after["resendInterval"], after["headers"]) == (6380, 9, '{"a": "b"}')
    assert (after["description"], after["active"]) == ("main. lookout-key=cache", False)
    assert after["notificationIDList"] == {"77": True}


def test_a_pause_survives_a_change_even_where_an_edit_ends_it(tmp_path: Path) -> None:
    with FakeKuma(edit_resumes=True) as server:
        desk = Desk(tmp_path, server)
        desk.apply()
        desk.named("cache")["active"] = False
        desk.content["monitors"][3]["port"] = 6380
        desk.content["monitors"][0]["interval"] = 30
        desk.apply()
        assert (desk.named("cache")["port"], desk.named("cache")["active"]) == (6380, False)
        assert desk.named("api: health")["active"] is True


def test_one_is_changed_one_is_removed_and_a_handmade_one_stays_as_it_is(desk: Desk) -> None:
    desk.apply()
    blank = desk.named("cache") | {"name": "my blog", "description": None, "id": 900}
    desk.server.monitors[900] = dict(blank)
    desk.content["monitors"] = desk.content["monitors"][:3]
    desk.content["monitors"][0]["interval"] = 30
    desk.content["status_page"]["groups"][0]["monitors"] = ["api/http"]
    plan = desk.apply().plan
    assert [(c.action, c.key) for c in plan.changes] == [
        ("update", "api/http"),
        ("update", "status"),
        ("delete", "cache"),
    ]
    assert desk.server.monitors[900] == blank
    assert sorted(m["name"] for m in desk.server.monitors.values()) == [
        "api",
        "api: health",
        "api: says entryPage",
        "my blog",
    ]
    assert desk.plan().empty


def test_a_new_secret_reaches_the_notification_and_keeps_what_a_person_set(desk: Desk) -> None:
    desk.apply()
    (channel,) = desk.server.channels.values()
    channel["config"] = json.dumps({**json.loads(channel["config"]), "slackiconemo": ":fire:"})
    (desk.secrets / "slack_ops").write_text("http://127.0.0.1:9/new-secret\n")
    plan = desk.apply().plan
    assert [(f.field, f.old, f.new) for c in plan.changes for f in c.fields] == [
        ("slackwebhookURL", "(secret)", "(secret)")
    ]
    (channel,) = desk.server.channels.values()
    config = json.loads(channel["config"])
    assert (config["slackwebhookURL"], config["slackiconemo"]) == ("http://127.0.0.1:9/new-secret", ":fire:")


def test_notification_group_and_page_go_when_they_are_no_longer_declared(desk: Desk) -> None:
    desk.apply()
    desk.content |= {"monitors": [desk.content["monitors"][3]], "notifications": [], "status_page": None}
    desk.apply()
    assert [m["name"] for m in desk.server.monitors.values()] == ["cache"]
    assert (desk.server.channels, desk.server.pages) == ({}, {})
    assert desk.plan().empty


def test_an_empty_file_is_refused_before_anything_is_written_unless_forced(desk: Desk) -> None:
    desk.apply()
    desk.content = {"format": 1, "monitors": []}
    with pytest.raises(KumaError, match="all 4 monitors and their history would be deleted") as caught:
        desk.apply()
    assert "--force" in caught.value.hint
    assert len(desk.server.monitors) == 4
    desk.apply(force=True)
    assert desk.server.monitors == {}


# --- the API key -----------------------------------------------------------------------------------------------


def scrape(desk: Desk, password: str) -> int:
    """The status that Prometheus would get with this password."""
    return requests.get(desk.server.url + "/metrics", auth=("", password), timeout=5).status_code


def test_the_key_is_stored_for_its_owner_alone_and_opens_metrics(desk: Desk) -> None:
    kuma.bootstrap(desk.server.url, desk.secrets)
    assert stat.S_IMODE((desk.secrets / "kuma_api_key").stat().st_mode) == 0o600
    assert (scrape(desk, desk.key()), scrape(desk, "nope"), scrape(desk, "")) == (200, 401, 401)


def test_bootstrap_again_makes_nothing(desk: Desk) -> None:
    kuma.bootstrap(desk.server.url, desk.secrets)
    key = desk.key()
    again = kuma.bootstrap(desk.server.url, desk.secrets)
    assert again == kuma.BootstrapResult(admin_created=False, key_created=False)
    assert desk.key() == key


def test_a_lost_key_is_replaced_and_the_old_one_of_its_name_is_deleted(desk: Desk) -> None:
    kuma.bootstrap(desk.server.url, desk.secrets)
    old = desk.key()
    desk.server.api_keys[500] = ("somebody's own", "uk500_theirs")
    (desk.secrets / "kuma_api_key").unlink()
    assert kuma.bootstrap(desk.server.url, desk.secrets).key_created
    assert (scrape(desk, desk.key()), scrape(desk, old), scrape(desk, "uk500_theirs")) == (200, 401, 200)
    assert sorted(name for name, _ in desk.server.api_keys.values()) == ["lookout-prometheus", "somebody's own"]


def test_a_key_of_a_server_that_is_no_more_is_replaced(desk: Desk) -> None:
    (desk.secrets / "kuma_api_key").write_text("uk1_of-another-server\n")
    assert kuma.bootstrap(desk.server.url, desk.secrets).key_created
    assert scrape(desk, desk.key()) == 200


def test_the_password_is_never_kept_as_a_key_although_it_opens_metrics_at_first(desk: Desk) -> None:
    (desk.secrets / "kuma_api_key").write_text(PASSWORD)
    assert kuma.bootstrap(desk.server.url, desk.secrets).key_created
    assert desk.key() != PASSWORD


# --- what goes wrong -------------------------------------------------------------------------------------------

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
        {"user": ADMIN, "forgets": ("keyword",)},
        "did not keep what it was told: monitor api/keyword (keyword)",
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
    assert [(c.action, c.key) for c in desk.apply().plan.changes] == [("create", "watch"), ("update", "api/keyword")]
    assert desk.named("api: says entryPage")["notificationIDList"] == {str(i): True for i in desk.server.channels}


def test_a_notification_whose_secret_got_lost_stays_as_it_is(desk: Desk) -> None:
    desk.apply()
    (desk.secrets / "slack_ops").unlink()
    desk.content["monitors"][1]["interval"] = 30
    assert [f.field for c in desk.apply().plan.changes for f in c.fields] == ["interval"]
    (channel,) = desk.server.channels.values()
    assert SLACK_URL in channel["config"]
    assert desk.named("api: says entryPage")["notificationIDList"] == {str(channel["id"]): True}


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
