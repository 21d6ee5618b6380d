"""`slo:` and `budgets:`: what they become, and what is said of objectives that no alert could cover."""

import json

import pytest

from generator.diagnostics import Diagnostic, Problems
from generator.packs import burn
from generator.packs.indicators import counters_of
from generator.pipeline import resolve_text
from generator.render.grafana.dashboards import render_dashboards
from generator.render.instrumentation import render_instrumentation
from generator.render.prometheus.rules import render_rules
from generator.site.model import Objective, Service, Site

HEAD = "channels: {ops: {slack: {channel: '#ops'}}}\n"


def resolved(service: str, head: str = "") -> tuple[Site, tuple[Diagnostic, ...]]:
    return resolve_text(f"{HEAD}{head}services:\n  api: {{{service}}}\n", "services.yaml")


def api(service: str, head: str = "") -> Service:
    site, _ = resolved(service, head)
    return next(each for each in site.services if each.name == "api")


def complaints(service: str, head: str = "") -> list[str]:
    """The codes and messages of everything that is said."""
    try:
        _, found = resolved(service, head)
    except Problems as problems:
        found = problems.diagnostics
    return [f"{each.code}: {each.message}" for each in found]


HTTP = "kind: http, targets: [api:8000]"
PROBED = "kind: probe, targets: [https://api.example]"


# --- arithmetic ---------------------------------------------------------------------------------------------


def test_the_pairs_of_a_month_are_those_of_the_workbook() -> None:
    found = [(pair.name, pair.factor, pair.short, pair.long) for pair in burn.pairs(burn.MONTH)]
    assert found == [
        ("page_fast", 14.4, 300, 3600),
        ("page_slow", 6.0, 1800, 6 * 3600),
        ("ticket_fast", 3.0, 7200, burn.DAY),
        ("ticket_slow", 1.0, 6 * 3600, 3 * burn.DAY),
    ]


