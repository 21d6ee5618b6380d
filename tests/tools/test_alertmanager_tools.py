"""Routes and messages, proven with amtool: it reads the configuration as Alertmanager does, and renders templates."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import pytest
import yaml

from generator.artifact import Artifact
from generator.conventions import SEVERITIES, Severity
from generator.render.alertmanager.config import render_alertmanager
from generator.site.model import Person, Site
from generator.site.routing import receiver_of
from generator.values.secret import SecretRef
from tests.support import slack_stub, telegram_html, telegram_stub, tools
from tests.support.alerts import template_alert, template_data
from tests.unit.sites import ANA, make_alert, make_service, make_site

OWNERS: dict[Severity, tuple[str, ...]] = {"critical": ("owner", "ops"), "warning": ("ops",), "info": ("phone",)}
PEOPLE = {"ana": Person("ana", ANA), "cleo": Person("cleo", None)}
STARTED: Final = datetime(2026, 11, 21, 10, 21, 43, tzinfo=UTC)
LASTED: Final = timedelta(minutes=4, seconds=12, milliseconds=300)
LABELS: Final = {"alertname": "ServiceDown", "service": "api", "severity": "critical", "environment": "production"}
SLACK_PARTS: Final = ("title", "title_link", "text", "fallback", "color")
LINKS: Final = {
    "runbook_url": "http://localhost:8080/runbooks/api#ServiceDown",
    "dashboard_url": "http://localhost:8080/grafana/d/service-api?viewPanel=panel-7",
    "logs_url": "http://localhost:8080/grafana/d/lookout-logs?var-service=api&from=now-1h",
}


def write(folder: Path, artifacts: Sequence[Artifact]) -> None:
    for artifact in artifacts:
        path = folder / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(artifact.content, encoding="utf-8")


def site_of(**overrides: Any) -> Site:
    alerts = (
        make_alert("ServiceDown", pack="target"),
        make_alert("Slow", severity="warning", fault="symptom", for_seconds=300),
    )
    return make_site(make_service("api", alerts), **{"notify": OWNERS, "people": PEOPLE, **overrides})


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alertmanager")
    write(folder, render_alertmanager(site_of(watchdog=SecretRef("ping"))))
    return folder


# --- the configuration --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "site",
    [
        pytest.param(site_of(), id="owners, channels and inhibitions"),
        pytest.param(site_of(watchdog=SecretRef("ping")), id="a watchdog"),
        pytest.param(make_site(notify={}), id="no receiver"),
    ],
)
@pytest.mark.parametrize("parser", [[], ["--enable-feature=utf8-strict-mode"]], ids=["any parser", "strict parser"])
def test_amtool_accepts(site: Site, parser: list[str], tmp_path: Path) -> None:
    write(tmp_path, render_alertmanager(site))
    checked = tools.run("amtool", *parser, "check-config", "alertmanager/alertmanager.yml", folder=tmp_path)
    assert checked.code == 0, checked.output
    assert "FAILED" not in checked.output


@pytest.mark.parametrize("owner", ["ana", "cleo", "stranger", ""])
@pytest.mark.parametrize("severity", [*SEVERITIES, "page", ""])
def test_amtool_routes_an_alert_where_the_truth_table_says(tree: Path, severity: str, owner: str) -> None:
    labels = {"alertname": "ServiceDown", "service": "api", "severity": severity, "owner": owner}
    expected = receiver_of(site_of(), severity, owner)
    assert routed(tree, labels) == expected


def test_amtool_routes_the_watchdog_to_its_own_receiver_alone(tree: Path) -> None:
    labels = {"alertname": "Watchdog", "service": "lookout", "severity": "critical", "owner": "ana"}
    assert routed(tree, labels) == "watchdog"


def routed(tree: Path, labels: dict[str, str]) -> str:
    pairs = [f"{name}={value}" for name, value in labels.items() if value]
    arguments = ("config", "routes", "test", "--config.file=alertmanager/alertmanager.yml", *pairs)
    answer = tools.run("amtool", *arguments, folder=tree)
    assert answer.code == 0, answer.output
    return answer.output.strip()


# --- the messages -------------------------------------------------------------------------------------------


class Messages:
    """Renders what the receivers say as Alertmanager does: HTML for Telegram, text for Slack."""

    def __init__(self, tree: Path, folder: Path) -> None:
        self._tree = tree
        self._data = folder / "data.json"
        config = yaml.safe_load((tree / "alertmanager/alertmanager.yml").read_text(encoding="utf-8"))
        receivers = {receiver["name"]: receiver for receiver in config["receivers"]}
        (self._slack,) = receivers["warning"]["slack_configs"]
        (self._telegram,) = receivers["info"]["telegram_configs"]

    def telegram(self, data: dict[str, Any]) -> str:
        return self._render(data, "html", self._telegram["message"])

    def slack(self, data: dict[str, Any]) -> dict[str, str]:
        rendered = self._render(data, "text", "\x1e".join(self._slack[part] for part in SLACK_PARTS))
        return dict(zip(SLACK_PARTS, rendered.split("\x1e"), strict=True))

    def _render(self, data: dict[str, Any], kind: str, text: str) -> str:
        self._data.write_text(json.dumps(data), encoding="utf-8")
        globs = "--template.glob=alertmanager/templates/*.tmpl"
        arguments = (globs, f"--template.type={kind}", f"--template.text={text}", f"--template.data={self._data}")
        rendered = tools.run("amtool", "template", "render", *arguments, folder=self._tree)
        assert rendered.code == 0, rendered.output
        return rendered.output


@pytest.fixture
def messages(tree: Path, tmp_path: Path) -> Messages:
    return Messages(tree, tmp_path)


def test_a_page_on_a_phone(messages: Messages) -> None:
    annotations = {
        "summary": "api is down: none of its 2 targets answers",
        "description": "Prometheus scraped api:8000 twice in a row without an answer.",
        **LINKS,
    }
    message = messages.telegram(template_data([template_alert(LABELS, annotations, STARTED)]))
    assert message.splitlines() == [
        "<b>🔴 P0 CRITICAL · api · ServiceDown</b>",
        "api is down: none of its 2 targets answers",
        "Prometheus scraped api:8000 twice in a row without an answer.",
        "Since 10:21:43 UTC on 21 Nov",
        '<a href="http://localhost:8080/runbooks/api#ServiceDown">Runbook</a> · '
        '<a href="http://localhost:8080/grafana/d/service-api?viewPanel=panel-7">Dashboard</a> · '
        '<a href="http://localhost:8080/grafana/d/lookout-logs?var-service=api&amp;from=now-1h">Logs</a> · '
        '<a href="http://localhost:8080/silence.html#alertname=ServiceDown&amp;service=api">Silence</a> · '
        "<i>acme · production</i>",
    ]


def test_the_same_page_in_slack(messages: Messages) -> None:
    annotations = {"summary": "api is down: none of its 2 targets answers", **LINKS}
    message = messages.slack(template_data([template_alert(LABELS, annotations, STARTED)]))
    assert message["title"] == "🔴 P0 CRITICAL · api · ServiceDown"
    assert message["color"] == "#c62828"
    assert message["fallback"] == "🔴 P0 CRITICAL · api · ServiceDown: api is down: none of its 2 targets answers"
    summary, since, links = message["text"].splitlines()
    assert (summary, since) == ("api is down: none of its 2 targets answers", "Since 10:21:43 UTC on 21 Nov")
    assert slack_stub.readable(links) == "Runbook · Dashboard · Logs · Silence · acme · production"
    assert "<http://localhost:8080/grafana/d/lookout-logs?var-service=api&amp;from=now-1h|Logs>" in links


def test_what_is_over_is_short_says_how_long_it_lasted_and_offers_no_silence(messages: Messages) -> None:
    data = template_data([template_alert(LABELS, {"summary": "gone", **LINKS}, STARTED, LASTED)])
    plain = telegram_html.parse(messages.telegram(data)).splitlines()
    assert plain == [
        "✅ RESOLVED P0 CRITICAL · api · ServiceDown",
        "Lasted 4m 12s, 10:21:43 to 10:25:55 UTC on 21 Nov",
        "Dashboard · Logs · acme · production",
    ]
    slack = messages.slack(data)
    assert slack["color"] == "#2e7d32"
    assert slack_stub.readable(slack["text"]).splitlines() == plain[1:3]


def test_several_alerts_have_a_line_each_with_their_own_runbook(messages: Messages) -> None:
    names = ("ErrorRatioHigh", "LatencyHigh")
    group = [
        template_alert(
            {**LABELS, "alertname": name, "severity": "warning"},
            {
                "summary": f"{name} of api",
                **LINKS,
                "runbook_url": f"http://localhost:8080/runbooks/api#{name}",
                "dashboard_url": f"http://localhost:8080/grafana/d/service-api?viewPanel=panel-{len(name)}",
            },
            STARTED,
        )
        for name in names
    ]
    message = messages.telegram(template_data(group))
    assert telegram_html.parse(message).splitlines() == [
        "🟠 P1 WARNING · api · 2 alerts",
        "• ErrorRatioHigh since 10:21:43 UTC on 21 Nov: ErrorRatioHigh of api",
        "• LatencyHigh since 10:21:43 UTC on 21 Nov: LatencyHigh of api",
        "Dashboard · Logs · Silence · acme · production",
    ]
    assert '• <a href="http://localhost:8080/runbooks/api#LatencyHigh">LatencyHigh</a>' in message
    assert 'href="http://localhost:8080/grafana/d/service-api">Dashboard' in message, "the service's, not one panel"


def test_what_is_over_stands_below_what_still_fires(messages: Messages) -> None:
    down = template_alert({**LABELS, "instance": "api-2:8000"}, {"summary": "api-2 is down", **LINKS}, STARTED)
    up = template_alert({**LABELS, "instance": "api-1:8000"}, {"summary": "api-1 is down", **LINKS}, STARTED, LASTED)
    plain = telegram_html.parse(messages.telegram(template_data([down, up]))).splitlines()
    assert plain[:3] == [
        "🔴 P0 CRITICAL · api · ServiceDown \u00d72",
        "• ServiceDown since 10:21:43 UTC on 21 Nov: api-2 is down",
        "✅ ServiceDown api-1:8000 lasted 4m 12s, 10:21:43 to 10:25:55 UTC on 21 Nov",
    ]


def test_of_two_hundred_alerts_eight_are_shown_and_the_rest_is_counted_and_linked(messages: Messages) -> None:
    group = [template_alert(LABELS, {"summary": f"number {n}", **LINKS}, STARTED) for n in range(200)]
    message = messages.telegram(template_data(group))
    assert telegram_html.parse(message).count("• ") == 8
    assert '<a href="http://localhost:8080/#service=api">+192 more</a>' in message
    assert ">+192 more</a>" in message
    assert "|+192 more>" in messages.slack(template_data(group))["text"]


# Labels that all alerts of a message share, and what the form that silences them begins with.
SHARED: Final[dict[str, tuple[dict[str, str], dict[str, str]]]] = {
    "an instance": (
        {"instance": "api-2:8000"}, {"alertname": "ServiceDown", "service": "api", "instance": "api-2:8000"},
    ),
    "an address": (
        {"instance": "https://acme.dev/health"},
        {"alertname": "ServiceDown", "service": "api", "instance": "https://acme.dev/health"},
    ),
    "an instance that could break the link": (
        {"instance": 'x" onclick="y|<>& z'}, {"alertname": "ServiceDown", "service": "api"},
    ),
    "a service that could break it": ({"service": "a&b=c"}, {"alertname": "ServiceDown"}),
    "no service": ({"service": ""}, {"alertname": "ServiceDown"}),
}  # fmt: skip


@pytest.mark.parametrize(("labels", "expected"), SHARED.values(), ids=SHARED)
@pytest.mark.parametrize("base", ["http://localhost:8080", "https://mon.acme.dev"])
def test_the_link_to_silence_names_what_the_message_is_about_on_a_page_of_ours(
    messages: Messages, labels: dict[str, str], expected: dict[str, str], base: str
) -> None:
    """No page of Alertmanager's is needed, which its stand-in does not have."""
    group = [template_alert({**LABELS, **labels}, {"summary": "s"}, STARTED)]
    data = template_data(group, f"{base}/alertmanager")
    (telegram,) = re.findall(r'<a href="([^"]*)">Silence</a>', messages.telegram(data))
    slack = messages.slack(data)
    (in_slack,) = re.findall(r"<([^|>]*)\|Silence>", slack["text"])
    for link in (telegram, in_slack):
        address, _, fragment = unescape(link).partition("#")
        assert address == f"{base}/silence.html"
        assert dict(parse_qsl(fragment)) == expected
    assert slack["title_link"].startswith(f"{base}/") and "alertmanager" not in slack["title_link"]


