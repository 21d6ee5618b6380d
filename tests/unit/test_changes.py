"""What a plan says of alerts, routes, services and dashboards, out of two trees of rendered files."""

import itertools
import random
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import pytest
import yaml

from generator.changes.alerts import PeopleChange
from generator.changes.people import lines, people_changes
from generator.changes.picture import Picture
from generator.changes.values import changed_numbers, changed_values
from generator.channels.slack import SlackChannel
from generator.pipeline import resolve_text
from generator.prove.simulate import labels_of, simulate
from generator.render.alertmanager.inhibition import WATCHDOG
from generator.render.registry import render_all
from generator.site.model import Alert, Site
from generator.site.routing import recipients
from tests.support.soak import size

SHOP: Final = """\
people: {ana: {telegram: 1}, boris: {telegram: 2}}
channels: {ops: {slack: {channel: "#ops"}}, phone: {telegram: -3}}
notify: {critical: [owner, phone], warning: [ops], info: [ops]}
services:
  api: {kind: http, targets: [api:8000], url: "https://acme.dev", owner: ana, uses: [cache], host: far,
        params: {latency_p95: 300ms}}
  web: {kind: http, targets: [web:8000, web:8001], owner: boris, uses: [api, cache], slo: {latency: {p95: 500ms}}}
  cache: {kind: redis, address: "cache:6379", owner: ana, host: far}
  mail:
    kind: probe
    targets: ["tcp://mail.acme.dev:25"]
    owner: boris
    alerts:
      MailOld: {expr: max(mail_age_seconds) > 600, severity: warning, fault: symptom, summary: mail waits}
hosts:
  far: {owner: ana, address: "10.0.0.7:9100"}
"""
Files = Mapping[str, str]


@cache
def site_of(text: str) -> Site:
    return resolve_text(text, "services.yaml")[0]


@cache
def tree_of(text: str) -> Files:
    return {artifact.path: artifact.content for artifact in render_all(site_of(text))}


def planned(before: str, after: str) -> tuple[PeopleChange, ...]:
    return people_changes(tree_of(before), tree_of(after))


def edited(old: str, new: str) -> list[str]:
    assert old in SHOP
    return lines(planned(SHOP, SHOP.replace(old, new, 1)))


def test_the_same_tree_changes_nothing_for_people() -> None:
    assert planned(SHOP, SHOP) == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("300ms", "400ms",
                         "2 alerts: 300ms → 400ms (warning, to Slack #ops) HttpLatencyHigh, MetricsMissing of api",
                     id="a threshold"),
        pytest.param("> 600", "> 900", "MailOld of mail: 600 → 900 (warning, to Slack #ops)",
                     id="the limit of a custom alert"),
        pytest.param("severity: warning", "severity: critical",
                     "MailOld of mail: warning → critical; notifies Telegram -3, Telegram 2 instead of Slack #ops",
                     id="a severity"),
        pytest.param("[web:8000, web:8001]", "[web:9000]", "web is asked at web:9000 instead of web:8000, web:8001",
                     id="a target"),
        pytest.param("p95: 500ms", "p95: 200ms", "what it measures changes (0.5 → 0.2)", id="an objective"),
        pytest.param("info: [ops]", "info: []", "no longer notifies Slack #ops; muted while", id="a route"),
        pytest.param("telegram: -3", "telegram: -4", "notifies Telegram -4 instead of Telegram -3", id="a chat"),
        pytest.param('"#ops"', '"#ops", webhook: secret:other',
                     "notifies Slack #ops (secret other) instead of Slack #ops (secret slack_webhook)",
                     id="another secret for a channel of the same name"),
        pytest.param("owner: boris\n    alerts", "owner: ana\n    alerts", "owner boris → ana", id="an owner"),
        pytest.param("https://acme.dev", "https://acme.io", "Uptime Kuma: monitor", id="an address"),
        pytest.param("  cache: {", "  other: {kind: redis, address: 'other:6379'}\n  cache: {",
                     "service other is new, asked at redis-exporter-other.scrape:9121 every 10s", id="a new service"),
        pytest.param("  cache: {", "  other: {kind: redis, address: 'other:6379'}\n  cache: {",
                     "dashboard other is new", id="its dashboard"),
        pytest.param("owner: ana, uses", "owner: ana, detect_within: 3m, uses",
                     "an outage is notified within 55s → 1m55s", id="a detection time"),
        pytest.param("services:\n", "stack: {retention: {metrics: 120d, logs: 7d}}\nservices:\n",
                     "lines are kept for 30d → 7d", id="a retention"),
        pytest.param("services:\n", "stack: {name: acme}\nservices:\n", "settings of Alertmanager", id="the rest"),
    ],
)  # fmt: skip
def test_an_edit_is_said_in_the_words_of_people(old: str, new: str, said: str) -> None:
    assert said in " ".join(line.strip() for line in edited(old, new))


