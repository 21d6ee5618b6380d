"""The rendered configuration in a real Alertmanager: who gets which message, and how many."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
import requests

from generator.apply.alertmanager import compare_alertmanager
from generator.render.alertmanager.config import render_alertmanager
from generator.site.model import Alert, Site
from generator.values.secret import SecretRef
from tests.support.receivers import Message, Receivers, To
from tests.support.servers import free_port, server
from tests.unit.sites import OPS, PHONE, STACK, make_alert, make_service, make_site

GROUP_INTERVAL: Final = 3
BOTH: Final[tuple[To, ...]] = ("slack", "telegram")
DOWN = make_alert("ServiceDown", "api", pack="target")
DOWN = replace(DOWN, labels={**DOWN.labels, "outage_of": "target"})
PROBE = make_alert("ProbeFailed", "api", pack="probe")
SLOW = make_alert("Slow", "api", severity="warning", fault="symptom", for_seconds=300)
LINKS: Final = {
    "runbook_url": "http://localhost:8080/runbooks/api#ServiceDown",
    "dashboard_url": "http://localhost:8080/grafana/d/service-api?viewPanel=panel-7",
    "logs_url": "http://localhost:8080/grafana/d/lookout-logs?var-service=api",
}


def site(telegram_api: str) -> Site:
    """A site whose messages come within seconds, to a Telegram that is ours."""
    timing = replace(STACK.timing, group_wait=1, group_interval=GROUP_INTERVAL, repeat_interval=3600)
    alerts = (DOWN, PROBE, SLOW)
    services = [make_service(name, _of(name, *alerts)) for name in ("api", "web", "shop", "pay")]
    return make_site(
        *services,
        notify={"critical": ("ops", "phone"), "warning": ("ops",)},
        channels={"ops": OPS, "phone": replace(PHONE, api=telegram_api)},
        watchdog=SecretRef("ping"),
        stack=replace(STACK, timing=timing),
    )


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """A running server, and what it has sent_about."""

    url: str
    site: Site
    receivers: Receivers

    def post(self, *alerts: Alert, summary: str = "it does not answer", over: bool = False) -> None:
        """What Prometheus posts while an alert fires, and once more when it is over."""
        now = datetime.now(UTC)
        # Alerts that began before the group's wait are sent at once, without waiting for the others.
        body = [
            {
                "labels": {"alertname": alert.name, **alert.labels},
                "annotations": {"summary": f"{alert.service}: {summary}", "description": "Look.", **LINKS},
                "startsAt": (now - timedelta(seconds=5 if over else 0)).isoformat(),
                "endsAt": (now if over else now + timedelta(minutes=4)).isoformat(),
            }
            for alert in alerts
        ]
        requests.post(f"{self.url}/api/v2/alerts", json=body, timeout=60).raise_for_status()

    def sent_about(self, service: str) -> list[Message]:
        """Messages about one service, oldest first."""
        return [m for m in self.receivers.messages() if f"· {service} ·" in m.text]


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    folder = tmp_path_factory.mktemp("alertmanager-server")
    with Receivers() as receivers:
        rendered = render_alertmanager(site(receivers.url))
        for artifact in rendered:
            path = folder / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            # What is no page waits half a minute for the outage that keeps it quiet: too long for a test.
            path.write_text(artifact.content.replace("group_wait: 30s", "group_wait: 2s"), encoding="utf-8")
        secrets = folder / "secrets"
        secrets.mkdir()
        (secrets / "slack_ops").write_text(f"{receivers.url}/services/T0/B0/x\n")
        (secrets / "telegram_token").write_text("123456:abcdefghijk\n")
        (secrets / "ping").write_text(f"{receivers.url}/ping/secret\n")
        port = free_port()
        url = f"http://127.0.0.1:{port}/alertmanager"
        arguments = (
            "--config.file=/etc/alertmanager/alertmanager.yml",
            "--storage.path=/tmp/data",
            "--cluster.listen-address=",
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.external-url=http://localhost:8080/alertmanager",
            "--web.route-prefix=/alertmanager",
        )
        mounts = {folder / "alertmanager": "/etc/alertmanager", secrets: "/run/secrets"}
        with server("alertmanager", *arguments, mounts=mounts, ready=f"{url}/-/ready"):
            yield Alertmanager(url, site(receivers.url), receivers)


def _of(service: str, *alerts: Alert) -> tuple[Alert, ...]:
    return tuple(replace(each, service=service, labels={**each.labels, "service": service}) for each in alerts)


def test_it_loads_what_was_rendered_and_says_so(alertmanager: Alertmanager) -> None:
    loaded = requests.get(f"{alertmanager.url}/api/v2/status", timeout=60).json()["config"]["original"]
    artifacts = {artifact.path: artifact for artifact in render_alertmanager(alertmanager.site)}
    assert compare_alertmanager(artifacts, loaded.replace("group_wait: 2s", "group_wait: 30s")) == []


def test_an_outage_is_one_message_to_each_place_and_so_is_its_end(alertmanager: Alertmanager) -> None:
    down, probe, slow = _of("api", DOWN, PROBE, SLOW)
    alertmanager.post(down, probe, slow)
    for to in BOTH:
        message = alertmanager.receivers.wait_for(to, lambda m: "· api ·" in m.text, 15)
        assert message.text.splitlines()[0] == "🔴 P0 CRITICAL · api · ServiceDown"
        assert "api: it does not answer" in message.text
        assert re.search(r"Since \d\d:\d\d:\d\d UTC on \d", message.text)
        assert message.text.splitlines()[-1] == "Runbook · Dashboard · Logs · Silence · acme · production"
    time.sleep(GROUP_INTERVAL + 3)  # in which another message may not come
    quiet = "the failed probe and the slowness say nothing of their own"
    assert sorted(m.to for m in alertmanager.sent_about("api")) == ["slack", "telegram"], quiet
    alertmanager.post(down, probe, slow, over=True)
    for to in BOTH:
        message = alertmanager.receivers.wait_for(to, lambda m: "RESOLVED P0 CRITICAL · api ·" in m.text, 15)
        assert re.search(r"ServiceDown lasted \d+s, ", message.text)
        assert "Silence" not in message.text
    assert len(alertmanager.sent_about("api")) == 4


def test_a_warning_alone_goes_to_chat_and_wakes_no_one(alertmanager: Alertmanager) -> None:
    (slow,) = _of("web", SLOW)
    alertmanager.post(slow, summary='<b>5 > 3</b> & "so on"')
    message = alertmanager.receivers.wait_for("slack", lambda m: "🟠 P1 WARNING · web · Slow" in m.text, 15)
    assert 'web: <b>5 > 3</b> & "so on"' in message.text
    assert [m.to for m in alertmanager.sent_about("web")] == ["slack"]


def test_two_hundred_alerts_are_one_message_that_arrives(alertmanager: Alertmanager) -> None:
    (down,) = _of("shop", DOWN)
    parts = [replace(down, labels={**down.labels, "instance": f"shop-{n}:8000"}) for n in range(200)]
    alertmanager.post(*parts, summary='<!channel> 🔥 & "' + "ä<b>" * 500)
    for to in BOTH:
        message = alertmanager.receivers.wait_for(to, lambda m: "· shop ·" in m.text, 15)
        assert "ServiceDown \u00d7200" in message.text
        assert "+192 more" in message.text
    assert alertmanager.receivers.messages(delivered=False) == alertmanager.receivers.messages()


def test_a_messenger_that_fails_gets_the_message_later(alertmanager: Alertmanager) -> None:
    alertmanager.receivers.fail("slack", 429)
    alertmanager.receivers.fail("telegram", 429, times=2)
    (down,) = _of("pay", DOWN)
    alertmanager.post(down)
    for to in BOTH:
        assert alertmanager.receivers.wait_for(to, lambda m: "· pay ·" in m.text, 30).status == 200
    refused = [m.to for m in alertmanager.receivers.messages(delivered=False) if m.status == 429]
    assert sorted(refused) == ["slack", "telegram", "telegram"]


def test_the_watchdog_is_received_outside_at_once_and_in_no_chat(alertmanager: Alertmanager) -> None:
    watchdog = make_alert("Watchdog", "lookout", severity="info", fault="symptom")
    alertmanager.post(watchdog)
    ping = alertmanager.receivers.wait_for("ping", lambda m: True, 10)
    assert ping.path == "/ping/secret"
    time.sleep(GROUP_INTERVAL)  # in which none may come
    assert alertmanager.sent_about("lookout") == []