def test_a_group_of_several_alerts_is_silenced_by_its_service(messages: Messages) -> None:
    group = [template_alert({**LABELS, "alertname": name}, {"summary": "s"}, STARTED) for name in ("A", "B")]
    (link,) = re.findall(r'<a href="([^"]*)">Silence</a>', messages.telegram(template_data(group)))
    assert dict(parse_qsl(unescape(link).partition("#")[2])) == {"service": "api"}


def test_without_annotations_there_is_no_empty_link(messages: Messages) -> None:
    data = template_data([template_alert(LABELS, {}, STARTED)])
    message = messages.telegram(data)
    assert telegram_html.parse(message).splitlines()[-1] == "Silence · acme · production"
    assert "<|" not in messages.slack(data)["text"]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "not an address", "https://a.dev/<b>|x y", "https://a.dev/" + "x" * 600, ""]
)
def test_what_is_no_proper_address_is_no_link(messages: Messages, url: str) -> None:
    annotations = {"summary": "s", "runbook_url": url, "dashboard_url": url, "logs_url": url}
    data = template_data([template_alert(LABELS, annotations, STARTED)])
    assert telegram_html.parse(messages.telegram(data)).splitlines()[-1] == "Silence · acme · production"
    assert slack_stub.readable(messages.slack(data)["text"]).splitlines()[-1] == "Silence · acme · production"


