"""What keeps what quiet: pairs of alerts, judged by the rendered rules read as Alertmanager reads them."""

import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

from generator.conventions import Fault, Severity
from generator.render.alertmanager.config import render_alertmanager
from generator.render.alertmanager.inhibition import inhibit_rules
from generator.site.model import Alert, PackInstance, Person, Site
from tests.unit.sites import ANA, make_alert, make_job, make_service, make_site

_MATCHER = re.compile(r'(?P<label>\w+)(?P<how>=~|=)"(?P<value>[^"]*)"')
TOLD: dict[Severity, tuple[str, ...]] = {"critical": ("phone", "ops"), "warning": ("ops",), "info": ("ops",)}


def matches(matchers: list[str], labels: dict[str, str]) -> bool:
    """Alertmanager's own reading: all matchers hold, regular expressions are anchored."""
    for text in matchers:
        matcher = _MATCHER.fullmatch(text)
        assert matcher, f"not a matcher of ours: {text}"
        value = labels.get(matcher["label"], "")
        if not (re.fullmatch(matcher["value"], value) if matcher["how"] == "=~" else value == matcher["value"]):
            return False
    return True


def quiets(rules: list[dict[str, Any]], source: Alert, target: Alert) -> bool:
    """Whether `target` makes no message while `source` fires."""
    one, other = ({"alertname": alert.name, **alert.labels} for alert in (source, target))
    return any(
        matches(rule["source_matchers"], one)
        and matches(rule["target_matchers"], other)
        and all(one.get(label) == other.get(label) for label in rule.get("equal", []))
        for rule in rules
    )


def alert(name: str, service: str, severity: Severity, fault: Fault, **overrides: Any) -> Alert:
    return make_alert(name, service, severity=severity, fault=fault, **overrides)


DOWN = alert("ServiceDown", "api", "critical", "outage", pack="target")
PROBE = alert("ProbeFailed", "api", "critical", "outage", pack="probe")
ERRORS = alert("ErrorsCritical", "api", "critical", "symptom", for_seconds=300)
FULL = alert("PoolFull", "api", "critical", "cause", for_seconds=300)
SLOW = alert("Slow", "api", "warning", "symptom", for_seconds=300)
AGED = alert("CertificateExpiring", "api", "warning", "cause", for_seconds=300)
NOTE = alert("SlowerThanLastWeek", "api", "info", "symptom", for_seconds=1800)
CACHE_DOWN = alert("RedisDown", "cache", "critical", "outage")
CACHE_FULL = alert("RedisFull", "cache", "critical", "cause")
HOST_DOWN = alert("HostDown", "vps", "critical", "outage")
RECENT = alert("OutageRecent", "lookout", "info", "cause")
API = (DOWN, PROBE, ERRORS, FULL, SLOW, AGED, NOTE)
EVERY = (*API, CACHE_DOWN, CACHE_FULL, HOST_DOWN)


def site(**overrides: Any) -> Site:
    packs = tuple(PackInstance(each.pack, {}, (each,), (), (), ()) for each in API)
    return make_site(
        make_service("api", packs=packs, uses=("cache",), host="vps"),
        make_service("cache", (CACHE_DOWN, CACHE_FULL), host="vps"),
        make_service("vps", (HOST_DOWN,), targets=("10.0.0.7:9100",)),
        **{"notify": TOLD, **overrides},
    )


@pytest.mark.parametrize(
    ("source", "quieted"),
    [
        pytest.param(DOWN, (PROBE, SLOW, AGED, NOTE), id="a service that is down keeps its lesser alerts quiet"),
        pytest.param(PROBE, (SLOW, AGED, NOTE), id="a failed probe does not keep the page about the target quiet"),
        pytest.param(CACHE_DOWN, (ERRORS, SLOW, AGED, NOTE), id="what is used explains symptoms, never an outage"),
        pytest.param(HOST_DOWN, (*API, CACHE_DOWN, CACHE_FULL), id="a host that is down explains all that runs on it"),
        pytest.param(ERRORS, (), id="a symptom explains nothing"),
        pytest.param(CACHE_FULL, (), id="a cause explains nothing"),
    ],
)
def test_while_it_fires(source: Alert, quieted: tuple[Alert, ...]) -> None:
    rules = inhibit_rules(site())
    assert {each.name for each in EVERY if quiets(rules, source, each)} == {each.name for each in quieted}


def test_an_outage_says_nothing_about_another_service() -> None:
    rules = inhibit_rules(make_site(make_service("api", (DOWN, SLOW)), make_service("web", _of("web", DOWN, SLOW))))
    assert quiets(rules, DOWN, SLOW)
    assert not quiets(rules, DOWN, _of("web", SLOW)[0])


def test_services_with_the_same_alerts_share_a_rule() -> None:
    rules = inhibit_rules(make_site(make_service("api", (DOWN, SLOW)), make_service("web", _of("web", DOWN, SLOW))))
    assert len(rules) == 1
    assert rules[0]["target_matchers"] == ['alertname="Slow"', 'service=~"api|web"', 'severity="warning"']
    assert rules[0]["equal"] == ["service"]


@pytest.mark.parametrize("service", ["api", "cache", "vps"])
def test_after_an_outage_its_symptoms_below_critical_keep_still(service: str) -> None:
    own_stack = make_service("lookout", (RECENT,))
    of = site()
    rules = inhibit_rules(replace(of, services=(*of.services, own_stack)))
    told = replace(RECENT, labels={**RECENT.labels, "service": service})
    assert {each.name for each in EVERY if quiets(rules, told, each)} == {"Slow", "SlowerThanLastWeek"}
    assert not any("OutageRecent" in str(rule) for rule in inhibit_rules(of)), "without the alert there is no rule"


