"""Alerts of a user's own: their proofs hold, and fail when the rule is no longer the one that was written."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from generator.conventions import OWN_PACK
from generator.diagnostics import Problems
from generator.packs.sample import site_of
from generator.pipeline import compile_text, resolve_text
from generator.prove.dashboards import check_dashboards
from generator.prove.mutation import mutants_of
from generator.prove.proofs import proof_paths
from generator.prove.simulate import labels_of, simulate
from generator.render.prometheus.rules import render_rules
from generator.site.model import Alert, Service
from tests.packs.proving import Breakage, change_severity, change_threshold, drop_hold, drop_keep, prove_service

TARGETS: Final = ["api:8000", "api:8001"]
DERIVED: Final[dict[str, dict[str, Any]]] = {
    "a gauge above a limit": {"expr": "sum(my_queue_length) > 100"},
    "a gauge at a limit": {"expr": "max by (queue) (my_queue_length) >= 1000", "for": "90s", "keep_firing_for": "5m"},
    "a gauge below a limit": {"expr": "my_free < 0.05"},
    "a number on the left": {"expr": "20 > temperature"},
    "a state": {"expr": 'mode{part="a"} == 1', "for": "1m"},
    "a state that should be": {"expr": "mode != 1"},
    "a limit of zero": {"expr": "balance < 0"},
    "an outage": {"expr": "max(answers) < 1", "fault": "outage", "severity": "critical"},
    "a label among some": {"expr": 'max by (kind) (my_queue_length{kind=~"a|b"}) > 10'},
    "a label that is not this": {"expr": 'my_queue_length{kind!="a",part!=""} > 10'},
    "a rate above a limit": {"expr": "sum(rate(errors_total[5m])) > 2"},
    "a rate below a limit": {"expr": "sum(rate(orders_total[15m])) < 0.1", "for": "10m"},
    "a rate by label": {"expr": "sum by (job_name) (rate(failures_total[10m])) >= 0.5", "for": "1m"},
    "an increase of none": {"expr": "increase(errors_total[5m]) > 0", "for": "30s"},
    "an increase in an hour": {"expr": "sum(increase(refunds_total[1h])) > 20"},
    "an increase in a day": {"expr": "sum(increase(refunds_total[1d])) > 20", "for": "1h"},
    "a short window": {"expr": "sum(rate(errors_total[1m])) > 2", "for": "2m"},
    "an average over time": {"expr": "avg_over_time(temperature[10m]) > 70.5"},
    "a highest over time": {"expr": "max(max_over_time(temperature[30m])) >= 70", "keep_firing_for": "1h"},
    "a lowest over time": {"expr": "min_over_time(my_free[5m]) < 0.1"},
}
# Of no plain form: their series are searched.
SEARCHED: Final[dict[str, dict[str, Any]]] = {
    "a ratio of two gauges": {"expr": "pool_used / pool_size * 100 > 90 and pool_size > 0"},
    "a ratio of two rates": {"expr": 'sum(rate(calls_total{code=~"5.."}[5m])) / sum(rate(calls_total[5m])) > 0.05'},
    "a ratio of rates by label, with a least number": {
        "expr": 'sum by (route) (rate(calls_total{code=~"^5.."}[2m])) / sum by (route) (rate(calls_total[2m])) > 0.1'
        " and sum by (route) (rate(calls_total[2m])) > 0",
        "for": "2m",
    },
    "one less its share": {"expr": "1 - sum(rate(good_total[10m])) / sum(rate(all_total[10m])) > 0.2", "for": "1m"},
    "a quantile": {"expr": "histogram_quantile(0.95, sum by (le) (rate(wait_seconds_bucket[5m]))) > 3"},
    "a quantile by label": {
        "expr": "histogram_quantile(0.99, sum by (host, le) (rate(wait_seconds_bucket[2m]))) >= 0.25",
        "for": "2m",
    },
    "how old something is": {"expr": "time() - max(last_import_timestamp_seconds) > 2 * 3600", "for": "10m"},
    "how young something is": {"expr": "time() - started_timestamp_seconds < 60", "for": "1s"},
    "what ends soon": {"expr": "licence_until_seconds - time() < 14 * 86400"},
    "how much less there is": {"expr": "delta(members[10m]) < -5", "for": "15m"},
    "fewer of something": {"expr": "delta(replicas[1m]) < 0", "for": "1s"},
    "how fast it grows": {"expr": "deriv(disk_used_bytes[15m]) > 1000", "for": "20m"},
    "what changes too often": {"expr": "changes(leader[1m]) > 1", "for": "2m"},
    "two gauges": {"expr": "sum by (job, instance) (open_files) > min by (job, instance) (most_files * 0.8)"},
    "two states": {"expr": "(slot_active == 0) and (is_replica == 0)", "for": "1m"},
    "one and the size of another": {"expr": "bloat_percent > 80 and on (table) (table_bytes > 200000000)"},
    "one unless another": {"expr": "queue_length > 100 unless queue_paused == 1"},
    "a sum, and its age": {"expr": "((deleted + updated) > 50) and (time() - cleaned_timestamp_seconds) > 864000"},
    "how many there are": {"expr": 'count(node_info{role="leader"}) > 1', "for": "1m"},
    "too few, or none": {"expr": '(count(node_info{role="leader"}) or vector(0)) < 1', "for": "1s"},
    "several versions": {"expr": "count(count(build_info) by (version)) > 1", "for": "1h"},
    "what is there no more": {"expr": "absent(my_heartbeat)", "summary": "no heartbeat"},
    "what reaches its end": {"expr": "(disk_free < 20) / (disk_free + disk_used) <= 0.1"},
    "on which machine": {"expr": "load * on (instance) group_left (zone) machine_info > 8"},
}
WRITTEN: Final[dict[str, dict[str, Any]]] = {
    "a ratio with a least number": {
        "expr": "sum(rate(bad_total[5m])) / sum(rate(all_total[5m])) > 0.1 and sum(increase(all_total[5m])) > 10",
        "proof": {
            "healthy": [{"series": "bad_total", "rate": 0}, {"series": "all_total", "rate": 10}],
            "broken": [{"series": "bad_total", "rate": 5}],
            "boundary": [{"series": "bad_total", "rate": 0.99}],
            "value": 0.5,
            "onset": 60,
            "clears": "5m",
        },
    },
    "how old something is": {
        "expr": "time() - max(last_import_timestamp_seconds) > 7200",
        "for": "10m",
        "proof": {
            "healthy": [{"series": "last_import_timestamp_seconds", "from_now": -60}],
            "broken": [{"series": "last_import_timestamp_seconds", "from_now": -9000}],
            "boundary": [{"series": "last_import_timestamp_seconds", "from_now": -7200}],
            "value": 9000,
        },
    },
    "something that should be there": {
        "expr": "absent(my_heartbeat)",
        "fault": "outage",
        "summary": "no heartbeat",
        "proof": {
            "healthy": [{"series": "my_heartbeat", "level": 1}],
            "broken": [{"series": "my_heartbeat", "gone": True}],
            "gone": "keeps firing",
        },
    },
    "a count": {
        "expr": "count by (zone) (worker_up) < 2",
        "proof": {
            "healthy": [
                {"series": 'worker_up{zone="a",worker="1"}', "level": 1},
                {"series": 'worker_up{zone="a",worker="2"}', "level": 1},
            ],
            "broken": [{"series": 'worker_up{zone="a",worker="2"}', "gone": True}],
            "vanish": ["worker_up"],
            "labels": {"zone": "a"},
            "value": 1,
        },
    },
}
# Counts are whole: below one and below a half are the same.
EQUIVALENT: Final = {("too few, or none", "a threshold twice as far away")}
BROKEN: Final[dict[str, Breakage]] = {
    "a threshold twice as far away": change_threshold,
    "without for": drop_hold,
    "without keep_firing_for": drop_keep,
    "with another severity": change_severity,
}


def written(alert: dict[str, Any]) -> str:
    """A services.yaml with one alert of its own."""
    rate = any(word in alert["expr"] for word in ("rate", "increase", "time()", "/"))
    summary = "it is {{ $value | humanize }}" if rate else "it is {{ $value }}"
    own = {"MyOwn": {"severity": "warning", "summary": summary, **alert}}
    return yaml.safe_dump({"services": {"api": {"kind": "http", "targets": TARGETS, "alerts": own}}})


def service_with(alert: dict[str, Any]) -> Service:
    """The service with its own alert and no other."""
    site, _ = resolve_text(written(alert), "services.yaml")
    service = next(each for each in site.services if each.name == "api")
    return replace(service, packs=tuple(pack for pack in service.packs if pack.pack == OWN_PACK))


@pytest.mark.parametrize("name", [*DERIVED, *SEARCHED, *WRITTEN])
def test_the_proof_holds(name: str, tmp_path: Path) -> None:
    assert prove_service(service_with({**DERIVED, **SEARCHED, **WRITTEN}[name]), tmp_path).output == ""


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("name", [*DERIVED, *SEARCHED])
def test_another_rule_fails_the_proof(name: str, broken: str, tmp_path: Path) -> None:
    service = service_with({**DERIVED, **SEARCHED}[name])
    (alert,) = service.alerts
    breakage = BROKEN[broken]
    if breakage(alert) == alert or (name, broken) in EQUIVALENT:
        return
    assert prove_service(service, tmp_path, breakage).failed == {"MyOwn"}


@pytest.mark.parametrize("name", DERIVED)
def test_a_selector_that_takes_more_fails_the_proof(name: str, tmp_path: Path) -> None:
    service = service_with(DERIVED[name])
    (alert,) = service.alerts
    for mutant in mutants_of(alert):
        # What is added for processes that take turns is no selector of the owner's.
        if mutant.name.startswith("matcher") and "(alertname)" not in mutant.name:
            assert prove_service(service, tmp_path, partial(_instead, mutant.alert)).failed == {"MyOwn"}, mutant.name


def _instead(other: Alert, alert: Alert) -> Alert:
    """Another rule than the one that was written."""
    return other


def test_everything_else_follows_of_itself() -> None:
    compiled = compile_text(written({"expr": "sum(my_queue_length) > 100", "unit": "jobs"}), "services.yaml")
    files = {artifact.path: artifact.content for artifact in compiled.artifacts}
    assert '"api/MyOwn"' in files["prometheus/proofs/manifest.json"]
    page = files["docs/runbooks/api.md"]
    assert "### Mitigation" in page.partition("\n## MyOwn\n")[2]
    assert "| [MyOwn](#MyOwn) |" in page
    assert '"Custom alerts"' in files["grafana/dashboards/Services/service-api.json"]
    known = {alert.name: labels_of(alert) for alert in compiled.site.alerts if alert.service == "api"}
    (verdict, _) = simulate(compiled.site, [known["MyOwn"], known["ServiceDown"]])
    assert verdict.muted_by == (known["ServiceDown"],), "an outage of its service mutes it"


def test_panels_keep_the_rules_of_dashboards() -> None:
    given = enumerate((*DERIVED.values(), *WRITTEN.values()))
    own = {f"MyOwn{number}": {"severity": "warning", "summary": "it is so", **alert} for number, alert in given}
    text = {"services": {"api": {"kind": "http", "targets": TARGETS, "alerts": own}}}
    compiled = compile_text(yaml.safe_dump(text), "services.yaml")
    files = {a.path: a.content for a in compiled.artifacts if a.path.startswith("grafana/")}
    assert check_dashboards(files, compiled.site) == []


def test_texts_of_a_user_are_no_templates() -> None:
    text = {"expr": 'sum(a{b="<<service>>"}) > 1', "runbook": "cat <<EOF <% <# it #>", "description": "a << b"}
    compiled = compile_text(written(text), "services.yaml")
    files = {artifact.path: artifact.content for artifact in compiled.artifacts}
    assert "cat <<EOF <% <# it #>" in files["docs/runbooks/api.md"]
    (rules,) = (each for each in render_rules(compiled.site) if "api/own" in each.path)
    assert "<<service>>" in rules.content
    assert "a << b" in rules.content


def test_a_proof_without_time_is_refused() -> None:
    proof = {"healthy": [{"series": "a", "level": 1}], "broken": [{"series": "a", "level": 9}], "step": "0s"}
    with pytest.raises(Problems) as caught:
        resolve_text(written({"expr": "a / b > 1", "summary": "x", "proof": proof}), "services.yaml")
    assert "spec/no-proof" in {problem.code for problem in caught.value.diagnostics}


@pytest.mark.parametrize("name", ["Watchdog", "OutageRecent", "NewError"])
def test_an_alert_that_routes_and_inhibition_know_by_its_name_keeps_it(name: str) -> None:
    text = yaml.safe_load(written({"expr": "max(up) < 1"}))
    text["services"]["api"]["alerts"] = {name: text["services"]["api"]["alerts"]["MyOwn"]}
    with pytest.raises(Problems) as caught:
        resolve_text(yaml.safe_dump(text), "services.yaml")
    assert [problem.code for problem in caught.value.diagnostics if problem.level == "error"] == ["spec/alert-clash"]


def test_an_alert_may_take_the_place_of_one_that_is_off() -> None:
    text = yaml.safe_load(written({"expr": "max(up) < 1"}))
    api = text["services"]["api"]
    api["alerts"] = {"ServiceDown": api["alerts"]["MyOwn"]}
    with pytest.raises(Problems) as caught:
        resolve_text(yaml.safe_dump(text), "services.yaml")
    assert [problem.code for problem in caught.value.diagnostics if problem.level == "error"] == ["spec/alert-clash"]
    api["off"] = ["ServiceDown"]
    site, _ = resolve_text(yaml.safe_dump(text), "services.yaml")
    assert [alert.pack for alert in site.alerts if alert.name == "ServiceDown"] == [OWN_PACK]


def test_an_alert_without_a_proof_is_marked_in_every_list() -> None:
    alert: dict[str, Any] = {"expr": "my_queue > 2 * my_queue offset 1w", "summary": "x", "proof": "none"}
    alert |= {"detects": ["slow"], "severity": "critical"}
    compiled = compile_text(written(alert), "services.yaml")
    files = {artifact.path: artifact.content for artifact in compiled.artifacts}
    assert [problem.code for problem in compiled.warnings if problem.code == "spec/unproven"] == ["spec/unproven"]
    assert "MyOwn" not in files["prometheus/proofs/manifest.json"]
    assert "prometheus/proofs/api/own/MyOwn.yml" not in files
    assert "| [MyOwn](#MyOwn) | critical, **not proven** |" in files["docs/runbooks/api.md"]
    assert "[MyOwn](runbooks/api.md#MyOwn) (**not proven**)" in files["docs/coverage.md"]
    (found,) = (each for each in compiled.site.alerts if each.name == "MyOwn")
    assert found.annotations["description"].endswith("No proof holds this alert.")


def test_beside_one_without_a_proof_others_are_proven(tmp_path: Path) -> None:
    text = yaml.safe_load(written({"expr": "sum(my_queue) > 5"}))
    own = text["services"]["api"]["alerts"]
    own["Other"] = {**own["MyOwn"], "summary": "x", "proof": "none"}
    site, _ = resolve_text(yaml.safe_dump(text), "services.yaml")
    service = next(each for each in site.services if each.name == "api")
    service = replace(service, packs=tuple(pack for pack in service.packs if pack.pack == OWN_PACK))
    assert prove_service(service, tmp_path).output == ""
    assert list(proof_paths(site_of(service))) == ["api/MyOwn"]
