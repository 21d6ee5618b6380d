"""uptime-kuma/monitors.json, read by the loader that Uptime Kuma is filled from."""

from typing import Any

import pytest

from generator.channels.telegram import TelegramChannel
from generator.kuma import MonitorsFile, parse_monitors
from generator.kuma.model import SecretFile
from generator.render.kuma import monitor_key, render_monitors
from generator.site.model import (
    Monitor,
    Person,
)
from generator.values.secret import SecretRef
from tests.unit.sites import make_service, make_site

GROUPS = (Monitor("group/lookout", "Lookout", "group"), Monitor("group/services", "Services", "group"))
WATCHER = Monitor(
    "lookout/prometheus", "Prometheus", "http", url="http://prometheus:9090/-/healthy", parent="group/lookout",
    notify=("watch",),
)  # fmt: skip
API = Monitor("api/http/https://api.acme.dev", "api", "http", url="https://api.acme.dev", parent="group/services")
MAIL = Monitor("mail/port/mail:25", "mail", "port", hostname="mail", port=25, parent="group/services")
NAME = Monitor("ns/dns/x", "ns", "dns", url="9.9.9.9", hostname="acme.dev", port=53, dns_type="MX")


def loaded(*monitors: Monitor, **overrides: Any) -> MonitorsFile:
    site = make_site(**{"monitors": (*GROUPS, *monitors), **overrides})
    (artifact,) = render_monitors(site)
    return parse_monitors(artifact.content.encode(), artifact.path)


def test_groups_come_first_and_the_rest_by_key() -> None:
    file = loaded(WATCHER, MAIL, API)
    keys = [monitor.key for monitor in file.monitors]
    assert keys == ["group/lookout", "group/services", API.key, "lookout/prometheus", "mail/port/mail:25"]


def test_two_failures_in_a_row_are_down() -> None:
    (monitor,) = [each for each in loaded(API).monitors if each.key == API.key]
    assert (monitor.interval, monitor.retry_interval, monitor.max_retries) == (60, 60, 1)


def test_each_type_says_what_it_asks() -> None:
    by_key = {each.key: each for each in loaded(API, MAIL, NAME).monitors}
    mail, name = by_key[MAIL.key], by_key[NAME.key]
    assert mail.type == "port"
    assert (mail.hostname, mail.port) == ("mail", 25)
    assert name.type == "dns"
    assert (name.dns_resolve_server, name.dns_resolve_type, name.port) == ("9.9.9.9", "MX", 53)


def test_only_what_watches_the_watchers_wakes_people_and_notifies_all_receivers_of_a_page() -> None:
    file = loaded(WATCHER, API)
    bound = {monitor.key: monitor.notify for monitor in file.monitors if monitor.notify}
    assert bound == {"lookout/prometheus": ("watch/ops", "watch/phone")}
    assert [notification.type for notification in file.notifications] == ["slack", "telegram"]


def test_notifications_name_the_files_of_their_secrets() -> None:
    slack, telegram = loaded(WATCHER).notifications
    assert slack.type == "slack"
    assert slack.settings["slackwebhookURL"] == SecretFile(secret="slack_ops")
    assert telegram.type == "telegram"
    assert telegram.settings["telegramBotToken"] == SecretFile(secret="telegram_token")
    assert (telegram.settings["telegramChatID"], telegram.settings["telegramServerUrl"]) == (
        "-100123",
        "https://api.telegram.org",
    )


def test_the_owner_of_the_stack_is_reported_and_two_channels_of_one_name_stay_two() -> None:
    twin = TelegramChannel("ops", 99, SecretRef("telegram_token"), "https://api.telegram.org")
    site: dict[str, Any] = {"people": {"ana": Person("ana", twin)}, "notify": {"critical": ("ops", "owner")}}
    file = loaded(WATCHER, **site)
    assert [notification.key for notification in file.notifications] == ["watch/ops", "watch/ops-2"]


def test_without_channels_no_one_is_woken() -> None:
    file = loaded(WATCHER, notify={})
    assert file.notifications == ()
    assert all(monitor.notify == () for monitor in file.monitors)


def test_the_status_page_shows_services_and_nothing_that_watches_the_stack() -> None:
    page = loaded(WATCHER, API, MAIL).status_page
    assert page is not None
    assert (page.slug, page.title) == ("status", "acme")
    assert [(group.name, group.monitors) for group in page.groups] == [("Services", (API.key, MAIL.key))]


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("api/http/https://api.acme.dev/search?q=a b&n=1", id="a query"),
        pytest.param("api/http/https://api.acme.dev/" + "x" * 300, id="a very long address"),
        pytest.param("api/http/https://bücher.example", id="letters beyond ASCII"),
    ],
)
def test_a_key_that_may_not_be_written_is_changed_and_stays_its_own(key: str) -> None:
    monitor = Monitor(key, "api", "http", url="https://api.acme.dev", parent="group/services")
    twin = Monitor(key + "!", "api", "http", url="https://api.acme.dev", parent="group/services")
    assert len({each.key for each in loaded(monitor, twin).monitors}) == 4
    assert monitor_key(key) == monitor_key(key) != key


def test_the_file_of_a_site_with_nothing_loads() -> None:
    (artifact,) = render_monitors(make_site(make_service()))
    assert parse_monitors(artifact.content.encode()).monitors == ()
