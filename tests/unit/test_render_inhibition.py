"""What keeps what quiet: pairs of alerts, judged by the rendered rules read as Alertmanager reads them."""

import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

from generator.conventions import Fault, Severity
from generator.render.alertmanager.config import render_alertmanager
from generator.render.alertmanager.inhibition import inhibit_rules
from generator.resolve.inhibition import with_early_labels
from generator.site.model import Alert, PackInstance, Person, Site
from tests.unit.sites import ANA, make_alert, make_job, make_service, make_site

_MATCHER = re.compile(r'(?P<label>\w+)(?P<how>=~|!~|!=|=)"(?P<value>[^"]*)"')
NOTIFY: dict[Severity, tuple[str, ...]] = {"critical": ("phone", "ops"), "warning": ("ops",), "info": ("ops",)}


def matches(matchers: list[str], labels: dict[str, str]) -> bool:
    """Alertmanager's own reading: all matchers hold, regular expressions are anchored."""
    for text in matchers:
        matcher = _MATCHER.fullmatch(text)
        assert matcher, f"not a matcher of ours: {text}"
        value = labels.get(matcher["label"], "")
        hit = re.fullmatch(matcher["value"], value) if "~" in matcher["how"] else value == matcher["value"]
        if bool(hit) == matcher["how"].startswith("!"):
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


def labelled(of: Alert, **labels: str) -> Alert:
    return replace(of, labels={**of.labels, **labels})


DOWN = labelled(alert("ServiceDown", "api", "critical", "outage", pack="target"), outage_of="target")
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
        **{"notify": NOTIFY, **overrides},
    )


