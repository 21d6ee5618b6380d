"""Messages, webhooks, payments, tenants, browsers, logins, costs: what each call counts, and what starts at zero."""

import asyncio
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from lookout_instrumentation import Lookout
from lookout_instrumentation.catalogue import BY_NAME

from tests.instrumentation.recorder import Recorder, recorder

Use = Callable[[Lookout], Any]
Counted = dict[tuple[str, ...], float]


class Refused(Exception):
    """As frameworks raise for a bad signature."""

    status_code = 401


def _raised(error: BaseException, block: Any) -> None:
    with pytest.raises(type(error)) as raised, block:
        raise error
    assert raised.value is error


def _run(block: Any) -> None:
    with block:
        pass


def _rejected(lookout: Lookout) -> None:
    with lookout.webhooks.processing("stripe") as hook:
        hook.rejected()


CASES: list[tuple[str, Use, str, Counted]] = [
    ("sent", lambda it: it.messages.sent("email"), "messages_total", {("email", "sent"): 1}),
    ("sent many", lambda it: it.messages.sent("email", 3), "messages_total", {("email", "sent"): 3}),
    ("not sent", lambda it: it.messages.failed("sms"), "messages_total", {("sms", "failed"): 1}),
    ("sending", lambda it: _run(it.messages.sending("email")), "messages_total", {("email", "sent"): 1}),
    (
        "sending fails",
        lambda it: _raised(OSError(), it.messages.sending("email")),
        "messages_total",
        {("email", "failed"): 1},
    ),
    ("webhook", lambda it: _run(it.webhooks.processing("stripe")), "webhooks_total", {("stripe", "processed"): 1}),
    ("webhook is rejected", _rejected, "webhooks_total", {("stripe", "rejected"): 1}),
    (
        "webhook is refused",
        lambda it: _raised(Refused(), it.webhooks.processing("stripe")),
        "webhooks_total",
        {("stripe", "rejected"): 1},
    ),
    (
        "webhook fails",
        lambda it: _raised(KeyError("id"), it.webhooks.processing("stripe")),
        "webhooks_total",
        {("stripe", "failed"): 1},
    ),
    (
        "webhook takes time",
        lambda it: _run(it.webhooks.processing("stripe")),
        "webhook_duration_seconds_count",
        {("stripe",): 1},
    ),
    ("paid", lambda it: it.payments.ok("stripe", 12.5), "payments_total", {("stripe", "ok"): 1}),
    ("amount paid", lambda it: it.payments.ok("stripe", 12.5), "payment_amount_usd_total", {("ok",): 12.5}),
    ("not paid", lambda it: it.payments.failed("stripe", 9), "payments_total", {("stripe", "failed"): 1}),
    ("amount not paid", lambda it: it.payments.failed("stripe", 9), "payment_amount_usd_total", {("failed",): 9}),
    ("paid back", lambda it: it.payments.refunded("stripe", -9), "payments_total", {("stripe", "refunded"): 1}),
    (
        "amount paid back",
        lambda it: it.payments.refunded("stripe", -9),
        "payment_amount_usd_total",
        {("refunded",): 9},
    ),
    ("tenant", lambda it: it.tenants.event("acme", "lead"), "tenant_events_total", {("acme", "lead"): 1}),
    ("tenant twice", lambda it: it.tenants.event("acme", "lead", 2), "tenant_events_total", {("acme", "lead"): 2}),
    ("sites", lambda it: it.tenants.sites("acme", 4), "tenant_active_sites", {("acme",): 4}),
    ("browser", lambda it: it.web.js_error("TypeError"), "web_js_errors_total", {("TypeError",): 1}),
    ("browser's own", lambda it: it.web.js_error("my.App$Error"), "web_js_errors_total", {("my.App$Error",): 1}),
    ("made up kind", lambda it: it.web.js_error("<script> 1"), "web_js_errors_total", {("other",): 1}),
    ("long kind", lambda it: it.web.js_error("E" * 41), "web_js_errors_total", {("other",): 1}),
    ("login", lambda it: it.oauth.login("google"), "oauth_logins_total", {("google", "ok"): 1}),
    ("no login", lambda it: it.oauth.login("google", ok=False), "oauth_logins_total", {("google", "failed"): 1}),
    ("cost", lambda it: it.costs.spent("twilio", 0.25), "cost_usd_total", {("twilio",): 0.25}),
    ("no negative cost", lambda it: it.costs.spent("twilio", -1), "cost_usd_total", {}),
    ("cost of the month", lambda it: it.costs.set_spent("twilio", 30), "cost_spent_usd", {("twilio",): 30}),
    ("build size", lambda it: it.build_size(3_000_000), "app_build_size_bytes", {(): 3_000_000}),
    ("budget", lambda it: it.costs.budget("twilio", 200), "cost_budget_usd", {("twilio",): 200}),
]