def test_a_dependency_less_mutes_no_longer_what_the_outage_reached_everyone_of() -> None:
    received = SHOP.replace("critical: [owner, phone]", "critical: [owner, phone, ops]")
    said = lines(planned(received, received.replace("uses: [cache], ", "", 1)))
    assert any("no longer muted while RedisDown of cache fires" in line for line in said)


def test_of_two_limits_of_one_thing_the_more_severe_mutes_and_no_other_one_does() -> None:
    llm = SHOP.replace("critical: [owner, phone]", "critical: [owner, phone, ops]").replace(
        "api: {kind: http,", "api: {kind: [http, llm, payments],"
    )
    paths = ("prometheus/rules/api/llm.yml", "prometheus/rules/api/payments.yml")
    muting = Picture(tree_of(llm), paths).muting
    found = {key[1]: {source.name for source in sources} for key, sources in muting.items() if sources}
    of_models = ("LlmFailuresHigh", "LlmRateLimited", "LlmTimeouts", "LlmLatencyHigh")
    assert found == {
        **{name: {"LlmFailuresCritical"} for name in of_models},
        "PaymentFailuresHigh": {"PaymentFailureRatioHigh"},
    }


def test_one_threshold_is_a_few_lines() -> None:
    assert edited("300ms", "400ms")[0] == "2 alerts: 300ms → 400ms (warning, to Slack #ops)"
    assert len(edited("300ms", "400ms")) <= 4


def test_an_alert_with_another_name_and_the_same_expression_is_renamed() -> None:
    (line,) = [line for line in edited("MailOld:", "MailWaits:") if "MailOld" in line]
    assert line.startswith("MailOld of mail: called MailWaits now")


def test_names_stand_once_for_all_services_that_share_them() -> None:
    alerts = tuple((service, name) for service in ("a", "b") for name in ("X", "Y"))
    assert lines([PeopleChange("new", alerts, "warning", ("Slack #ops",))]) == [
        "4 alerts: new (warning, to Slack #ops)",
        "  X, Y of a, b",
    ]


def test_trees_that_cannot_be_read_hold_no_alerts() -> None:
    broken = {
        "prometheus/rules/api/http.yml": "groups: [",
        "prometheus/rules/old.yml": "groups: {}",
        "prometheus/prometheus.yml": "[",
        "alertmanager/alertmanager.yml": "route: {routes: [{matchers: [no matcher]}]}",
        "alertmanager/bridge.json": "{",
        "grafana/dashboards/Services/x.json": "{",
        "uptime-kuma/monitors.json": "[]",
    }
    assert not any(change.alerts for change in people_changes(broken, {}))
    assert {change.text for change in people_changes(broken, tree_of(SHOP)) if change.alerts} == {"new"}


def test_the_tree_of_an_older_version_is_read() -> None:
    """Rules lay in one file a service, without an interval."""
    rule = {"alert": "ApiDown", "expr": "up == 0", "labels": {"severity": "critical", "service": "api"}}
    before = {"prometheus/rules/api.yml": yaml.safe_dump({"groups": [{"name": "api", "rules": [rule]}]})}
    after = {
        "prometheus/rules/api/http.yml": yaml.safe_dump({"groups": [{"name": "x", "rules": [{**rule, "for": "10s"}]}]})
    }
    assert lines(people_changes(before, after))[0].startswith("ApiDown of api: confirmed for 0s → 10s")


@pytest.mark.parametrize(
    ("before", "after", "pairs"),
    [
        ("over 300ms (limit 2)", "over 400ms (limit 3)", (("300ms", "400ms"), ("2", "3"))),
        ("over 300ms", "over 400ms now", ()),
        ("of many", "of few", ()),
        ("{{ $value }} over 5%.", "{{ $value }} over 6%.", (("5%", "6%"),)),
        ("the same", "the same", ()),
    ],
)
def test_values_that_differ_between_two_sentences(before: str, after: str, pairs: tuple[tuple[str, str], ...]) -> None:
    assert changed_values(before, after) == pairs


def test_numbers_that_differ_between_two_expressions() -> None:
    assert changed_numbers('a{le="0.3"} > 5', 'a{le="0.2"} > 5') == (("0.3", "0.2"),)
    assert changed_numbers("a > 5", "sum(a) > 5") == ()


# --- edits by chance -------------------------------------------------------------------------------------------


def named(site: Site, alert: Alert) -> set[str]:
    """The receivers of an alert, as people call them, out of the Site and not out of what is rendered."""
    return {
        each.shown if isinstance(each, SlackChannel) else f"{each.shown} {each.place[2]}"
        for each in recipients(site, alert.severity, alert.owner)
    }


