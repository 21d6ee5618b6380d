"""Error budgets on timelines by hand (idle hours, young services, quiet nights), and proofs of each form they have."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.diagnostics import Problems
from generator.pipeline import resolve_text
from generator.prove.proving import cut_rules
from generator.site.model import Service
from tests.packs.proving import prove_service
from tests.support import tools
from tests.support.soak import SOAK

HEAD = "channels: {ops: {slack: {channel: '#ops'}}}\nservices:\n"


def with_objectives(service: str, pack: str = "slo") -> Service:
    """A service of services.yaml with the rules of one pack alone."""
    site, _ = resolve_text(f"{HEAD}  api: {{{service}}}\n", "services.yaml")
    found = next(each for each in site.services if each.name == "api")
    return replace(found, packs=tuple(each for each in found.packs if each.pack == pack))


FORMS = {
    "a median, which has a ticket alone": "kind: http, targets: [api:8000], slo: {latency: {p50: 100ms}}",
    "probes of a single address": "kind: probe, targets: [https://api.example], slo: {availability: 99.5%}",
    "a median beside others, and probes beside requests": (
        "kind: http, targets: [api:8000], url: https://api.example, "
        "slo: {availability: 99.9%, reachability: 99%, latency: {p50: 100ms, p95: 300ms}, plans: {pro: 99%}}"
    ),
    "nine of ten requests": "kind: http, targets: [api:8000], slo: {latency: {p90: 300ms}}",
    "nine of ten beside others, over two weeks": (
        "kind: http, targets: [api:8000], url: https://api.example, "
        "slo: {window: 14d, availability: 99.5%, reachability: 99.5%, latency: {p50: 100ms, p90: 300ms, p99: 1s}}"
    ),
    "probes beside requests over a week": (
        "kind: http, targets: [api:8000], url: https://api.example, "
        "slo: {window: 7d, reachability: 99.5%, latency: {p95: 300ms}}"
    ),
    "four nines of probes": "kind: http, targets: [a:1], url: https://a.example, slo: {reachability: 99.99%}",
    "nearly four nines of probes in two weeks": (
        "kind: http, targets: [a:1], url: https://a.example, slo: {window: 14d, reachability: 99.97%}"
    ),
    "five nines of requests": "kind: http, targets: [a:1], slo: {availability: 99.999%, latency: {p99.99: 300ms}}",
    "five nines of a pair of counters": (
        "kind: http, targets: [a:1], slo: {window: 7d, imports: {good: 'a{r=\"ok\"}', total: a, objective: 99.999%}}"
    ),
    "pairs of counters over a week": (
        "kind: http, targets: [api:8000], slo: {window: 7d, imports: {good: 'a{r=\"ok\"}', total: a, objective: 99%}, "
        "mails: {good: sent, bad: bounced, objective: 95%}}"
    ),
}


@pytest.mark.parametrize("service", FORMS.values(), ids=FORMS)
def test_every_form_of_objective_is_proven(service: str, tmp_path: Path) -> None:
    assert prove_service(with_objectives(service), tmp_path).output == ""


# Three nines in a week is the tightest of them: an alert of the fastest pair counts a quarter of an hour.
PROBED = [("7d", "99.9"), ("8d", "98")]
MORE_PROBED = [(f"{days}d", target) for days in (7, 9, 12, 14, 21, 28, 30)
               for target in ("95", "98.5", "99.3", "99.6", "99.8", "99.93", "99.95")]  # fmt: skip


@pytest.mark.parametrize(("window", "target"), PROBED + (MORE_PROBED if SOAK else []))
def test_an_objective_of_probes_is_proven_in_each_window(window: str, target: str, tmp_path: Path) -> None:
    slo = f"{{window: {window}, reachability: {target}%}}"
    service = with_objectives(f"kind: http, targets: [a:1], url: https://a.example, slo: {slo}")
    assert prove_service(service, tmp_path).output == ""


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ("reachability: 99.999%", "99.99%"),
        ("reachability: 99.995%, window: 7d", "99.958%"),
        ("reachability: {objective: 99.9999%}", "99.99%"),
    ],
)
def test_what_probes_cannot_measure_is_refused_with_the_highest_target(fields: str, hint: str) -> None:
    with pytest.raises(Problems) as caught:
        with_objectives(f"kind: http, targets: [a:1], url: https://a.example, slo: {{{fields}}}")
    [error] = caught.value.diagnostics
    assert (error.code, hint in error.hint) == ("spec/slo-impossible", True), error.hint


def test_endpoints_with_budgets_of_their_own_are_proven(tmp_path: Path) -> None:
    budgets = '{"POST /slow": 5s, "GET /fast": 50ms, "GET /items": 1s}'
    service = with_objectives(f"kind: http, targets: [api:8000], budgets: {budgets}", "http")
    (pack,) = service.packs
    only = replace(pack, alerts=tuple(each for each in pack.alerts if each.name == "HttpEndpointSlow"))
    assert prove_service(replace(service, packs=(only,)), tmp_path).output == ""


# --- by hand ------------------------------------------------------------------------------------------------

AVAILABLE = "kind: http, targets: [api:8000], slo: {availability: 99.9%}"
LABELS = 'service="api",job="api",instance="api:8000"'


def hold(folder: Path, good: str, bad: str, tests: list[dict[str, Any]]) -> None:
    """Have promtool look at the rules over two counters, a sample a minute."""
    # In one group, since promtool evaluates groups in any order.
    (pack,) = with_objectives(AVAILABLE).packs
    (folder / "rules.yml").write_text(cut_rules(pack, *(alert.name for alert in pack.alerts)))
    counters = {"200": good, "500": bad}
    series = [
        {"series": f'http_requests_total{{{LABELS},status="{status}"}}', "values": values}
        for status, values in counters.items()
    ]
    # As often as slices are recorded.
    group = {"interval": "1m", "input_series": series, "promql_expr_test": tests}
    test = {"rule_files": ["rules.yml"], "evaluation_interval": "5m", "tests": [group]}
    (folder / "test.yml").write_text(yaml.safe_dump(test))
    run = tools.run("promtool", "test", "rules", "test.yml", folder=folder)
    assert run.code == 0, run.output


def expect(expr: str, at: str, *values: float) -> dict[str, Any]:
    """What an expression without labels gives at a time."""
    return {"expr": expr, "eval_time": at, "exp_samples": [{"labels": "{}", "value": value} for value in values]}


LEFT = "sum(slo:budget_left:ratio)"


def test_an_idle_hour_spends_nothing_and_breaks_nothing(tmp_path: Path) -> None:
    # An hour with one bad request in a thousand, as many as may be; an hour without any; the first again.
    hold(
        tmp_path,
        "0+59.94x60 3596.4x59 3596.4+59.94x60",
        "0+0.06x60 3.6x59 3.6+0.06x60",
        [
            expect("count(slo:burn:short)", "1h50m"),
            expect("sum(sum_over_time(slo:allowed:increase5m[50m]))", "1h55m", 0),
            expect("sum(sum_over_time(slo:bad:increase5m[3h])) >= bool 7", "3h", 1),
            expect(f"{LEFT} > bool 0.99", "3h", 1),
            expect(f"{LEFT} < bool 1", "3h", 1),
        ],
    )


def test_one_failure_in_a_quiet_night_is_reported_to_no_one(tmp_path: Path) -> None:
    # A request a minute, and one failure: 17 times as much as an hour of it allows.
    hold(
        tmp_path,
        "0+1x300",
        "0x120 1x180",
        [expect("count(ALERTS)", at) for at in ("2h5m", "3h", "5h")]
        + [expect("max(slo:burn:long) > bool 14.4", "2h30m", 1), expect(LEFT, "5h", 1)],
    )


def test_a_young_service_is_measured_against_the_budget_of_its_whole_window(tmp_path: Path) -> None:
    # An hour old, of which ten minutes were an outage: 10 of the 43.2 minutes that 30 days allow.
    hold(
        tmp_path,
        "0+60x20 1200x10 1200+60x30",
        "0x20 0+60x10 600x30",
        [expect("abs(sum(slo:budget_left:ratio) - 0.77) < bool 0.02", "1h", 1)],
    )


def test_anyone_who_was_paged_by_the_fast_pair_is_not_paged_by_the_slow_one_when_it_ends(tmp_path: Path) -> None:
    # Ten minutes of nothing but failures after a day without any.
    fired = 'count(max_over_time(ALERTS{alertname="%s",alertstate="firing"}[4h]))'
    hold(
        tmp_path,
        "0+60x1440 86400x10 86400+60x240",
        "0x1440 0+60x10 600x240",
        [
            expect(fired % "BudgetBurnPageFast", "28h", 1),
            expect(fired % "BudgetBurnPageSlow", "28h"),
            expect('count(ALERTS{alertname="BudgetBurnPageFast"})', "24h40m"),
        ],
    )
