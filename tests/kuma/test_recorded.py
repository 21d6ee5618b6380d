"""The whole way against a server that answers as Uptime Kuma 2.5.3 was recorded to."""

import json
import stat
from pathlib import Path

import pytest
import requests

from generator import kuma
from generator.kuma import KumaError
from tests.kuma.desk import Desk
from tests.kuma.fake_kuma import FakeKuma
from tests.kuma.samples import PASSWORD, SLACK_URL

ADMIN = ("admin", PASSWORD)


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
    assert desk.named("api: login")["notificationIDList"] == {str(channel["id"]): True}
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
        "api: login",
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
    return requests.get(desk.server.url + "/metrics", auth=("", password), timeout=60).status_code


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
    desk.server.api_keys[500] = ("someone's own", "uk500_theirs")
    (desk.secrets / "kuma_api_key").unlink()
    assert kuma.bootstrap(desk.server.url, desk.secrets).key_created
    assert (scrape(desk, desk.key()), scrape(desk, old), scrape(desk, "uk500_theirs")) == (200, 401, 200)
    assert sorted(name for name, _ in desk.server.api_keys.values()) == ["lookout-prometheus", "someone's own"]


def test_a_key_of_a_server_that_is_no_more_is_replaced(desk: Desk) -> None:
    (desk.secrets / "kuma_api_key").write_text("uk1_of-another-server\n")
    assert kuma.bootstrap(desk.server.url, desk.secrets).key_created
    assert scrape(desk, desk.key()) == 200


def test_the_password_is_never_kept_as_a_key_although_it_opens_metrics_at_first(desk: Desk) -> None:
    (desk.secrets / "kuma_api_key").write_text(PASSWORD)
    assert kuma.bootstrap(desk.server.url, desk.secrets).key_created
    assert desk.key() != PASSWORD