@cache
def textfiles(text: str) -> dict[tuple[str, str], tuple[Any, ...]]:
    """What of each alert people notice. Watchdog has a route of its own, whatever `notify:` says."""
    site = site_of(text)
    pairs = _muted_pairs(site)
    return {
        (a.service, a.name): (
            a.expr, a.for_seconds, a.keep_firing_seconds, a.severity, a.owner, a.annotations["summary"],
            frozenset(named(site, a)), frozenset(source for source, target in pairs if target == (a.service, a.name)),
        )
        for a in site.alerts
        if a.name != WATCHDOG
    }  # fmt: skip


def _muted_pairs(site: Site) -> frozenset[tuple[tuple[str, str], tuple[str, str]]]:
    """(source, target) of alerts whose service is known before they fire."""
    alerts = [alert for alert in site.alerts if alert.labels["service"] == alert.service]
    verdicts = simulate(site, [labels_of(alert) for alert in alerts])
    return frozenset(
        ((by["service"], by["alertname"]), (alert.service, alert.name))
        for alert, verdict in zip(alerts, verdicts, strict=True)
        for by in verdict.muted_by
    )


def _threshold(data: dict[str, Any], rng: random.Random) -> None:
    name, value = rng.choice(
        [
            ("latency_p95", "123ms"),
            ("error_ratio_warning", "3%"),
            ("error_ratio_critical", "8%"),
            ("latency_p50", "77ms"),
        ]
    )
    data["services"][rng.choice(["api", "web"])].setdefault("params", {})[name] = value


def _redis_threshold(data: dict[str, Any], rng: random.Random) -> None:
    data["services"]["cache"]["params"] = {"redis_memory_used": f"{rng.randrange(50, 70)}%"}


def _owner(data: dict[str, Any], rng: random.Random) -> None:
    service = data["services"][rng.choice(sorted(data["services"]))]
    service["owner"] = "ana" if service.get("owner") == "boris" else "boris"


def _route(data: dict[str, Any], rng: random.Random) -> None:
    data["notify"][rng.choice(["critical", "warning", "info"])] = rng.sample(["owner", "ops", "phone"], 2)


def _channel(data: dict[str, Any], rng: random.Random) -> None:
    data["channels"]["ops"] = {"slack": {"channel": f"#room{rng.randrange(100)}"}}


def _person(data: dict[str, Any], rng: random.Random) -> None:
    data["people"][rng.choice(["ana", "boris"])] = {"telegram": rng.randrange(100, 200)}


def _new_service(data: dict[str, Any], rng: random.Random) -> None:
    data["services"][f"db{rng.randrange(9)}"] = {"kind": "redis", "address": "db:6379", "owner": "boris"}


def _no_service(data: dict[str, Any], rng: random.Random) -> None:
    data["services"].pop("mail", None)


def _off(data: dict[str, Any], rng: random.Random) -> None:
    data["services"]["web"]["off"] = [rng.choice(["HttpErrorSurge", "HttpLatencyHigh", "HttpErrorRatioHigh"])]


def _uses(data: dict[str, Any], rng: random.Random) -> None:
    data["services"]["web"]["uses"] = rng.sample(["api", "cache"], rng.randrange(2))


def _custom(data: dict[str, Any], rng: random.Random) -> None:
    data["services"]["api"]["alerts"] = {
        f"Own{rng.randrange(9)}": {"expr": f"max(own_age) > {rng.randrange(1, 99)}", "summary": "too old",
                                   "severity": rng.choice(["critical", "warning", "info"])}
    }  # fmt: skip


def _detection(data: dict[str, Any], rng: random.Random) -> None:
    data["services"]["api"]["detect_within"] = rng.choice(["90s", "3m", "5m"])


EDITS: Final[tuple[Callable[[dict[str, Any], random.Random], None], ...]] = (
    _threshold, _redis_threshold, _owner, _route, _channel, _person, _new_service, _no_service, _off, _uses, _custom,
    _detection,
)  # fmt: skip


def by_chance(seed: int) -> str:
    rng = random.Random(seed)
    data = yaml.safe_load(SHOP)
    first = EDITS[seed % len(EDITS)]
    for edit in (first, *rng.sample(EDITS, rng.randrange(2))):
        edit(data, rng)
    return yaml.safe_dump(data, sort_keys=False)


@pytest.mark.parametrize("seed", range(size(30, 300)))
def test_every_alert_and_receiver_that_an_edit_affects_is_named(seed: int) -> None:
    after = by_chance(seed)
    changes = planned(SHOP, after)
    old, new = textfiles(SHOP), textfiles(after)
    affected = {key for key in {*old, *new} if old.get(key) != new.get(key)}
    said = set(itertools.chain.from_iterable(change.alerts for change in changes))
    assert affected <= said
    text = "\n".join(lines(changes))
    for service, name in affected:
        (about,) = [change for change in changes if (service, name) in change.alerts]
        for known in (old, new):
            assert all(each in about.text or each in about.receivers for each in known.get((service, name), _NONE)[6])
        assert name in text
    assert all(each in text for change in changes for each in change.receivers)


_NONE: Final[tuple[Any, ...]] = (*[None] * 6, frozenset(), frozenset())
