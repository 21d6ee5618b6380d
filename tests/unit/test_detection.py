"""The detection sum."""

import pytest

from generator.resolve.detection import explain, scrape_interval, timeout_for, worst_case
from generator.resolve.stack import TIMING


@pytest.mark.parametrize(
    ("promise", "interval"),
    [(60, 10), (55, 10), (54, 5), (37, 5), (36, None), (115, 30), (114, 10), (205, 60), (3600, 60)],
)
def test_the_slowest_interval_that_keeps_the_promise_is_taken(promise: int, interval: int | None) -> None:
    assert scrape_interval(promise, TIMING) == interval


def test_a_scrape_ends_before_the_next_begins() -> None:
    assert [timeout_for(interval) for interval in (1, 5, 10, 60)] == [1, 2, 5, 5]


def test_the_sum_is_told_term_by_term() -> None:
    assert worst_case(10, TIMING) == 55
    assert explain(10, TIMING) == (
        "10s until the next scrape + 5s a target that hangs + 20s confirmed by two more scrapes + "
        "5s until the next evaluation + 5s group_wait + 10s delivery = 55s"
    )
