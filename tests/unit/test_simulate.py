"""The notifications while alerts fire together, and what always holds: no notification is lost."""

import random
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest
import yaml

from generator.conventions import OUTAGE_RECENT, SEVERITIES, STACK_SERVICE
from generator.pipeline import resolve_text
from generator.prove.alertmanager import Labels
from generator.prove.simulate import Simulator, Verdict, labels_of, simulate
from generator.render.alertmanager.inhibition import inhibit_rules
from generator.site.model import Alert, Site
from generator.site.routing import reaches

DEMO: Final = (Path(__file__).resolve().parents[2] / "services.yaml").read_text()
SHOP: Final = """\
people: {ana: {telegram: 1}, boris: {telegram: 2}}
channels: {ops: {slack: {channel: "#ops"}}, phone: {telegram: -3}}
notify: {critical: [owner, phone, ops], warning: [owner, ops], info: [ops]}
services:
  api: {kind: http, targets: [api:8000], url: "https://acme.dev", owner: ana, uses: [cache, queue], host: far}
  web: {kind: http, targets: [web:8000, web:8001], owner: boris, uses: [api], host: near}
  cache: {kind: redis, address: "cache:6379", owner: ana, host: far}
  queue: {kind: rabbitmq, targets: [queue:15692], owner: boris, host: far}
  mail:
    kind: probe
    targets: ["tcp://mail.acme.dev:25"]
    owner: ana
    alerts:
      MailOld: {expr: max(mail_age_seconds) > 600, severity: warning, fault: symptom, summary: mail waits}
hosts:
  near: {owner: ana}
  far: {owner: ana, address: "10.0.0.7:9100"}
"""
ROUNDS: Final = 300


@cache
def site(text: str) -> Site:
    found, _ = resolve_text(text, "services.yaml")
    return found


def known(of: Site) -> dict[tuple[str, str], Alert]:
    return {(alert.service, alert.name): alert for alert in of.alerts}


def alert_of(of: Site, labels: Labels) -> Alert:
    return known(of)[labels["service"], labels["alertname"]]


def firing(of: Site, *names: tuple[str, str]) -> list[dict[str, str]]:
    return [labels_of(known(of)[name]) for name in names]


def recent(of: Site, service: str) -> dict[str, str]:
    """That a service was out lately, as Prometheus shows it under that service's name."""
    labels = labels_of(known(of)[STACK_SERVICE, OUTAGE_RECENT], service=service)
    return {**labels, "service": service, "incident": f"{service}/{OUTAGE_RECENT}"}


def random_sets(of: Site, seed: int) -> list[list[dict[str, str]]]:
    """Sets of alerts that fire together, small and large, some outages in each."""
    chance = random.Random(seed)
    alerts = [alert for alert in of.alerts if "{{" not in alert.labels["service"]]
    outages = [alert for alert in alerts if alert.fault == "outage"]
    sets = []
    for _ in range(ROUNDS):
        some = chance.sample(outages, chance.randint(1, 4)) + chance.sample(alerts, chance.randint(2, 40))
        sets.append(list({alert.labels["incident"]: labels_of(alert) for alert in some}.values()))
    return sets


def muted(of: Site, *names: tuple[str, str]) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """What is muted, and by what."""
    return {
        (v.labels["service"], v.labels["alertname"]): {(s["service"], s["alertname"]) for s in v.muted_by}
        for v in simulate(of, firing(of, *names))
        if v.muted_by
    }


def test_a_machine_that_is_down_is_one_message_for_all_that_runs_on_it() -> None:
    shop = site(SHOP)
    found = muted(shop, ("far", "HostDown"), ("api", "ServiceDown"), ("cache", "RedisDown"), ("api", "ProbeFailed"))
    assert found == {
        ("api", "ServiceDown"): {("far", "HostDown")},
        ("api", "ProbeFailed"): {("far", "HostDown"), ("api", "ServiceDown")},
        ("cache", "RedisDown"): {("far", "HostDown")},
    }


def test_what_a_service_uses_explains_its_symptoms_and_not_its_outage() -> None:
    found = muted(site(SHOP), ("cache", "RedisDown"), ("api", "ServiceDown"), ("api", "HttpErrorRatioHigh"))
    assert found == {("api", "HttpErrorRatioHigh"): {("cache", "RedisDown"), ("api", "ServiceDown")}}


def test_an_outage_that_only_another_owner_receives_of_mutes_nothing() -> None:
    found = muted(site(SHOP), ("api", "ServiceDown"), ("web", "HttpErrorRatioHigh"))
    assert found == {}, "ana is reported of api; boris would miss that web fails"


def test_a_custom_alert_is_inhibited_like_any_other() -> None:
    found = muted(site(SHOP), ("mail", "ProbeFailed"), ("mail", "MailOld"))
    assert found == {("mail", "MailOld"): {("mail", "ProbeFailed")}}


