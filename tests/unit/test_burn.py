"""The arithmetic of error budgets at its edges, where one step further decides otherwise."""

import pytest

from generator.packs.burn import DAY, LONGEST, MONTH, SHORTEST, SLICE, Pair, exhaustion, least_target, pairs, proof_burn


@pytest.mark.parametrize("pair", pairs(MONTH), ids=lambda pair: pair.name)
def test_a_burn_of_all_events_is_none_that_can_fire(pair: Pair) -> None:
    """At the budget at which a pair's burn is exactly all events, more than that is never seen: it cannot fire."""
    edge = 1 / pair.factor
    assert not pair.can_fire(edge)
    assert not pair.can_fire(edge * 1.0001)
    assert pair.can_fire(edge * 0.9999)


@pytest.mark.parametrize(("factor", "target"), [(2.0, 0.5), (4.0, 0.75), (1.0, 0.0)])
def test_the_least_target_is_where_a_pair_can_no_longer_fire(factor: float, target: float) -> None:
    assert least_target(factor) == target
    pair = Pair("any", factor, SLICE, 12 * SLICE)
    assert not pair.can_fire(1 - target)
    assert pair.can_fire(1 - target - 1e-9)


@pytest.mark.parametrize("window", [SHORTEST, SHORTEST + 1, 10 * DAY, LONGEST - 1, LONGEST])
def test_windows_are_whole_slices_and_never_shorter_than_meant(window: int) -> None:
    for pair, hours in zip(pairs(window), (1, 6, 24, 72), strict=True):
        meant = hours * 3600 * window / MONTH
        assert pair.long % SLICE == pair.short % SLICE == 0
        assert meant <= pair.long < meant + SLICE
        assert max(meant / 12, SLICE) <= pair.short < max(meant / 12, SLICE) + SLICE


def test_the_windows_of_a_month_are_those_of_the_book() -> None:
    assert [(pair.factor, pair.short, pair.long) for pair in pairs(MONTH)] == [
        (14.4, 300, 3600),
        (6.0, 1800, 21600),
        (3.0, 7200, 86400),
        (1.0, 21600, 259200),
    ]


def test_a_burn_of_one_spends_the_budget_in_its_window() -> None:
    assert exhaustion(MONTH, 1.0) == MONTH
    assert exhaustion(MONTH, 14.4) == 180000


@pytest.mark.parametrize("budget", [0.0001, 0.01, 0.05, 0.0694])
def test_what_a_proof_burns_is_reported_by_its_pair_and_can_be_had(budget: float) -> None:
    for pair in pairs(MONTH):
        if pair.can_fire(budget):
            tried = proof_burn(pair, [budget, budget / 2])
            assert pair.factor < tried <= 1 / budget
            assert tried <= 1.8 * pair.factor
