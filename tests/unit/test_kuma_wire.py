"""Kuma's vocabulary: marks of ownership, payloads, and secrets that do not show."""

import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from generator.kuma import KumaError, SecretMissing
from generator.kuma.model import HttpMonitor, PortMonitor
from generator.kuma.secrets import read_secret, write_secret
from generator.kuma.wire import changed_monitor, live_monitor, new_monitor, page_css, read_mark
from tests.kuma.samples import SLACK_URL, desired_from, monitors_file

HTTP = HttpMonitor(key="api/http", name="api", type="http", url="http://api/health", parent="api")

MARKS: list[tuple[str, object, str | None]] = [
    ("alone", "lookout-key=api/http", "api/http"),
    ("after a person's words", "the public API. lookout-key=api/http", "api/http"),
    ("on a line of its own", "the public API\nlookout-key=api/http\n", "api/http"),
    ("in a style sheet", "/* lookout-key=status */\nbody {color: red}", "status"),
    ("not inside another word", "not-lookout-key=api", None),
    ("not without a key", "lookout-key=", None),
    ("not where there is no text", None, None),
]


@pytest.mark.parametrize(("text", "key"), [m[1:] for m in MARKS], ids=[m[0] for m in MARKS])
def test_a_mark_is_read(text: object, key: str | None) -> None:
    assert read_mark(text) == key


def test_a_style_sheet_keeps_its_rules_and_gets_one_mark() -> None:
    once = page_css("body {color: red}", "status")
    assert once == "/* lookout-key=status */\nbody {color: red}"
    assert page_css(once, "status") == once
    assert page_css(None, "status") == "/* lookout-key=status */"


def test_a_new_monitor_is_ours_from_its_first_moment() -> None:
    payload = new_monitor(HTTP, 7, [3], since_2_0=True)
    assert payload["description"] == "lookout-key=api/http"
    assert (payload["parent"], payload["notificationIDList"]) == (7, {"3": True})
    assert (payload["maxretries"], payload["retryInterval"], payload["accepted_statuscodes"]) == (
        1,
        60,
        ["200-299"],
    )
    assert (payload["conditions"], payload["rabbitmqNodes"]) == ([], [])


def test_columns_that_the_older_build_lacks_are_left_out() -> None:
    assert not {"conditions", "rabbitmqNodes"} & new_monitor(HTTP, None, [], since_2_0=False).keys()


def test_no_tag_is_ever_sent() -> None:
    assert "tags" not in new_monitor(HTTP, None, [], since_2_0=True)


def test_a_change_keeps_every_field_that_is_not_declared() -> None:
    now = {
        "id": 4,
        "name": "old",
        "description": "mine. lookout-key=api/http",
        "headers": "{}",
        "resendInterval": 9,
    }
    payload = changed_monitor(now, HTTP, None, [])
    assert payload["name"] == "api"
    kept = ("id", "description", "headers", "resendInterval")
    assert {name: payload[name] for name in kept} == {name: now[name] for name in kept}


def test_a_type_declares_only_its_own_fields() -> None:
    payload = new_monitor(PortMonitor(key="p", name="p", type="port", hostname="h", port=1), None, [], since_2_0=True)
    assert "url" not in payload
    assert payload["hostname"] == "h"


def test_a_binding_that_is_switched_off_is_none() -> None:
    raw = {"id": 1, "parent": None, "active": 1, "notificationIDList": {"3": True, "4": False}}
    assert live_monitor(raw).bound == {3}


def test_a_resolved_secret_is_stars_wherever_it_is_printed(tmp_path: Path) -> None:
    (channel,) = desired_from(monitors_file(), tmp_path / "secrets").channels
    url = channel.config["slackwebhookURL"]
    assert isinstance(url, SecretStr)
    assert url.get_secret_value() == SLACK_URL
    assert SLACK_URL not in f"{channel!r} {url} {channel.config}"


def test_a_plain_address_may_stand_in_the_file(tmp_path: Path) -> None:
    file = monitors_file()
    settings = {"webhookURL": "http://receiver/hook", "webhookContentType": "json"}
    file["notifications"][0] |= {"type": "webhook", "settings": settings}
    (channel,) = desired_from(file, tmp_path / "secrets").channels
    assert (channel.config["webhookURL"], channel.config["webhookContentType"]) == ("http://receiver/hook", "json")
    assert "slackwebhookURL" not in channel.config


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"a\xff", "is not UTF-8 text"),
    ],
    ids=["a file that is not there", "an empty file", "a file with a newline alone", "a file that is no text"],
)
def test_a_secret_that_cannot_be_had_names_its_file(content: bytes | None, words: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    with pytest.raises(SecretMissing) as caught:
        read_secret(tmp_path, "token", "notification 'watch'")
    assert caught.value.message == f"notification 'watch' needs {tmp_path / 'token'}, which {words}"


def test_what_stands_around_a_secret_is_dropped_and_nothing_in_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_text('\ufeff"a b" \r\n')
    assert read_secret(tmp_path, "token", "it").get_secret_value() == "a b"


def test_a_secret_is_written_for_its_owner_alone_and_replaced_in_one_step(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    for value in ("one", "two"):
        write_secret(folder, "key", SecretStr(value))
    assert (folder / "key").read_text() == "two\n"
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == ["key"]


def test_a_secret_that_cannot_be_written_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "key").mkdir()
    with pytest.raises(KumaError, match="key cannot be written"):
        write_secret(tmp_path, "key", SecretStr("hidden-value"))
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