def test_a_shorter_window_shortens_the_pairs_by_whole_slices() -> None:
    for pair in burn.pairs(burn.SHORTEST):
        assert pair.long % burn.SLICE == pair.short % burn.SLICE == 0
        assert burn.SLICE <= pair.short < pair.long
    assert [pair.long // 60 for pair in burn.pairs(burn.SHORTEST)] == [15, 85, 340, 1010]


@pytest.mark.parametrize(
    ("factor", "budget", "possible"),
    [(14.4, 0.069, True), (14.4, 0.07, False), (6, 0.166, True), (6, 0.167, False), (3, 0.33, True), (3, 0.34, False)],
)
def test_a_pair_can_fire_while_its_burn_is_less_than_all_events(factor: float, budget: float, possible: bool) -> None:
    assert burn.Pair("any", factor, 300, 3600).can_fire(budget) is possible


def test_the_burn_of_a_proof_is_reported_by_its_own_pair_and_by_no_faster_one() -> None:
    ordered = burn.pairs(burn.MONTH)
    for budget in (0.0001, 0.001, 0.05):
        for faster, pair in zip((None, *ordered[:-1]), ordered, strict=True):
            tried = burn.proof_burn(pair, [budget])
            assert pair.factor < tried <= 1 / budget
            assert faster is None or tried < faster.factor


# --- what an objective counts -------------------------------------------------------------------------------


def test_objectives_are_named_and_have_the_budget_that_is_left_of_their_target() -> None:
    service = api(f"{HTTP}, slo: {{availability: 99.9%, latency: {{p95: 300ms, p99: 1s}}}}")
    found = [(each.name, each.budget, each.limit) for each in service.objectives]
    assert found == [("availability", 0.001, 0.0), ("latency-p95", 0.05, 0.3), ("latency-p99", 0.01, 1.0)]


def test_requests_count_for_availability_where_they_are_counted_and_probes_elsewhere() -> None:
    both = api(f"{HTTP}, url: https://api.example, slo: {{availability: 99%, reachability: 99%}}")
    assert [each.events for each in both.objectives] == ["requests", "probes"]
    assert [each.events for each in api(f"{PROBED}, slo: {{availability: 99%}}").objectives] == ["probes"]


def test_a_latency_is_counted_at_the_bucket_that_ends_at_its_limit() -> None:
    (objective,) = api(f"{HTTP}, slo: {{latency: {{p99: 1s}}}}").objectives
    assert 'le="1.0"' in objective.bad


def pair(**counters: str) -> Objective:
    return counters_of("imports", counters, "api", 0.99)


@pytest.mark.parametrize(
    ("counters", "series"),
    [
        ({"good": 'a{r="ok"}', "total": "a"}, ['a{r="ok"}', 'a{r="any"}']),
        ({"good": 'a{r=~"ok|skipped"}', "total": 'a{q="x"}'}, ['a{r="ok"}', 'a{q="x",r="any"}']),
        ({"good": 'a{r!="failed"}', "total": "a"}, ['a{r="any"}', 'a{r="failed"}']),
        ({"bad": 'a{r="failed"}', "total": "a"}, ['a{r="failed"}', 'a{r="any"}']),
        ({"good": "a", "bad": "b"}, ["a", "b"]),
        ({"good": "a", "total": "b"}, ["a", "b"]),
        ({"bad": "a", "total": "b"}, ["a", "b"]),
    ],
    ids=lambda value: " and ".join(value) if isinstance(value, dict) else "",
)
def test_two_counters_of_three_make_an_objective_and_the_series_of_its_proof(
    counters: dict[str, str], series: list[str]
) -> None:
    objective = pair(**counters)
    assert [each["series"] for each in objective.series] == series


def test_counters_are_those_of_the_service_unless_they_say_whose() -> None:
    assert 'a{service="api"}' in pair(good="a", bad="b").total
    assert 'a{service="web"}' in pair(good='a{service="web"}', bad="b").total


def test_what_was_bad_is_what_is_missing_of_the_total_and_never_less_than_nothing() -> None:
    assert pair(good="a", total="b").bad.startswith("clamp_min(sum(increase(b{")


# --- what is refused ----------------------------------------------------------------------------------------

REFUSED = {
    "a target at which the fast page cannot fire": (
        f"{HTTP}, slo: {{availability: 93%}}",
        "spec/slo-impossible: a target of 93% has an alert that can never fire: a burn of 14.4 times its budget would "
        "be 100.8% of all requests",
    ),
    "no budget at all": (
        f"{HTTP}, slo: {{availability: 100%}}",
        "spec/slo-impossible: 100% leaves no error budget: every single failure breaks it",
    ),
    "an indicator that no kind has": (
        f"{HTTP}, slo: {{processing: 99%}}",
        "spec/slo-indicator: nothing of kind http says what 'processing' counts",
    ),
    "latency of what counts no time": (
        f"{PROBED}, slo: {{latency: {{p95: 1s}}}}",
        "spec/slo-indicator: nothing of kind probe says how long requests take",
    ),
    "a window that is too short": (
        f"{HTTP}, slo: {{availability: 99%, window: 1d}}",
        "spec/slo-window: 1d is no window for a budget; it can be 7d to 30d",
    ),
    "a window that is too long": (
        f"{HTTP}, slo: {{availability: 99%, window: 31d}}",
        "spec/slo-window: 31d is no window for a budget; it can be 7d to 30d",
    ),
    "one counter": (
        f"{HTTP}, slo: {{imports: {{good: a, objective: 99%}}}}",
        "spec/bad-value: 'imports' needs two of good, bad and total, and has 1",
    ),
    "three counters": (
        f"{HTTP}, slo: {{imports: {{good: a, bad: b, total: c, objective: 99%}}}}",
        "spec/bad-value: 'imports' needs two of good, bad and total, and has 3",
    ),
    "an expression for a counter": (
        f"{HTTP}, slo: {{imports: {{good: 'sum(a)', total: b, objective: 99%}}}}",
        "spec/slo-indicator: imports: good: 'sum(a)' is not one counter; write a metric, with labels in braces if it "
        "needs any",
    ),
    "the same counter twice": (
        f"{HTTP}, slo: {{imports: {{good: a, total: a, objective: 99%}}}}",
        'spec/slo-indicator: imports: every event that a{service="api"} counts is also one of a{service="api"}',
    ),
    "a plan above the objective": (
        f"{HTTP}, slo: {{availability: 99%, plans: {{gold: 99.9%}}}}",
        "spec/bad-value: plan 'gold' has a target of 99.9%, stricter than availability (99%)",
    ),
    "plans without availability": (
        f"{HTTP}, slo: {{latency: {{p95: 300ms}}, plans: {{gold: 99%}}}}",
        "spec/bad-value: plans are targets of availability; write `availability:` beside them",
    ),
    "an endpoint without a method": (
        f"{HTTP}, budgets: {{/analyze: 2s}}",
        "spec/bad-value: '/analyze' is not an endpoint; write its method and its route, such as \"POST /analyze\"",
    ),
    "budgets of what has no endpoints": (
        "kind: redis, address: 'api:6379', budgets: {'GET /': 2s}",
        "spec/bad-value: nothing of this service measures its endpoints; budgets are for the kinds that serve HTTP",
    ),
}


@pytest.mark.parametrize(("service", "message"), REFUSED.values(), ids=REFUSED)
def test_a_expectation_that_nothing_could_watch_is_refused(service: str, message: str) -> None:
    assert message in complaints(service)


def test_metrics_have_to_be_kept_a_day_longer_than_the_window() -> None:
    kept = "stack: {retention: {metrics: %s}}\n"
    service = f"{HTTP}, slo: {{availability: 99%}}"
    assert complaints(service, kept % "31d") == []
    message = "spec/slo-window: metrics are kept for 30d, and a budget over 30d needs 31d"
    assert message in complaints(service, kept % "30d")


@pytest.mark.parametrize(
    ("service", "said"),
    [
        (f"{HTTP}, slo: {{availability: 99%}}", None),
        (
            f"{HTTP}, slo: {{availability: 99%}}, params: {{slo: {{min_bad: 1000}}}}",
            "fewer than 166.67 requests an hour",
        ),
        (f"{HTTP}, slo: {{availability: 99%}}, params: {{http: {{expected_rate: 0.0001}}}}", "0.36 are expected"),
        (f"{HTTP}, slo: {{availability: 99%}}, params: {{http: {{expected_rate: 1}}}}", None),
        (f"{PROBED}, slo: {{availability: 99%}}, params: {{slo: {{min_bad: 1000}}}}", None),
    ],
    ids=["the default says nothing", "a large guard", "little traffic", "traffic enough", "probes come often enough"],
)
def test_too_little_traffic_to_page_is_said_with_the_number(service: str, said: str | None) -> None:
    found = [text for text in complaints(service) if text.startswith("spec/slo-traffic")]
    assert len(found) == (1 if said else 0)
    assert said is None or said in found[0]


def test_a_limit_without_a_bucket_is_a_warning_unless_the_library_makes_one() -> None:
    (found,) = complaints(f"{HTTP}, slo: {{latency: {{p95: 340ms}}}}")
    assert "needs a bucket that ends at 340ms" in found and "the nearest ends at 300ms" in found
    assert complaints("kind: [http, instrumentation], targets: [api:8000], slo: {latency: {p95: 340ms}}") == []


# --- what becomes of them -----------------------------------------------------------------------------------


def test_the_librarys_histogram_has_an_edge_at_every_limit_and_budget() -> None:
    site, _ = resolved(
        "kind: [http, instrumentation], targets: [api:8000], slo: {latency: {p95: 340ms}}, budgets: {GET /: 1700ms}"
    )
    (settings,) = (each for each in render_instrumentation(site) if each.path.endswith("/api.json"))
    assert {0.34, 1.7} <= set(json.loads(settings.content)["buckets"])


def test_a_median_has_the_tickets_that_it_can_have() -> None:
    service = api(f"{HTTP}, slo: {{latency: {{p50: 100ms}}}}, off: []")
    burns = [alert.name for alert in service.alerts if alert.name.startswith("BudgetBurn")]
    assert burns == ["BudgetBurnTicketSlow"]


def test_burn_alerts_say_which_window_and_how_long_the_budget_lasts() -> None:
    service = api(f"{HTTP}, slo: {{availability: 99.9%}}")
    labels = {alert.name: (alert.labels["window"], alert.labels["exhaustion"])
              for alert in service.alerts if alert.name.startswith("BudgetBurn")}  # fmt: skip
    assert labels == {
        "BudgetBurnPageFast": ("1h", "2d2h"),
        "BudgetBurnPageSlow": ("6h", "5d"),
        "BudgetBurnTicketFast": ("1d", "10d"),
        "BudgetBurnTicketSlow": ("3d", "30d"),
    }


def test_slices_are_recorded_every_five_minutes_in_a_group_of_their_own() -> None:
    site, _ = resolved(f"{HTTP}, slo: {{availability: 99.9%}}")
    (rules,) = (each.content for each in render_rules(site) if each.path.endswith("/api/slo.yml"))
    slices, _, others = rules.partition('- name: "api:slo:5m"')[2].partition("- name:")
    assert "interval: 5m" in slices and slices.count("- record:") == 4
    assert "interval: 30s" in others and "increase5m\n" not in others


def test_the_dashboard_of_objectives_is_there_when_something_was_expected() -> None:
    with_one, _ = resolved(f"{HTTP}, slo: {{availability: 99.9%, plans: {{pro: 99%}}}}")
    without, _ = resolved(HTTP)

    def titles(site: Site) -> list[str]:
        dashboards = [each for each in render_dashboards(site) if each.path.endswith("/lookout-slo.json")]
        return [panel["title"] for each in dashboards for panel in json.loads(each.content)["panels"]]

    assert titles(without) == []
    assert {"Objectives", "Error budget left", "Burn rate", "Plans", "Budget left by plan"} <= set(titles(with_one))


def test_the_home_page_shows_the_least_budget_of_each_service() -> None:
    site, _ = resolved(f"{HTTP}, slo: {{availability: 99.9%}}")
    (home,) = (each.content for each in render_dashboards(site) if each.path.endswith("/lookout-home.json"))
    assert "min by (service) (slo:budget_left:ratio)" in home
    assert "/d/lookout-slo" in home


def test_an_endpoint_with_its_own_budget_is_left_out_of_the_common_one() -> None:
    service = api(f"{HTTP}, budgets: {{POST /analyze: 2500ms}}")
    (alert,) = (each for each in service.alerts if each.name == "HttpEndpointSlow")
    assert '"budget", "2500ms"' in alert.expr
    assert (
        'unless on (method, handler) last_over_time(http_request_duration_seconds_count{service="api",method="POST"'
        in alert.expr
    )