def test_of_a_thing_whose_more_severe_limit_is_passed_that_is_reported_alone() -> None:
    demo = site(DEMO)

    def failures(name: str, provider: str) -> dict[str, str]:
        return labels_of(known(demo)["api", name], provider=provider)

    grave, same, other = (
        failures("LlmFailuresCritical", "openai"),
        failures("LlmFailuresHigh", "openai"),
        failures("LlmFailuresHigh", "anthropic"),
    )
    assert [v.muted_by for v in simulate(demo, [grave, same, other])] == [(), (grave,), ()]


def test_after_an_outage_its_symptoms_are_quiet_and_what_is_critical_or_explains_it_is_reported() -> None:
    demo = site(DEMO)
    symptoms = [("api", "HttpLatencyHigh"), ("worker", "CeleryBacklogHigh"), ("api", "HttpNotReady")]
    reported = [("api", "HttpErrorRatioCritical"), ("api", "DatabasePoolHigh"), ("api", "BudgetBurnPageFast")]
    found = simulate(demo, [recent(demo, "db"), *firing(demo, *symptoms, *reported)])
    assert [v.muted_by for v in found] == [(), *[(recent(demo, "db"),)] * 3, (), (), ()]
    unrelated = simulate(demo, [recent(demo, "vps"), *firing(demo, *symptoms)])
    assert [v.muted_by for v in unrelated] == [()] * 4


@pytest.mark.parametrize("text", [DEMO, SHOP], ids=["the demo", "a shop"])
def test_what_is_quiet_after_an_outage_was_quiet_while_it_lasted(text: str) -> None:
    of = site(text)
    simulator = Simulator(of)
    seen = 0
    for service in of.services:
        outages = [labels_of(alert) for alert in service.alerts if alert.fault == "outage"]
        alerts = [alert for alert in of.alerts if "{{" not in alert.labels["service"] and alert.fault != "outage"]
        lasting = simulator.simulate([*outages, *map(labels_of, alerts)])[len(outages) :]
        after = simulator.simulate([recent(of, service.name), *map(labels_of, alerts)])[1:]
        for alert, before, now in zip(alerts, lasting, after, strict=True):
            if recent(of, service.name) in now.muted_by:
                seen += 1
                assert alert.fault == "symptom" and alert.severity != "critical", alert.name
                assert any(source in outages for source in before.muted_by), alert.name
    assert seen > 20


def test_who_is_reported() -> None:
    (down,) = simulate(site(SHOP), firing(site(SHOP), ("api", "ServiceDown")))
    (slow, note) = simulate(
        site(SHOP), firing(site(SHOP), ("web", "HttpLatencyHigh"), ("web", "HttpLatencyWorseThanLastWeek"))
    )
    assert (down.receiver, down.notified) == ("critical-ana", True)
    assert (slow.receiver, slow.notified) == ("warning-boris", True)
    assert (note.receiver, note.notified) == ("info", True)


def test_one_alert_alone_is_never_muted() -> None:
    for text in (DEMO, SHOP):
        simulator = Simulator(site(text))
        for alert in site(text).alerts:
            (verdict,) = simulator.simulate([labels_of(alert)])
            assert verdict.muted_by == ()


# --- whatever fires -----------------------------------------------------------------------------------------


@cache
def verdicts(text: str) -> list[Verdict]:
    simulator = Simulator(site(text))
    return [verdict for alerts in random_sets(site(text), 7) for verdict in simulator.simulate(alerts)]


@pytest.mark.parametrize("text", [DEMO, SHOP], ids=["the demo", "a shop"])
def test_an_outage_page_is_muted_by_nothing_but_its_host_or_its_target(text: str) -> None:
    of = site(text)
    services = {service.name: service for service in of.services}
    seen = 0
    for verdict in verdicts(text):
        target = alert_of(of, verdict.labels)
        if target.fault != "outage" or target.severity != "critical":
            continue
        for labels in verdict.muted_by:
            source = alert_of(of, labels)
            seen += 1
            by_host = source.service == services[target.service].host
            by_target = source.service == target.service and source.pack == "target" and target.pack != "target"
            assert by_host or by_target, (source.name, target.name)
    assert seen > 20


@pytest.mark.parametrize("text", [DEMO, SHOP], ids=["the demo", "a shop"])
def test_what_mutes_is_as_severe_reaches_the_same_people_and_is_reported_no_later(text: str) -> None:
    of = site(text)
    paces = {s.name: max((j.interval for j in s.jobs), default=of.stack.timing.scrape_interval) for s in of.services}

    def reported_after(alert: Alert) -> int:
        return paces[alert.service] + alert.for_seconds + alert.evaluation_interval

    seen = 0
    for verdict in verdicts(text):
        target = alert_of(of, verdict.labels)
        for labels in verdict.muted_by:
            source = alert_of(of, labels)
            seen += 1
            about = "about" in source.labels and verdict.labels["about"] == labels["about"]
            assert source.fault == "outage" or source.name == target.inhibited_by or about
            assert SEVERITIES.index(source.severity) <= SEVERITIES.index(target.severity)
            assert reaches(of, source.severity, source.owner) >= reaches(of, target.severity, target.owner)
            assert reported_after(source) <= reported_after(target)
    assert seen > 200