@pytest.mark.parametrize(("use", "name", "counted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_counted(use: Use, name: str, counted: Counted) -> None:
    recorded = Recorder()
    use(recorded.lookout)
    assert recorded.counted(name) == counted


@pytest.mark.parametrize(
    ("use", "name", "zeros"),
    [
        (lambda it: it.messages.declare("email"), "messages_total", {("email", "sent"), ("email", "failed")}),
        (lambda it: it.messages.failed("email"), "messages_total", {("email", "sent")}),
        (
            lambda it: it.webhooks.declare("stripe"),
            "webhooks_total",
            {("stripe", "processed"), ("stripe", "rejected"), ("stripe", "failed")},
        ),
        (lambda it: it.webhooks.declare("stripe"), "webhook_duration_seconds_count", {("stripe",)}),
        (
            lambda it: it.payments.declare("stripe"),
            "payments_total",
            {("stripe", "ok"), ("stripe", "failed"), ("stripe", "refunded")},
        ),
        (lambda it: it.payments, "payment_amount_usd_total", {("ok",), ("failed",), ("refunded",)}),
        (lambda it: it.oauth.declare("google"), "oauth_logins_total", {("google", "ok"), ("google", "failed")}),
        (lambda it: it.web.declare("TypeError"), "web_js_errors_total", {("TypeError",)}),
        (lambda it: it.costs.budget("openai", 10), "cost_usd_total", {("openai",)}),
    ],
)
def test_what_starts_at_zero(use: Use, name: str, zeros: set[tuple[str, ...]]) -> None:
    recorded = Recorder()
    use(recorded.lookout)
    assert {labels for labels, number in recorded.series(name).items() if not number} == zeros


def test_what_is_not_used_is_not_exported() -> None:
    printed = Recorder().lookout.metrics.exposition().decode()
    exported = {line.split()[2] for line in printed.splitlines() if line.startswith("# TYPE")}
    parts = {BY_NAME[name].part for name in exported & BY_NAME.keys()}
    assert {"app", "http"} <= parts <= {"app", "http", "errors", "logs"}


def test_blocks_work_where_the_app_is_async() -> None:
    recorded = Recorder()

    async def run() -> None:
        async with recorded.lookout.webhooks.processing("stripe"), recorded.lookout.messages.sending("email"):
            await asyncio.sleep(0.02)

    asyncio.run(run())
    assert recorded.counted("webhooks_total") == {("stripe", "processed"): 1}
    assert recorded.counted("messages_total") == {("email", "sent"): 1}
    taken = recorded.value("webhook_duration_seconds_sum", source="stripe")
    assert taken is not None
    assert taken >= 0.02


def test_ten_thousand_tenants_are_within_the_budget_and_nothing_is_lost() -> None:
    recorded = recorder(label_budgets={"tenant": 20})
    for number in range(10_000):
        recorded.lookout.tenants.event(f"tenant-{number}", "page_view")
    series = recorded.series("tenant_events_total")
    assert len(series) == 21
    assert series["other", "page_view"] == 9980
    assert sum(series.values()) == 10_000
    assert recorded.value("instrumentation_folded_total", label="tenant") == 9980


def test_threads_count_together_without_loss() -> None:
    recorded = Recorder()

    def count() -> None:
        for number in range(500):
            recorded.lookout.messages.sent(f"channel-{number % 7}")

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(recorded.counted("messages_total").values()) == 4000


def test_what_comes_from_outside_cannot_break_the_exposition() -> None:
    recorded = Recorder()
    recorded.lookout.tenants.event('\ud800\n"}', "page_view")
    text = recorded.lookout.metrics.exposition().decode()
    assert re.search(r'tenant_events_total\{event="page_view",tenant="\? \\"\}"\} 1\.0', text)
