"""The demo's compressed days, its prices, and when an API is left alone."""

from datetime import UTC, datetime

import pytest
from demo.circuit import Circuit, CircuitOpenError, State
from demo.days import Calendar
from demo.plans import MONTHLY_CENTS, monthly_usd


def test_a_day_is_ten_minutes_and_a_month_thirty_of_them() -> None:
    calendar, noon = Calendar(600), datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    assert calendar.days_ago(30, noon) == datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
    start = calendar.month_start(noon)
    assert start <= noon < start + (noon - calendar.days_ago(30, noon))
    assert calendar.month_start(start) == start


def test_the_day_is_quiet_at_its_start_busy_at_its_noon_and_one_on_average() -> None:
    calendar = Calendar(600)
    assert calendar.daylight(0) == pytest.approx(0.4)
    assert calendar.daylight(300) == pytest.approx(1.6)
    assert sum(calendar.daylight(second) for second in range(600)) / 600 == pytest.approx(1)


def test_revenue_is_what_the_users_of_each_tier_pay_a_month() -> None:
    assert monthly_usd({"free": 100, "basic": 2, "premium": 1}) == (2 * MONTHLY_CENTS["basic"] + 2900) / 100


def test_a_circuit_opens_after_failures_in_a_row_rests_and_is_tried_once() -> None:
    now, states = 0.0, list[State]()
    circuit = Circuit(states.append, failures=2, rest_seconds=10, clock=lambda: now)

    def call(ok: bool) -> None:
        circuit.enter()
        circuit.leave(ok)

    for ok in (False, True, False, False):
        call(ok)
    assert circuit.state == "open"
    with pytest.raises(CircuitOpenError):
        circuit.enter()
    now = 10.0
    circuit.enter()
    with pytest.raises(CircuitOpenError):
        circuit.enter()  # one tries, the others wait for what comes of it
    circuit.leave(ok=False)
    assert circuit.state == "open"
    now = 20.0
    call(True)
    assert states == ["closed", "open", "half_open", "open", "half_open", "closed"]
