"""What monitors.json may say, and how a mistake in it is reported."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.kuma import KumaError, load_monitors, parse_monitors
from generator.kuma.model import HttpMonitor, Notification, SecretFile
from tests.kuma.samples import monitors_file

File = dict[str, Any]


def test_a_monitor_gets_the_defaults_that_confirm_a_failure_once() -> None:
    http = parse_monitors(json.dumps(monitors_file()).encode()).monitors[0]
    assert isinstance(http, HttpMonitor)
    assert (http.interval, http.retry_interval, http.max_retries, http.timeout) == (60, 60, 1, 10)
    assert http.accepted_statuscodes == ("200-299",)


def test_a_secret_is_a_name_and_never_a_value() -> None:
    (slack,) = parse_monitors(json.dumps(monitors_file()).encode()).notifications
    assert isinstance(slack, Notification)
    assert slack.settings["slackwebhookURL"] == SecretFile(secret="slack_ops")


def test_nothing_but_the_format_and_an_empty_list_is_a_file() -> None:
    loaded = parse_monitors(b'{"format": 1, "monitors": []}')
    assert (loaded.monitors, loaded.notifications, loaded.status_page) == ((), (), None)


def test_an_address_with_a_query_may_be_part_of_a_key() -> None:
    key = "api/http/https://api.acme.dev/health?full=1&as=~json"
    file = {"format": 1, "monitors": [{"key": key, "name": "api", "type": "group"}]}
    assert parse_monitors(json.dumps(file).encode()).monitors[0].key == key


def drop(*path: str | int) -> Callable[[File], None]:
    def change(file: Any) -> None:
        for step in path[:-1]:
            file = file[step]
        del file[path[-1]]

    return change


def put(value: object, *path: str | int) -> Callable[[File], None]:
    def change(file: Any) -> None:
        for step in path[:-1]:
            file = file[step]
        file[path[-1]] = value

    return change


MISTAKES: list[tuple[str, Callable[[File], None], str]] = [
    ("a format of another day", put(2, "format"), "format: Input should be 1"),
    ("no monitors", drop("monitors"), "monitors: Field required"),
    ("a word that means nothing", put(1, "monitor"), "monitor: Unexpected keyword argument"),
    ("an unknown type of monitor", put("push", "monitors", 0, "type"), "monitors[0]: Input tag 'push'"),
    ("an http monitor without url", drop("monitors", 0, "url"), "monitors[0].url: Field required"),
    ("a url that is none", put("api.acme.dev", "monitors", 0, "url"), "monitors[0].url: String should match"),
    ("a port of no machine", put(70000, "monitors", 3, "port"), "monitors[3].port: Input should be less than"),
    ("an interval Kuma refuses", put(5, "monitors", 0, "interval"), "monitors[0].interval: Input should be"),
    ("a key with a space in it", put("a b", "monitors", 2, "key"), "monitors[2].key: String should match"),
    ("a group with a url", put("http://x", "monitors", 2, "url"), "monitors[2].url: Unexpected keyword"),
    ("a key used twice", put("cache", "monitors", 2, "key"), "monitor key 'cache' is used twice"),
    ("a parent that is nowhere", put("db", "monitors", 0, "parent"), "parent 'db', which is not declared"),
    ("a parent that is no group", put("cache", "monitors", 0, "parent"), "'cache', which is not a group"),
    ("a group inside itself", put("api", "monitors", 2, "parent"), "monitor 'api' is its own ancestor"),
    ("a notification that is nowhere", put(["ops"], "monitors", 0, "notify"), "notifies 'ops', which is not"),
    (
        "a notification without secret",
        drop("notifications", 0, "settings"),
        "notifications[0].settings: Field required",
    ),
    (
        "a secret outside its folder",
        put({"secret": "../etc/passwd"}, "notifications", 0, "settings", "slackwebhookURL"),
        "notifications[0].settings.slackwebhookURL",
    ),
    ("a slug no address can have", put("My Page", "status_page", "slug"), "status_page.slug: String should"),
    (
        "a page that shows what is not there",
        put(["db"], "status_page", "groups", 0, "monitors"),
        "status page group 'Services' shows 'db', which is not declared",
    ),
]


@pytest.mark.parametrize(("change", "message"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_named_with_its_place(change: Callable[[File], None], message: str) -> None:
    file = copy.deepcopy(monitors_file())
    change(file)
    with pytest.raises(KumaError) as caught:
        parse_monitors(json.dumps(file).encode())
    assert caught.value.message.startswith("monitors.json: ")
    assert message in caught.value.message
    assert "render" in caught.value.hint


def test_all_mistakes_come_in_one_message() -> None:
    file = monitors_file()
    del file["monitors"][0]["url"]
    file["monitors"][3]["port"] = 0
    with pytest.raises(KumaError) as caught:
        parse_monitors(json.dumps(file).encode())
    assert "monitors[0].url" in caught.value.message
    assert "monitors[3].port" in caught.value.message


def test_what_is_no_json_is_said_so() -> None:
    with pytest.raises(KumaError, match="Invalid JSON"):
        parse_monitors(b"{")


def test_a_value_is_not_repeated_in_a_message() -> None:
    file = monitors_file()
    file["notifications"][0]["settings"]["slackwebhookURL"] = {"secret": "hooks.example/very secret"}
    with pytest.raises(KumaError) as caught:
        parse_monitors(json.dumps(file).encode())
    assert "very secret" not in caught.value.message


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(KumaError, match=r"monitors\.json cannot be read: No such file"):
        load_monitors(tmp_path / "monitors.json")
