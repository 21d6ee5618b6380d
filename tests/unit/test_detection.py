"""The detection sum."""

import pytest

from generator.promql.tree import longest_wait
from generator.resolve.context import Context
from generator.resolve.detection import (
    alert_terms,
    check_detection,
    explain,
    in_words,
    scrape_interval,
    timeout_for,
    worst_case,
)
from generator.resolve.stack import TIMING
from generator.site.model import Alert
from generator.source.read import load_source
from generator.spec.keys import Spec
from tests.unit.sites import STACK, make_alert, make_service


@pytest.mark.parametrize(
    ("limit", "interval"),
    [(60, 10), (55, 10), (54, 5), (37, 5), (36, None), (115, 30), (114, 10), (205, 60), (3600, 60)],
)
def test_the_slowest_interval_that_keeps_the_expectation_is_taken(limit: int, interval: int | None) -> None:
    assert scrape_interval(limit, TIMING) == interval


def test_a_scrape_ends_before_the_next_begins() -> None:
    assert [timeout_for(interval) for interval in (1, 5, 10, 60)] == [1, 2, 5, 5]


def test_the_sum_is_reported_term_by_term() -> None:
    assert worst_case(10, TIMING) == 55
    assert explain(10, TIMING) == (
        "10s until the next scrape + 5s a target that hangs + 20s confirmed by two more scrapes + "
        "5s until the next evaluation + 5s group_wait + 10s delivery = 55s"
    )


def outage(expr: str, hold: int) -> Alert:
    return make_alert("Gone", expr=expr, for_seconds=hold, evaluation_interval=5, fault="outage")


@pytest.mark.parametrize(
    ("expr", "seconds"),
    [
        ("up == 0", 0),
        ("last_over_time(up[10m]) == 0", 0),
        ("sum(rate(requests_total[5m])) == 0", 300),
        ("max_over_time(sum(up)[2m:10s]) == 0", 120),
        ("avg_over_time(up[1m]) == 0 unless on () changes(x[1h]) > 0", 60),
        ("up ==", 0),
    ],
)
def test_a_range_is_part_of_the_wait_unless_the_first_new_sample_answers(expr: str, seconds: int) -> None:
    assert longest_wait(expr) == seconds


def test_each_outage_alert_has_a_sum_of_its_own() -> None:
    alert = outage("sum(rate(requests_total[1m])) == 0", 10)
    assert in_words(alert_terms(alert, make_service(), TIMING)) == (
        "10s until the next scrape + 5s a target that hangs + 60s until its range is full + "
        "5s until the next evaluation + 10s for + 5s group_wait + 10s delivery = 105s"
    )


@pytest.mark.parametrize(("limit", "found"), [(105, 0), (104, 1)])
def test_a_expectation_that_an_alert_cannot_keep_is_an_error_that_names_the_terms(limit: int, found: int) -> None:
    context = Context(Spec.model_construct(), load_source("services: {}\n", "services.yaml"), {})
    alert = outage("sum(rate(requests_total[1m])) == 0", 10)
    check_detection(context, STACK, (make_service(alerts=(alert,), detect_within=limit),))
    assert len(context.problems) == found
    for problem in context.problems:
        assert problem.message == "Gone cannot notify about an outage of 'api' within 1m44s"
        assert "60s until its range is full" in problem.notes[0]
