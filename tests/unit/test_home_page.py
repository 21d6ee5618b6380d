"""The home page as a browser shows it: green only when all that would make it red was asked for and was answered."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any, Final

import pytest

from generator.render.caddy.home import render_home
from tests.support.page import NOW, Shown, run_page
from tests.unit.dashboards import dashboard_site

ALERTS: Final = "/alertmanager/api/v2/alerts"
SCRAPED: Final = "/prometheus/api/v1/query"
DELIVERY: Final = "/delivery.json"
HTML_PAGE: Final = {"body": "<!doctype html><title>Log in</title>"}
MINUTE: Final = 60


@cache
def files() -> dict[str, str]:
    return {artifact.path.rpartition("/")[2]: artifact.content for artifact in render_home(dashboard_site())}


def at(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def alert(name: str, severity: str = "warning", service: str = "api", **more: Any) -> dict[str, Any]:
    return {
        "labels": {"alertname": name, "severity": severity, "service": service},
        "annotations": {"summary": f"{name} of {service}", "runbook_url": f"https://mon.acme.dev/runbooks/api#{name}"},
        "startsAt": at(-600),
        "updatedAt": at(-20),
        "endsAt": at(220),
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
        **more,
    }


def watchdog(**more: Any) -> dict[str, Any]:
    return alert("Watchdog", "info", "lookout", **more)


def muted(kind: str) -> dict[str, Any]:
    return {"state": "suppressed", "silencedBy": [], "inhibitedBy": [], kind: ["1"]}


def channel(name: str, there: bool = True) -> dict[str, Any]:
    return {"name": name, "kind": "Slack", "secret": f"slack_{name}", "there": there}


def scraped(seconds: float | None = 3) -> dict[str, Any]:
    value = [] if seconds is None else [{"metric": {}, "value": [NOW.timestamp(), str(NOW.timestamp() - seconds)]}]
    return {"body": {"status": "success", "data": {"resultType": "vector", "result": value}}}


def delivery(*channels: dict[str, Any], ping: bool | None = None) -> dict[str, Any]:
    watched = None if ping is None else {"secret": "healthchecks_url", "there": ping}
    return {"body": {"channels": list(channels), "watchdog": watched}}


def said(path: str, body: Any) -> dict[str, Any]:
    return {path: {"body": body}}


WELL: Final[dict[str, Any]] = {
    ALERTS: {"body": [watchdog()]},
    SCRAPED: scraped(),
    DELIVERY: delivery(channel("ops"), channel("phone")),
    "/grafana/api/health": {"body": {}},
}


def home(answers: dict[str, Any] | None = None, **how: Any) -> Shown:
    return run_page(files()["index.html"], files()["home.js"], {**WELL, **(answers or {})}, **how)


def test_it_is_green_when_all_was_asked_and_all_is_well() -> None:
    page = home()
    assert page.level() == "good"
    assert page.text("state") == (
        "All is well Nothing fires. Targets were scraped 3 s ago, alerts reach Alertmanager, 2 channels can deliver."
    )
    assert page.title == "acme monitoring"
    assert badges(page) == {"nothing fires"}
    assert {request["path"].split("?")[0] for request in page.requests} == set(WELL)


def badges(page: Shown) -> set[str]:
    return set(re.findall(r'<td><span class="badge \w+">([^<]*)</span></td>', page.html))


def test_before_it_has_asked_it_is_grey_and_without_javascript_it_says_where_to_look() -> None:
    page = run_page(files()["index.html"], "")
    assert page.level() == ""
    assert page.text("state").startswith("Not known yet This page asks Prometheus and Alertmanager")
    assert "It needs JavaScript" in page.text("state")
    assert badges(page) == {"not known"}


NOTHING: Final = "Nothing is measured"
NO_ALERT: Final = "No alert reaches you"
GONE: Final = "Lookout does not answer"
DOWN: Final = {"status": 502, "body": "This part does not answer, or is not installed here: see make status."}
SILENT: Final = "Alertmanager does not answer"
UNSCRAPED: Final = "Prometheus does not answer"
BLIND: Final[dict[str, tuple[dict[str, Any], str, str]]] = {
    "no alert at all, not even Watchdog": (said(ALERTS, []), NOTHING, "the alert that always fires, is missing"),
    "alerts, but no Watchdog": (said(ALERTS, [alert("Slow")]), NOTHING, "is missing"),
    "a Watchdog of seven minutes ago": (
        said(ALERTS, [watchdog(updatedAt=at(-7 * MINUTE))]), NOTHING, "last came 7 min ago",
    ),
    "a Watchdog that is over": (said(ALERTS, [watchdog(endsAt=at(-1))]), NOTHING, "last came 20 s ago"),
    "a Watchdog without a time": (said(ALERTS, [watchdog(updatedAt=None)]), NOTHING, "last came at an unknown time"),
    "Alertmanager does not run": ({ALERTS: DOWN}, NO_ALERT, SILENT),
    "Alertmanager refuses": ({ALERTS: "refused"}, NO_ALERT, SILENT),
    "Alertmanager hangs": ({ALERTS: "hangs"}, NO_ALERT, SILENT),
    "a page in place of alerts": ({ALERTS: HTML_PAGE}, NO_ALERT, SILENT),
    "an error in place of alerts": (said(ALERTS, {"code": 500, "message": "broken"}), NO_ALERT, SILENT),
    "nothing in place of alerts": (said(ALERTS, None), NO_ALERT, SILENT),
    "Prometheus does not run": ({SCRAPED: DOWN}, NOTHING, UNSCRAPED),
    "Prometheus hangs": ({SCRAPED: "hangs"}, NOTHING, UNSCRAPED),
    "Prometheus starts": ({SCRAPED: {"status": 503, "body": "Service Unavailable"}}, NOTHING, UNSCRAPED),
    "a page in place of samples": ({SCRAPED: HTML_PAGE}, NOTHING, UNSCRAPED),
    "an error in place of samples": (said(SCRAPED, {"status": "error", "error": "x"}), NOTHING, UNSCRAPED),
    "no target is scraped": ({SCRAPED: scraped(None)}, NOTHING, "Prometheus scrapes no target"),
    "a scrape of four minutes ago": ({SCRAPED: scraped(4 * MINUTE)}, NOTHING, "last scraped a target 4 min ago"),
    "neither of the two runs": ({ALERTS: "refused", SCRAPED: "hangs"}, NOTHING, SILENT),
    "the server is gone": (dict.fromkeys(WELL, "refused"), GONE, "the server, or your way to it, is gone"),
}  # fmt: skip


@pytest.mark.parametrize(("answers", "head", "why"), BLIND.values(), ids=BLIND)
def test_it_is_red_when_nothing_is_measured_and_says_what_to_do(answers: dict[str, Any], head: str, why: str) -> None:
    page = home(answers)
    assert page.level() == "bad"
    assert page.text("state").startswith(head)
    assert why in page.text("state")
    assert "<code>make status</code>" in page.part("state")
    assert page.title == "! acme monitoring"
    assert not badges(page) & {"nothing fires"}, "what is not measured is not well"


@pytest.mark.parametrize(
    ("slow", "age", "level"),
    [(30, 149, "good"), (30, 151, "bad"), (60, 149, "good"), (300, 600, "good"), (300, 640, "bad")],
)
def test_how_old_watchdog_may_be_follows_from_how_often_its_rule_is_evaluated(slow: int, age: int, level: str) -> None:
    site = dashboard_site()
    timing = replace(site.stack.timing, slow_interval=slow)
    page = render_home(replace(site, stack=replace(site.stack, timing=timing)))[0].content
    shown = run_page(page, files()["home.js"], {**WELL, **said(ALERTS, [watchdog(updatedAt=at(-age))])})
    assert shown.level() == level


def test_what_fires_is_shown_even_when_prometheus_is_gone() -> None:
    page = home({SCRAPED: "refused", ALERTS: {"body": [watchdog(), alert("ServiceDown", "critical")]}})
    assert page.text("state").startswith(NOTHING)
    assert "1 alert fires" in page.text("state") and "ServiceDown of api" in page.text("state")


UNKNOWN: Final = "Not known whether messages can be delivered"
UNDELIVERABLE: Final[dict[str, tuple[dict[str, Any], str, str, tuple[str, ...]]]] = {
    "one of two channels lacks its secret": (
        delivery(channel("ops"), channel("phone", False)), "warn",
        "1 channel cannot deliver phone (Slack) lacks secrets/slack_phone.", ("make secrets", "make apply"),
    ),
    "both lack it": (
        delivery(channel("ops", False), channel("phone", False)), "warn",
        "No one is notified ops (Slack) lacks secrets/slack_ops, phone (Slack) lacks secrets/slack_phone.",
        ("make secrets", "make apply"),
    ),
    "there is no channel": (delivery(), "warn", "No one is notified No alert has a channel to go to", ("make apply",)),
    "the dead man's switch lacks its address": (
        delivery(channel("ops"), ping=False), "warn", "The dead man's switch is not pinged", ("make secrets",),
    ),
    "it is not known": (DOWN, "unknown", UNKNOWN, ("make up",)),
    "a page in its place": (HTML_PAGE, "unknown", UNKNOWN, ("make up",)),
    "a secret of which nothing is said": (
        delivery({"name": "ops", "kind": "Slack", "secret": "slack_ops"}),
        "warn", "No one is notified", ("make secrets",),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "level", "head", "todo"), UNDELIVERABLE.values(), ids=UNDELIVERABLE)
def test_it_is_not_green_when_a_channel_cannot_deliver_and_says_how_to_fix_it(
    answer: dict[str, Any], level: str, head: str, todo: tuple[str, ...]
) -> None:
    page = home({DELIVERY: answer})
    assert page.level() == level
    assert page.text("state").startswith(head)
    for command in todo:
        assert f"<code>{command}</code>" in page.part("state")


FIRING: Final[dict[str, tuple[list[dict[str, Any]], str, str]]] = {
    "a critical one": ([alert("ServiceDown", "critical"), alert("Slow")], "bad", "2 alerts fire"),
    "a warning": ([alert("Slow")], "warn", "1 alert fires"),
    "one of a severity that is not ours": ([alert("Odd", "page")], "warn", "1 alert fires"),
    "one without a severity": ([{**alert("Odd"), "labels": {"alertname": "Odd"}}], "warn", "1 alert fires"),
    "one for the record": ([alert("Deploy", "info")], "good", "All is well"),
    "a critical one that is silenced": ([alert("Down", "critical", status=muted("silencedBy"))], "good", "All is well"),
    "a failing channel": ([alert("NotificationsFailing", "critical", "lookout")], "bad", "1 alert fires"),
}


@pytest.mark.parametrize(("fires", "level", "head"), FIRING.values(), ids=FIRING)
def test_what_fires_paints_the_page_by_the_gravest(fires: list[dict[str, Any]], level: str, head: str) -> None:
    page = home({ALERTS: {"body": [watchdog(), *fires]}})
    assert page.level() == level
    assert page.text("state").startswith(head)
    for each in fires:
        shown = f"{each['annotations']['summary']}" in page.text("state")
        assert shown is (each["status"]["state"] == "active")


def test_each_service_shows_what_of_it_fires() -> None:
    fires = [alert("ServiceDown", "critical"), alert("Slow"), alert("Full", "warning", "vps1")]
    page = home({ALERTS: {"body": [watchdog(), *fires]}})
    assert badges(page) == {"1 critical, 1 more", "1 warning", "nothing fires"}


def test_what_is_silenced_or_kept_back_is_counted_and_a_silenced_watchdog_is_not_green() -> None:
    kept = [alert("A", status=muted("silencedBy")), alert("B", status=muted("inhibitedBy"))]
    page = home({ALERTS: {"body": [watchdog(), *kept]}})
    assert page.level() == "good"
    assert "1 alert silenced, 1 kept back by an outage" in page.text("state")
    page = home({ALERTS: {"body": [watchdog(status=muted("silencedBy"))]}})
    assert page.level() == "warn"
    assert page.text("state").startswith("Watchdog is silenced")


def test_an_alert_leads_to_its_runbook_and_to_the_form_that_silences_it() -> None:
    down = alert("ServiceDown", "critical")
    down["labels"]["instance"] = "api:8000"
    page = home({ALERTS: {"body": [watchdog(), down]}})
    assert 'href="https://mon.acme.dev/runbooks/api#ServiceDown">ServiceDown</a>' in page.part("state")
    assert (
        'href="/silence.html#alertname=ServiceDown&amp;service=api&amp;instance=api%3A8000">Silence</a>'
        in page.part("state")
    )


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "", None])
def test_only_the_address_of_a_page_becomes_a_link(address: str | None) -> None:
    odd = alert("Odd", annotations={"summary": "<img src=x onerror=alert(1)>", "runbook_url": address})
    page = home({ALERTS: {"body": [watchdog(), odd]}})
    assert 'href="/runbooks/">Odd</a>' in page.part("state")
    assert "<img" not in page.html and "&lt;img src=x onerror=alert(1)&gt;" in page.html


def test_of_a_storm_twenty_are_shown_and_the_rest_on_request() -> None:
    storm = {ALERTS: {"body": [watchdog(), *(alert(f"A{n}") for n in range(45))]}}
    assert home(storm).part("state").count("<li>") == 20
    whole = home(storm, act='await click(by("state").querySelector("button"));')
    assert whole.part("state").count("<li>") == 45


def test_the_link_of_a_message_lists_its_service_alone_and_says_so() -> None:
    fires = {ALERTS: {"body": [watchdog(), alert("Slow"), alert("Full", service="vps1")]}}
    page = home(fires, hash_="#service=vps1")
    assert "Full of vps1" in page.text("state") and "Slow of api" not in page.text("state")
    assert "Of vps1 alone: 1 of 2." in page.text("state")
    assert page.text("state").startswith("2 alerts fire")


def test_the_servers_clock_counts_and_not_the_browsers() -> None:
    page = home(
        now=NOW + timedelta(hours=3),
        answers={ALERTS: {**WELL[ALERTS], "date": stamp()}, SCRAPED: {**scraped(), "date": stamp()}},
    )
    assert page.level() == "good"


def stamp() -> str:
    return NOW.strftime("%a, %d %b %Y %H:%M:%S GMT")


def test_green_does_not_outlive_what_it_was_known_by() -> None:
    """A laptop that slept, or a tab whose timers did: grey at once, and asked again."""
    page = home(act=f'clock.now += 10 * 60000; answers["{ALERTS}"] = "hangs"; await wake();')
    assert page.level() == "bad"
    slept = home(act="fetch = () => new Promise(() => {}); clock.now += 10 * 60000; await wake();")
    assert slept.level() == "unknown"
    assert slept.text("state").startswith("Not known any more")
    assert badges(slept) == {"not known"}


def test_it_turns_red_at_the_next_question_when_the_server_goes() -> None:
    gone = "".join(f'answers["{path}"] = "refused"; ' for path in WELL)
    page = home(act=gone + "await tick(30000);")
    assert page.level() == "bad"
    assert page.text("state").startswith(GONE)
    back = home(dict.fromkeys(WELL, "refused"), act=f"Object.assign(answers, {json.dumps(WELL)}); await tick(30000);")
    assert back.level() == "good"


@pytest.mark.parametrize("there", [True, False])
def test_without_grafana_what_needs_it_is_faint(there: bool) -> None:
    page = home({"/grafana/api/health": {"body": {}} if there else {"status": 502, "body": "x"}})
    assert ("no-grafana" in page.html.split("<body", 1)[1].split(">", 1)[0]) is not there