@pytest.mark.parametrize(
    ("source", "quieted"),
    [
        pytest.param(DOWN, (PROBE, SLOW, AGED, NOTE), id="a service that is down keeps its lesser alerts quiet"),
        pytest.param(PROBE, (SLOW, AGED, NOTE), id="a failed probe does not keep the page about the target quiet"),
        pytest.param(CACHE_DOWN, (SLOW, AGED, NOTE), id="what is used explains what is not critical, never a page"),
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


def test_a_rule_speaks_of_labels_and_names_no_service_of_its_own() -> None:
    (rule,) = inhibit_rules(make_site(make_service("api", (DOWN, SLOW)), make_service("web", _of("web", DOWN, SLOW))))
    assert rule == {
        "name": "own-outage",
        "source_matchers": ['fault="outage"', 'service!="lookout"', 'severity="critical"'],
        "target_matchers": ['fault=~"cause|symptom"', 'severity="warning"'],
        "equal": ["service"],
    }


@pytest.mark.parametrize("service", ["api", "cache", "vps"])
def test_after_an_outage_its_symptoms_below_critical_do_not_fire(service: str) -> None:
    own_stack = make_service("lookout", (RECENT,))
    of = site()
    rules = inhibit_rules(replace(of, services=(*of.services, own_stack)))
    reported = replace(RECENT, labels={**RECENT.labels, "service": service})
    assert {each.name for each in EVERY if quiets(rules, reported, each)} == {"Slow", "SlowerThanLastWeek"}
    assert not any("OutageRecent" in str(rule) for rule in inhibit_rules(of)), "without the alert there is no rule"


def test_a_warning_that_reaches_another_user_is_reported_in_spite_of_the_outage() -> None:
    rules = inhibit_rules(site(notify={"critical": ("phone",), "warning": ("ops",), "info": ()}))
    assert not quiets(rules, DOWN, SLOW)
    assert quiets(rules, DOWN, NOTE), "an info that reaches no one is missed by no one"


def test_the_outage_of_another_owner_does_not_keep_an_owners_symptom_quiet() -> None:
    boris = replace(ANA, name="boris", chat=7654321)
    people = {"ana": Person("ana", ANA), "boris": Person("boris", boris)}
    reported: dict[Severity, tuple[str, ...]] = {"critical": ("owner",), "warning": ("owner",)}
    cache = make_service("cache", (replace(CACHE_DOWN, owner="boris"),), owner="boris")
    other = make_site(make_service("api", (SLOW,), uses=("cache",)), cache, notify=reported, people=people)
    assert not quiets(inhibit_rules(other), CACHE_DOWN, SLOW)
    same = make_site(*other.services, notify={"critical": ("owner", "ops"), "warning": ("ops",)}, people=people)
    assert quiets(inhibit_rules(same), replace(CACHE_DOWN, owner="boris"), SLOW)


def test_an_outage_that_is_reported_later_than_its_consequence_inhibits_nothing() -> None:
    hasty = replace(SLOW, for_seconds=30)
    late = make_service("cache", (CACHE_DOWN,), jobs=(make_job("cache", interval=60),))
    of = with_early_labels(make_site(make_service("api", (DOWN, hasty, NOTE), uses=("cache",)), late, notify=NOTIFY))
    rules, by_name = inhibit_rules(of), {each.name: each for each in of.alerts}
    assert by_name["Slow"].labels["early"] == "cache"
    assert "early" not in by_name["SlowerThanLastWeek"].labels
    assert not quiets(rules, CACHE_DOWN, by_name["Slow"])
    assert quiets(rules, CACHE_DOWN, by_name["SlowerThanLastWeek"])
    assert quiets(rules, DOWN, by_name["Slow"]), "its own outage is not late"


def test_an_outage_that_is_slower_than_the_symptoms_of_its_own_service_mutes_the_slower_ones() -> None:
    slow_outage = alert("NoWorkers", "api", "critical", "outage", for_seconds=240)
    hasty, probe = replace(SLOW, for_seconds=60), replace(PROBE, for_seconds=30)
    of = with_early_labels(make_site(make_service("api", (slow_outage, hasty, NOTE, probe, DOWN)), notify=NOTIFY))
    rules, by_name = inhibit_rules(of), {each.name: each for each in of.alerts}
    assert {each.name: each.labels.get("early") for each in of.alerts} == {
        "NoWorkers": None,
        "Slow": "ITSELF",
        "SlowerThanLastWeek": None,
        "ProbeFailed": None,
        "ServiceDown": None,
    }
    assert not quiets(rules, slow_outage, by_name["Slow"])
    assert quiets(rules, slow_outage, NOTE)
    assert quiets(rules, DOWN, by_name["ProbeFailed"])
    assert by_name["Slow"].shape != hasty.shape, "its rule has one label more, so it needs a proof of its own"


def test_a_page_that_fires_before_the_outage_of_its_host_or_target_is_not_cut_off() -> None:
    far = make_service(
        "far", (_of("far", HOST_DOWN)[0],), targets=("10.0.0.7:9100",), jobs=(make_job("far", interval=60),)
    )
    late_target = replace(DOWN, for_seconds=120)
    api = make_service("api", (late_target, PROBE), host="far")
    of = with_early_labels(make_site(api, far, notify=NOTIFY))
    rules, by_name = inhibit_rules(of), {each.name: each for each in of.alerts}
    assert by_name["ProbeFailed"].labels["early"] == "ITSELF,far"
    assert not quiets(rules, by_name["ServiceDown"], by_name["ProbeFailed"])
    assert not quiets(rules, by_name["HostDown"], by_name["ProbeFailed"])
    assert quiets(rules, by_name["HostDown"], by_name["ServiceDown"])


def test_what_the_machine_of_lookout_itself_says_is_no_outage_to_wait_for() -> None:
    here = make_service("vps", (HOST_DOWN,), targets=("node-exporter:9100",), jobs=(make_job("vps", interval=300),))
    of = make_site(make_service("api", (DOWN, SLOW), host="vps"), here, notify=NOTIFY)
    assert with_early_labels(of) is of


def test_a_warning_never_keeps_a_page_quiet() -> None:
    mild = replace(CACHE_DOWN, severity="warning", labels={**CACHE_DOWN.labels, "severity": "warning"})
    api = make_service("api", (ERRORS, SLOW), uses=("cache",))
    rules = inhibit_rules(make_site(api, make_service("cache", (mild,))))
    assert not quiets(rules, mild, ERRORS)
    assert quiets(rules, mild, SLOW)


def test_the_exporter_of_the_machine_that_lookout_runs_on_inhibits_nothing() -> None:
    here = make_service("vps", (HOST_DOWN,), targets=("node-exporter:9100",))
    rules = inhibit_rules(make_site(make_service("api", (DOWN,), host="vps"), here, notify=NOTIFY))
    assert rules == []


def test_one_part_of_the_stack_being_down_keeps_the_others_loud() -> None:
    loki = alert("LokiDown", "lookout", "critical", "outage")
    full = alert("DiskFilling", "lookout", "warning", "cause", for_seconds=300)
    assert inhibit_rules(make_site(make_service("lookout", (loki, full)))) == []


def test_a_verdict_of_uptime_kuma_is_inhibited_by_the_outage_of_the_service_that_it_names() -> None:
    verdict = alert("MonitorDown", "lookout", "warning", "symptom", for_seconds=60, evaluation_interval=30)
    verdict = replace(verdict, labels={**verdict.labels, "service": "{{ $labels.service }}"})
    about = {name: replace(verdict, labels={**verdict.labels, "service": name}) for name in ("api", "cache", "lookout")}
    rules = inhibit_rules(
        make_site(make_service("api", (DOWN,)), make_service("cache", ()), make_service("lookout", (verdict,)))
    )
    assert quiets(rules, DOWN, about["api"])
    assert not quiets(rules, DOWN, about["cache"])
    assert not quiets(rules, DOWN, about["lookout"])


def test_the_watchdog_is_neither_quiet_nor_quieting() -> None:
    watchdog = alert("Watchdog", "lookout", "info", "outage", for_seconds=0)
    part = alert("PartDown", "lookout", "critical", "outage")
    rules = inhibit_rules(
        make_site(make_service("api", (DOWN, NOTE)), make_service("lookout", (watchdog, part)), notify=NOTIFY)
    )
    assert quiets(rules, DOWN, NOTE)
    assert not any(quiets(rules, source, watchdog) or quiets(rules, watchdog, source) for source in (DOWN, NOTE, part))


def test_an_event_and_a_rule_written_by_hand_are_muted_by_nothing() -> None:
    event, by_hand = labelled(SLOW, fault="event"), replace(SLOW, labels={"service": "api", "severity": "warning"})
    for source in EVERY:
        assert not quiets(inhibit_rules(site()), source, event)
        assert not quiets(inhibit_rules(site()), source, by_hand)


LOW = labelled(alert("DiskLow", "api", "warning", "cause"), inhibition_group="DiskCritical/{{ $labels.disk }}")
FULL_DISK = labelled(
    alert("DiskCritical", "api", "critical", "cause"), inhibition_group="DiskCritical/{{ $labels.disk }}"
)


@pytest.mark.parametrize(
    ("source", "target", "quieted"),
    [
        pytest.param({"on": "a"}, {"on": "a"}, True, id="of one disk the more severe"),
        pytest.param({"on": "a"}, {"on": "b"}, False, id="another disk is another matter"),
        pytest.param({"on": "a"}, {"on": "a", "service": "web"}, False, id="and so is the disk of another service"),
    ],
)
def test_of_two_limits_of_one_thing_the_more_severe_mutes(
    source: dict[str, str], target: dict[str, str], quieted: bool
) -> None:
    def of(known: Alert, on: str, service: str = "api") -> Alert:
        return labelled(known, service=service, inhibition_group=f"DiskCritical/{on}")

    rules = inhibit_rules(make_site(make_service("api", (LOW, FULL_DISK)), notify=NOTIFY))
    assert quiets(rules, of(FULL_DISK, **source), of(LOW, **target)) is quieted
    assert not quiets(rules, of(LOW, **target), of(FULL_DISK, **source))
    assert not quiets(rules, FULL_DISK, SLOW), "what is in no group is not about it"


def test_a_more_severe_alert_that_reaches_another_user_mutes_nothing() -> None:
    reported: dict[Severity, tuple[str, ...]] = {"critical": ("phone",), "warning": ("ops",)}
    assert inhibit_rules(make_site(make_service("api", (LOW, FULL_DISK)), notify=reported)) == []


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
    assert "alertname" not in str(rules), "rules speak of what alerts are"


def test_the_rules_are_in_the_configuration_and_left_out_when_there_are_none() -> None:
    def config(of: Site) -> dict[str, Any]:
        loaded: dict[str, Any] = yaml.safe_load(render_alertmanager(of)[0].content)
        return loaded

    assert config(site())["inhibit_rules"] == inhibit_rules(site())
    assert "inhibit_rules" not in config(make_site(make_service()))


def test_a_thousand_services_that_are_alike_need_no_more_rules_than_two() -> None:
    def many(count: int) -> Site:
        names = [f"s{number:04}" for number in range(count)]
        return make_site(*(make_service(name, _of(name, DOWN, PROBE, SLOW, NOTE)) for name in names), notify=NOTIFY)

    assert inhibit_rules(many(1000)) == inhibit_rules(many(2))


def _of(service: str, *alerts: Alert) -> tuple[Alert, ...]:
    """The same alerts of another service."""
    return tuple(replace(each, service=service, labels={**each.labels, "service": service}) for each in alerts)
