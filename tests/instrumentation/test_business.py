"""Business events, and figures that are computed again and again, by a thread or in the app's event loop."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from lookout_instrumentation import Lookout, context

from tests.instrumentation.recorder import Recorder
from tests.support.waiting import until

STAMP = "business_refresh_timestamp_seconds"
FAILURES = "business_refresh_failures_total"


@pytest.mark.parametrize(
    ("use", "name", "counted"),
    [
        (lambda it: it.event("analysis"), "business_events_total", {("analysis",): 1}),
        (lambda it: it.event("analysis", 5), "business_events_total", {("analysis",): 5}),
        (lambda it: it.registration(), "business_registrations_total", {(): 1}),
        (lambda it: it.login(), "business_logins_total", {("ok",): 1}),
        (lambda it: it.login(ok=False), "business_logins_total", {("failed",): 1}),
        (lambda it: it.funnel("basic"), "business_funnel_total", {("basic",): 1}),
        (lambda it: it.churned("premium"), "business_churned_total", {("premium",): 1}),
        (lambda it: it.set_active(daily=3, monthly=40), "business_active_users", {("1d",): 3, ("30d",): 40}),
        (lambda it: it.set_users("basic", 12), "business_users", {("basic",): 12}),
        (lambda it: it.set_mrr(99.5), "business_mrr_usd", {(): 99.5}),
    ],
)
def test_what_is_counted(use: Callable[[Any], Any], name: str, counted: dict[tuple[str, ...], float]) -> None:
    recorded = Recorder()
    use(recorded.lookout.business)
    assert recorded.counted(name) == counted


def test_what_starts_at_zero_and_what_is_not_there_until_it_is_known() -> None:
    recorded = Recorder()
    recorded.lookout.business.declare(events=("analysis",), steps=("free", "basic"), tiers=("basic",))
    assert recorded.series("business_events_total") == {("analysis",): 0}
    assert recorded.series("business_funnel_total") == {("free",): 0, ("basic",): 0}
    assert recorded.series("business_churned_total") == {("basic",): 0}
    assert recorded.series("business_logins_total") == {("ok",): 0, ("failed",): 0}
    assert recorded.series("business_registrations_total") == {(): 0}
    for name in ("business_mrr_usd", "business_users", "business_active_users", STAMP, FAILURES):
        assert recorded.series(name) == {}


def test_a_plain_function_is_called_again_and_again_in_a_thread() -> None:
    recorded = Recorder()
    threads: list[str] = []

    def compute() -> None:
        threads.append(threading.current_thread().name)
        recorded.lookout.business.set_mrr(len(threads))

    before = time.time()
    refresh = recorded.lookout.business.refresh(compute, every=0.01)
    until(lambda: len(threads) >= 3, seconds=5)
    refresh.stop()
    assert set(threads) == {"lookout-refresh"}
    assert recorded.value("business_mrr_usd") in (len(threads), len(threads) - 1)
    assert before <= (recorded.value(STAMP) or 0) <= time.time()
    assert recorded.series(FAILURES) == {(): 0}


def test_closing_the_handle_ends_it() -> None:
    recorded = Recorder()
    recorded.lookout.business.refresh(lambda: None, every=0.01)
    refreshing = [thread for thread in threading.enumerate() if thread.name == "lookout-refresh"]
    recorded.lookout.close()
    recorded.lookout.close()
    for thread in refreshing:
        thread.join(5)
        assert not thread.is_alive()


def test_an_async_function_runs_in_the_loop_and_not_in_the_context_of_a_request() -> None:
    recorded = Recorder()
    seen: list[tuple[asyncio.AbstractEventLoop, str]] = []

    async def compute() -> None:
        seen.append((asyncio.get_running_loop(), context.request_id()))

    async def run() -> None:
        context.begin()
        recorded.lookout.business.refresh(compute, every=0.01)
        while len(seen) < 3:
            await asyncio.sleep(0.01)
        assert {loop for loop, _ in seen} == {asyncio.get_running_loop()}
        recorded.lookout.business.stop()
        await asyncio.sleep(0.03)
        after = len(seen)
        await asyncio.sleep(0.05)
        assert len(seen) == after

    asyncio.run(asyncio.wait_for(run(), 5))
    assert {request_id for _, request_id in seen} == {""}
    recorded.lookout.close()  # the loop is gone


def test_an_async_function_needs_a_running_loop() -> None:
    async def compute() -> None: ...

    recorded = Recorder()
    with pytest.raises(RuntimeError):
        recorded.lookout.business.refresh(compute)
    assert recorded.series(STAMP) == {}


@pytest.mark.parametrize("is_async", [False, True], ids=["thread", "task"])
def test_one_that_fails_is_counted_reported_once_and_tried_again(is_async: bool) -> None:
    recorded = Recorder()
    broken, calls = True, 0

    def compute() -> None:
        nonlocal calls
        calls += 1
        if broken:
            raise LookupError("no rows")

    async def compute_async() -> None:
        compute()

    async def run() -> None:
        nonlocal broken
        recorded.lookout.business.refresh(compute_async if is_async else compute, every=0.01)
        started_at = recorded.value(STAMP)
        while calls < 3:
            await asyncio.sleep(0.005)
        assert recorded.value(STAMP) == started_at
        broken, seen = False, calls
        while calls < seen + 3:
            await asyncio.sleep(0.005)
        assert (recorded.value(STAMP) or 0) > (started_at or 0)
        recorded.lookout.close()

    with structlog.testing.capture_logs() as lines:
        asyncio.run(asyncio.wait_for(run(), 5))
    assert [(line["log_level"], line["event"]) for line in lines] == [
        ("error", "figures cannot be computed"),
        ("info", "figures are computed again"),
    ]
    assert isinstance(lines[0]["exc_info"], LookupError)
    assert (recorded.value(FAILURES) or 0) >= 3


def test_the_age_is_that_of_the_figures_that_are_the_oldest() -> None:
    recorded = Recorder()
    started = time.time()

    def never() -> None:
        raise LookupError

    _both(recorded.lookout, never)
    last = recorded.value(STAMP)
    assert last is not None
    assert started <= last <= started + 0.1


def _both(lookout: Lookout, broken: Callable[[], None]) -> None:
    calls: list[float] = []
    lookout.business.refresh(broken, every=0.02)
    lookout.business.refresh(lambda: calls.append(time.time()), every=0.02)
    until(lambda: len(calls) > 10, seconds=5)
    lookout.close()