def test_a_warning_that_reaches_somebody_else_is_told_in_spite_of_the_outage() -> None:
    rules = inhibit_rules(site(notify={"critical": ("phone",), "warning": ("ops",), "info": ()}))
    assert not quiets(rules, DOWN, SLOW)
    assert quiets(rules, DOWN, NOTE), "an info that reaches nobody is missed by nobody"


def test_the_outage_of_another_owner_does_not_keep_an_owners_symptom_quiet() -> None:
    boris = replace(ANA, name="boris", chat=7654321)
    people = {"ana": Person("ana", ANA), "boris": Person("boris", boris)}
    told: dict[Severity, tuple[str, ...]] = {"critical": ("owner",), "warning": ("owner",)}
    cache = make_service("cache", (replace(CACHE_DOWN, owner="boris"),), owner="boris")
    other = make_site(make_service("api", (SLOW,), uses=("cache",)), cache, notify=told, people=people)
    assert not quiets(inhibit_rules(other), CACHE_DOWN, SLOW)
    same = make_site(*other.services, notify={"critical": ("owner", "ops"), "warning": ("ops",)}, people=people)
    assert quiets(inhibit_rules(same), replace(CACHE_DOWN, owner="boris"), SLOW)


def test_an_outage_that_is_told_later_than_its_consequence_keeps_nothing_quiet() -> None:
    hasty = replace(SLOW, for_seconds=0)
    late = make_service("cache", (CACHE_DOWN,), jobs=(make_job("cache", interval=60),))
    rules = inhibit_rules(make_site(make_service("api", (hasty, NOTE), uses=("cache",)), late, notify=TOLD))
    assert not quiets(rules, CACHE_DOWN, hasty)
    assert quiets(rules, CACHE_DOWN, NOTE)


def test_a_warning_never_keeps_a_page_quiet() -> None:
    mild = replace(CACHE_DOWN, severity="warning", labels={**CACHE_DOWN.labels, "severity": "warning"})
    api = make_service("api", (ERRORS, SLOW), uses=("cache",))
    rules = inhibit_rules(make_site(api, make_service("cache", (mild,))))
    assert not quiets(rules, mild, ERRORS)
    assert quiets(rules, mild, SLOW)


def test_the_exporter_of_the_machine_that_lookout_runs_on_keeps_nothing_quiet() -> None:
    here = make_service("vps", (HOST_DOWN,), targets=("node-exporter:9100",))
    rules = inhibit_rules(make_site(make_service("api", (DOWN,), host="vps"), here, notify=TOLD))
    assert rules == []


def test_one_part_of_the_stack_being_down_keeps_the_others_loud() -> None:
    loki = alert("LokiDown", "lookout", "critical", "outage")
    full = alert("DiskFilling", "lookout", "warning", "cause", for_seconds=300)
    assert inhibit_rules(make_site(make_service("lookout", (loki, full)))) == []


def test_a_verdict_of_uptime_kuma_is_kept_quiet_by_the_outage_of_the_service_that_it_names() -> None:
    verdict = alert("MonitorDown", "lookout", "warning", "symptom", for_seconds=60)
    verdict = replace(verdict, labels={**verdict.labels, "service": "{{ $labels.service }}"})
    about = {name: replace(verdict, labels={**verdict.labels, "service": name}) for name in ("api", "cache", "lookout")}
    rules = inhibit_rules(
        make_site(make_service("api", (DOWN,)), make_service("cache", ()), make_service("lookout", (verdict,)))
    )
    assert quiets(rules, DOWN, about["api"])
    assert not quiets(rules, DOWN, about["cache"])
    assert not quiets(rules, DOWN, about["lookout"])


def test_the_watchdog_is_neither_quiet_nor_quieting() -> None:
    watchdog = alert("Watchdog", "api", "info", "outage", for_seconds=0)
    rules = inhibit_rules(make_site(make_service("api", (DOWN, watchdog, NOTE)), notify=TOLD))
    assert "Watchdog" not in str(rules)
    assert quiets(rules, DOWN, NOTE)


def test_no_alert_is_on_both_sides_of_a_rule() -> None:
    for rule in inhibit_rules(site()):
        both = [
            each.name
            for each in EVERY
            if matches(rule["source_matchers"], {"alertname": each.name, **each.labels})
            and matches(rule["target_matchers"], {"alertname": each.name, **each.labels})
        ]
        assert not both, rule["name"]


def test_every_rule_has_a_name_of_its_own_and_equal_is_a_label_of_every_alert() -> None:
    rules = inhibit_rules(site())
    names = [rule["name"] for rule in rules]
    assert len(names) == len(set(names)) > 2
    assert {label for rule in rules for label in rule.get("equal", [])} <= {"service"}


def test_the_rules_are_in_the_configuration_and_left_out_when_there_are_none() -> None:
    def config(of: Site) -> dict[str, Any]:
        loaded: dict[str, Any] = yaml.safe_load(render_alertmanager(of)[0].content)
        return loaded

    assert config(site())["inhibit_rules"] == inhibit_rules(site())
    assert "inhibit_rules" not in config(make_site(make_service()))


def test_a_thousand_services_that_are_alike_need_no_more_rules_than_two() -> None:
    def many(count: int) -> Site:
        names = [f"s{number:04}" for number in range(count)]
        return make_site(*(make_service(name, _of(name, DOWN, PROBE, SLOW, NOTE)) for name in names), notify=TOLD)

    assert len(inhibit_rules(many(1000))) == len(inhibit_rules(many(2)))


def _of(service: str, *alerts: Alert) -> tuple[Alert, ...]:
    """The same alerts of another service."""
    return tuple(replace(each, service=service, labels={**each.labels, "service": service}) for each in alerts)
