"""The route tree and the receivers, as values."""

from typing import Any

import pytest
import yaml

from generator.conventions import Severity
from generator.render.alertmanager.config import render_alertmanager
from generator.site.model import Site
from generator.values.secret import SecretRef
from tests.unit.sites import make_service, make_site

OWNERS: dict[Severity, tuple[str, ...]] = {"critical": ("owner", "ops"), "warning": ("ops",), "info": ("phone",)}


def config_of(site: Site) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(render_alertmanager(site)[0].content)
    return loaded


def receivers_of(site: Site) -> dict[str, dict[str, Any]]:
    return {receiver["name"]: receiver for receiver in config_of(site)["receivers"]}


def test_the_files() -> None:
    assert [artifact.path for artifact in render_alertmanager(make_site())] == [
        "alertmanager/alertmanager.yml",
        "alertmanager/templates/common.tmpl",
        "alertmanager/templates/slack.tmpl",
        "alertmanager/templates/telegram.tmpl",
    ]


def test_a_template_says_that_it_is_rendered_and_prints_nothing_by_itself() -> None:
    for artifact in render_alertmanager(make_site())[1:]:
        assert artifact.content.startswith("{{- /* Rendered by lookout")


def test_an_alert_has_one_receiver_and_no_route_goes_on() -> None:
    content = render_alertmanager(make_site(notify=OWNERS))[0].content
    assert "continue" not in content


def test_severities_are_routed_and_owners_below_them() -> None:
    route = config_of(make_site(make_service(), notify=OWNERS))["route"]
    watchdog, critical, warning, info = route["routes"]
    assert watchdog["matchers"] == ['alertname="Watchdog"']
    assert (critical["matchers"], critical["receiver"]) == (['severity="critical"'], "critical")
    assert critical["routes"] == [
        {"matchers": ['owner="ana"'], "receiver": "critical-ana"},
        {"matchers": ['owner="boris"'], "receiver": "critical-boris"},
    ]
    assert (warning["receiver"], "routes" in warning) == ("warning", False)
    assert info["receiver"] == "info"


def test_messages_are_grouped_by_service_and_pages_do_not_wait() -> None:
    route = config_of(make_site(notify=OWNERS))["route"]
    _, critical, warning, info = route["routes"]
    assert route["group_by"] == ["service"]
    assert (critical["group_wait"], critical["group_interval"], critical["repeat_interval"]) == ("5s", "1m", "4h")
    assert (warning["group_wait"], warning["repeat_interval"]) == ("30s", "4h")
    assert (info["group_wait"], info["repeat_interval"]) == ("30s", "1d")


def test_one_receiver_holds_every_channel() -> None:
    receiver = receivers_of(make_site(notify={"critical": ("owner", "ops", "phone")}))["critical-ana"]
    assert [slack["api_url_file"] for slack in receiver["slack_configs"]] == ["/run/secrets/slack_ops"]
    assert [telegram["chat_id"] for telegram in receiver["telegram_configs"]] == [1234567, -100123]


def test_send_resolved_is_written_for_every_integration() -> None:
    receivers = receivers_of(make_site(notify=OWNERS, watchdog=SecretRef("ping")))
    said = [
        (name, kind, config["send_resolved"])
        for name, receiver in receivers.items()
        for kind, configs in receiver.items()
        if kind != "name"
        for config in configs
    ]
    assert len(said) > 4
    assert [each for each in said if each[2] is not (each[0] != "watchdog")] == []


def test_secrets_are_files_and_telegram_is_reported_in_html() -> None:
    (telegram,) = receivers_of(make_site(notify=OWNERS))["info"]["telegram_configs"]
    assert telegram["bot_token_file"] == "/run/secrets/telegram_token"
    assert telegram["parse_mode"] == "HTML"
    assert telegram["api_url"] == "https://api.telegram.org"
    assert telegram["disable_notifications"] is True, "an info makes no sound"


def test_a_page_makes_a_sound() -> None:
    (telegram,) = receivers_of(make_site())["critical"]["telegram_configs"]
    assert "disable_notifications" not in telegram


def test_a_message_says_which_stack_speaks() -> None:
    receiver = receivers_of(make_site())["critical"]
    assert receiver["slack_configs"][0]["text"].endswith("acme · production")
    assert receiver["telegram_configs"][0]["message"].endswith("<i>acme · production</i>")


def test_nothing_is_written_that_is_empty_because_alertmanager_would_not_say_it_back() -> None:
    def leaves(value: Any) -> list[Any]:
        if isinstance(value, dict | list):
            inner = value.values() if isinstance(value, dict) else value
            return [value] if not value else [leaf for each in inner for leaf in leaves(each)]
        return [value]

    every = leaves(config_of(make_site(notify=OWNERS)))
    assert [leaf for leaf in every if leaf in ("", [], {}, None)] == []


def test_the_watchdog_pings_every_minute_and_never_reaches_a_chat() -> None:
    site = make_site(notify=OWNERS, watchdog=SecretRef("healthchecks_url"))
    route = config_of(site)["route"]["routes"][0]
    assert (route["group_wait"], route["group_interval"], route["repeat_interval"]) == ("0s", "1m", "50s")
    assert receivers_of(site)["watchdog"] == {
        "name": "watchdog",
        "webhook_configs": [{"send_resolved": False, "url_file": "/run/secrets/healthchecks_url", "max_alerts": 1}],
    }
    assert receivers_of(make_site(notify=OWNERS))["watchdog"] == {"name": "watchdog"}


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_with_an_empty_notify_everything_goes_to_no_one(severity: str) -> None:
    config = config_of(make_site(notify={}))
    routes = {route["matchers"][0]: route["receiver"] for route in config["route"]["routes"]}
    assert routes[f'severity="{severity}"'] == "no-receiver"
    assert config["receivers"] == [{"name": "no-receiver"}, {"name": "watchdog"}]


def test_what_has_no_severity_of_ours_is_reported_as_a_warning() -> None:
    assert config_of(make_site(notify=OWNERS))["route"]["receiver"] == "warning"


def test_the_same_site_gives_the_same_bytes() -> None:
    assert render_alertmanager(make_site(notify=OWNERS)) == render_alertmanager(make_site(notify=OWNERS))
