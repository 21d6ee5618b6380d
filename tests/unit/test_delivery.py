"""Which channels can deliver, as the home page is shown: names alone, and true after each `make up` and `apply`."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generator.conventions import DELIVERY_FILE
from generator.secrets.delivery import delivery_json
from generator.secrets.files import ensure_secrets
from generator.site.model import Person, Site
from generator.values.secret import SecretRef
from tests.unit.sites import ANA, OPS, PHONE, make_service, make_site


def shown(site: Site, *there: str) -> Any:
    return json.loads(delivery_json(site, lambda name: name in there))


def test_each_channel_that_an_alert_goes_to_says_whether_its_secret_is_there() -> None:
    site = make_site(notify={"critical": ("ops", "phone"), "warning": ("ops",)}, channels={"ops": OPS, "phone": PHONE})
    assert shown(site, OPS.webhook.name) == {
        "channels": [
            {"name": "ops", "kind": "Slack", "secret": OPS.webhook.name, "there": True},
            {"name": "phone", "kind": "Telegram", "secret": PHONE.token.name, "there": False},
        ],
        "watchdog": None,
    }


def test_a_channel_that_no_alert_goes_to_keeps_nothing_from_being_green() -> None:
    site = make_site(notify={"critical": ("ops",)}, channels={"ops": OPS, "phone": PHONE})
    assert [each["name"] for each in shown(site)["channels"]] == ["ops"]


def test_a_persons_own_channel_counts_where_owners_are_notified() -> None:
    people = {"ana": Person("ana", ANA)}
    site = make_site(make_service("api"), notify={"critical": ("owner",)}, people=people)
    assert [each["name"] for each in shown(site)["channels"]] == [ANA.name]
    assert shown(make_site(notify={}, people=people))["channels"] == []


def test_the_dead_mans_switch_has_a_secret_too() -> None:
    site = make_site(watchdog=SecretRef("ping"))
    assert shown(site)["watchdog"] == {"secret": "ping", "there": False}
    assert shown(site, "ping")["watchdog"] == {"secret": "ping", "there": True}


@pytest.mark.parametrize("content", ["", " \n", None], ids=["an empty file", "white space", "no file"])
def test_what_caddy_serves_follows_the_files_and_holds_no_value(tmp_path: Path, content: str | None) -> None:
    site = make_site(notify={"critical": ("ops",)}, channels={"ops": replace(OPS, webhook=SecretRef("slack_ops"))})
    served = tmp_path / "secrets/.mounted/caddy" / DELIVERY_FILE
    ensure_secrets(site, tmp_path)
    if content is not None:
        (tmp_path / "secrets/slack_ops").write_text(content)
    ensure_secrets(site, tmp_path)
    assert json.loads(served.read_text())["channels"][0]["there"] is False
    address = "https://hooks.slack.com/services/T0/B0/abcdefghijklmnop"
    (tmp_path / "secrets/slack_ops").write_text(address + "\n")
    ensure_secrets(site, tmp_path)
    assert json.loads(served.read_text())["channels"][0]["there"] is True
    assert "abcdefghijklmnop" not in served.read_text()