@pytest.mark.parametrize("text", [DEMO, SHOP], ids=["the demo", "a shop"])
def test_someone_is_reported_of_something_whenever_anything_is_muted(text: str) -> None:
    """Chains end: what is muted by what is muted is muted by something that notifies."""
    simulator = Simulator(site(text))
    for alerts in random_sets(site(text), 11):
        found = simulator.simulate(alerts)
        loud = {v.labels["incident"] for v in found if not v.muted_by}
        for verdict in found:
            if verdict.muted_by:
                assert _roots(verdict, found) & loud, verdict.labels


def _roots(verdict: Verdict, found: tuple[Verdict, ...]) -> set[str]:
    by_name = {each.labels["incident"]: each for each in found}
    seen: set[str] = set()
    waiting = [labels["incident"] for labels in verdict.muted_by]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [labels["incident"] for labels in by_name[name].muted_by]
    return seen


@pytest.mark.parametrize("text", [DEMO, SHOP], ids=["the demo", "a shop"])
def test_a_critical_alert_is_muted_by_nothing_but_the_outage_of_its_host_or_target(text: str) -> None:
    """A source that someone silenced goes on muting: RedisDown, off on purpose, must not hide that payments fail."""
    of = site(text)
    hosts = {service.name: service.host for service in of.services}
    alerts = [alert for alert in of.alerts if "{{" not in alert.labels["service"]]
    recents = [recent(of, service.name) for service in of.services]
    verdicts = simulate(of, [*recents, *map(labels_of, alerts)])[len(recents) :]
    critical = [each for each in zip(alerts, verdicts, strict=True) if each[0].severity == "critical"]
    assert len(critical) > 10
    for alert, verdict in critical:
        for source in verdict.muted_by:
            of_target = source["service"] == alert.service and source.get("outage_of") == "target"
            assert of_target or source["service"] == hosts[alert.service], (source, alert.name)


TEAM: Final = """\
stack: {machine: {memory: 64GiB, disk: 4TiB}}
people: {ana: {telegram: 1}, boris: {telegram: 2}}
channels: {ops: {slack: {channel: "#ops"}}}
notify: {critical: [ops, owner], warning: [ops]}
services:
"""


def of_size(count: int) -> Site:
    """Apps that use a database and a cache each, of two owners."""
    lines = []
    for number in range(count // 4):
        owner = "ana" if number % 2 else "boris"
        apps = f"kind: http, owner: {owner}, uses: [db{number}, cache{number}]"
        lines += [f"  {name}{number}: {{{apps}, targets: [{name}{number}:80]}}" for name in ("api", "web")]
        lines += [f"  db{number}: {{kind: postgres, owner: {owner}, address: db{number}:5432, dsn: secret:dsn}}"]
        lines += [f"  cache{number}: {{kind: redis, owner: {owner}, address: cache{number}:6379}}"]
    return site(TEAM + "\n".join(lines) + "\n")


def test_the_rules_name_no_alert_and_grow_by_two_for_each_service_in_use() -> None:
    sizes = {}
    for count in (4, 40):
        rules = inhibit_rules(of_size(count))
        sizes[count] = len(rules), len(yaml.safe_dump(rules))
        names = {alert.name for alert in of_size(count).alerts} - {OUTAGE_RECENT}
        assert not names & set(re.findall(r"\w+", yaml.safe_dump(rules)))
    print(sizes)
    assert sizes[4][0] <= 8
    assert sizes[40][0] - sizes[4][0] == 2 * 2 * 9, "an outage of each database and cache, and the time after it"


def test_two_limits_of_one_thing_say_in_a_label_which_thing_and_a_lone_one_says_nothing() -> None:
    demo = known(site(DEMO))
    critical, high = (demo["api", f"LlmFailures{limit}"].labels for limit in ("Critical", "High"))
    assert critical["inhibition_group"] == high["inhibition_group"] == "LlmFailuresCritical/{{ $labels.provider }}"
    assert "inhibition_group" not in demo["api", "LlmLatencyHigh"].labels
    alone = known(site(DEMO.replace("off: [CostProjectedOverBudget]", "off: [LlmFailuresCritical]")))
    assert "inhibition_group" not in alone["api", "LlmFailuresHigh"].labels


def test_the_stack_itself_is_never_muted() -> None:
    for text in (DEMO, SHOP):
        assert not any(v.muted_by for v in verdicts(text) if v.labels["service"] == STACK_SERVICE)