# Nothing that an alert may contain may keep a message from being delivered.
TEXTS: Final = {
    "plain": "12.5% of the requests to api fail (limit 5%)",
    "markup": "<b>&amp; \"x\" 'y' _a_ *b* `c` [d](e) ~f~ <!channel> + <& ",
    "Cyrillic": "ошибок больше чем обычно ",
    "emoji": "🔥👩‍👩‍👧‍👦é̂ ",
    "ampersands": "&",
    "brackets": "<>",
    "lines": "one\n\ttwo\r\n  three \u2028 ",
    "nothing": "",
}

# The longest address that still becomes a link.
LONGEST: Final = "https://" + "x" * 150 + ("&" + "y" * 30) * 4


def worst(text: str, count: int, status: str, repeat: int) -> list[dict[str, Any]]:
    """A group in which everything that can be long is long and no two alerts share a thing."""
    much = text * repeat
    group = []
    for number in range(count):
        labels = {**LABELS, "alertname": f"{much[:300]}{number}" if text else f"A{number}", "instance": much[:300]}
        annotations = {
            "summary": f"{much}{number}",
            "description": much,
            "runbook_url": f"https://a.dev/{'r' * 70}{number}",
            "dashboard_url": f"{LONGEST[:-3]}{number:03}",
            "logs_url": LONGEST,
        }
        over = status == "resolved" or (status == "mixed" and number % 2)
        group.append(template_alert(labels, annotations, STARTED, LASTED if over else None))
    return group


@pytest.mark.parametrize("status", ["firing", "resolved", "mixed"])
@pytest.mark.parametrize("count", [1, 2, 200])
@pytest.mark.parametrize("text", TEXTS)
def test_a_message_is_delivered_whatever_it_says(messages: Messages, text: str, count: int, status: str) -> None:
    external = f"https://{'m' * 60}.{'o' * 60}.{'n' * 60}.dev/alertmanager"
    data = template_data(worst(TEXTS[text], count, status, 1000 // max(len(TEXTS[text]), 1)), external)
    telegram = messages.telegram(data)
    assert len(telegram) <= 4096, "Alertmanager would send an excuse instead"
    assert 0 < telegram_stub.utf16_length(telegram_html.parse(telegram)) <= telegram_stub.MAX_TEXT
    slack = messages.slack(data)
    assert [part for part in slack.values() if slack_stub.unsafe(part)] == []
    assert len(slack["title"]) <= 1024
    assert len(slack["text"]) <= 4096
    assert telegram.count(LONGEST.replace("&", "&amp;")) == slack["text"].count(LONGEST.replace("&", "&amp;")) > 0
