"""Real faults of the demo: how each is made and ended, what people receive about it and nothing else, and how soon."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import requests

from generator.conventions import OUTAGE_RECENT
from generator.render.alertmanager.inhibition import WATCHDOG
from tests.e2e.stack import BUSY_MACHINE, Stack, is_ours
from tests.e2e.stage import (
    fill_small_disk,
    remove_hungry,
    remove_short_certificate,
    remove_small_disk,
    serve_short_certificate,
    start_hungry,
)
from tests.support.notified import firing
from tests.support.waiting import until

Notified = tuple[str, str]

# What says that all is well, or that a machine which runs these tests is busy.
ALWAYS: Final = frozenset({(WATCHDOG, "lookout")})
UNCOUNTED: Final = frozenset({WATCHDOG, OUTAGE_RECENT, *BUSY_MACHINE})
# After the last expected alert the test waits this long for others.
LINGER: Final = 45
# So long Alertmanager takes at most to apply an inhibition to what it has.
MOMENT: Final = 3
# So long the next fault waits for the all-clear of the one before; what keeps firing for longer is known by then.
TIMEOUT: Final = 180
# And so long for alerts of its own to be over.
OWN_TIMEOUT: Final = 900
# What was broken before shows within so long: a scrape, an evaluation, and a client that tries only now and then.
SETTLED: Final = 45
# What is stopped and started again and again in these tests fires for too many restarts, and rightly.
STARTED_OFTEN: Final = {("ContainerRestarting", "api"), ("ProcessRestarting", "api")}


@dataclass(frozen=True, slots=True)
class Drill:
    """One fault. `expected` are the alerts (name, service) that reach people, all of them; `also` are those that the
    same fault brings when it lasts. `within` is the seconds until the last expected one."""

    name: str
    begin: Callable[[Stack], None]
    end: Callable[[Stack], None]
    expected: frozenset[Notified]
    within: int
    also: frozenset[Notified] = frozenset()
    quick: bool = False


@dataclass(slots=True)
class Outcome:
    """What was seen of a drill: seconds from the fault to each alert, from its end to the all-clear of each, what the
    receivers were sent meanwhile, and what of it was not expected."""

    drill: Drill
    seconds: dict[Notified, float] = field(default_factory=dict)
    cleared: dict[Notified, float] = field(default_factory=dict)
    sent: set[Notified] = field(default_factory=set)
    unexpected: set[Notified] = field(default_factory=set)
    ended: float = 0.0

    def row(self) -> str:
        """A line of the table in the documentation."""
        reported = ", ".join(f"{alert} {self.seconds[alert, service]:.0f}" for alert, service in sorted(self.seconds))
        clear = max(self.cleared.values(), default=0.0)
        besides = ", ".join(f"{alert} of {service}" for alert, service in sorted(self.sent - self.drill.expected))
        return f"| {self.drill.name} | {reported} | {clear:.0f} | {besides} |"


def active(stack: Stack) -> set[Notified]:
    """The alerts that reach people now: in Alertmanager, neither inhibited nor silenced."""
    shown: list[dict[str, Any]] = stack.get(
        "/alertmanager/api/v2/alerts", active="true", silenced="false", inhibited="false", unprocessed="false"
    )
    return {
        (labels["alertname"], labels.get("service", ""))
        for labels in (alert["labels"] for alert in shown)
        if labels["alertname"] not in UNCOUNTED and is_ours(labels)
    }


def begun(stack: Stack) -> set[Notified]:
    """The alerts that people receive now, and those that wait, fire or are inhibited: what they receive of these
    later comes of something earlier."""
    return active(stack) | stack.alerts("pending", "firing")


def settle(stack: Stack) -> None:
    """Wait until nothing new has begun for a while, so that what other tests broke is not taken for a drill's."""
    known, since = begun(stack), time.monotonic()

    def nothing_new() -> bool:
        nonlocal known, since
        if new := begun(stack) - known:
            known, since = known | new, time.monotonic()
        return time.monotonic() > since + SETTLED

    # What begins again and again is known by then.
    with suppress(AssertionError):
        until(nothing_new, "nothing new begins", TIMEOUT, every=1)


def run(stack: Stack, drill: Drill) -> Outcome:
    """Make the fault, watch, end it, and wait a while for the all-clear. What had begun before is none of its doing."""
    until(lambda: not active(stack) & drill.expected, "what it brings is over from before", OWN_TIMEOUT, every=2)
    before = (begun(stack) | STARTED_OFTEN) - drill.expected
    outcome = Outcome(drill)
    already = len(stack.messages())
    began = time.monotonic()
    drill.begin(stack)
    try:
        _watch(stack, outcome, began, before)
    finally:
        drill.end(stack)
        outcome.ended = time.monotonic()
    until_clear(stack, outcome, TIMEOUT)
    texts = [message["text"] for message in stack.messages()[already:] if message["to"] != "ping"]
    outcome.sent = {alert for text in texts for alert in firing(text) if alert[0] not in UNCOUNTED}
    outcome.unexpected |= outcome.sent - before - drill.expected - drill.also
    return outcome


def _watch(stack: Stack, outcome: Outcome, began: float, before: set[Notified]) -> None:
    """Until all expected alerts are received and a while longer, or until it is too late.

    An alert may come before the one that inhibits it: it waits for its group and is sent to no one. So others count
    once the expected ones are there; what was sent before that is in the messages.
    """
    drill, complete = outcome.drill, 0.0

    def over() -> bool:
        nonlocal complete
        now = time.monotonic() - began
        new = active(stack) - before - outcome.seconds.keys()
        outcome.seconds.update(dict.fromkeys(new & drill.expected, now))
        # What inhibits learns of an alert a moment later than what shows it.
        if complete and now > complete + MOMENT:
            outcome.unexpected |= new - drill.expected - drill.also
        if not complete and drill.expected <= outcome.seconds.keys():
            complete = now
        return now > complete + LINGER if complete else now > drill.within

    until(over, "the end of the drill", drill.within + LINGER + TIMEOUT, every=1)


def until_clear(stack: Stack, outcome: Outcome, seconds: float) -> bool:
    """Watch for the all-clear of a drill's alerts; whether all of them came."""

    def cleared() -> bool:
        waiting = outcome.seconds.keys() - outcome.cleared.keys()
        over = waiting - active(stack)
        outcome.cleared.update(dict.fromkeys(over, time.monotonic() - outcome.ended))
        return over == waiting

    try:
        return until(cleared, "the all-clear", seconds, every=1)
    except AssertionError:
        return False


# --- how faults are made ------------------------------------------------------------------------------------


def compose(*words: str) -> Callable[[Stack], None]:
    """A docker compose command."""

    def act(stack: Stack) -> None:
        stack.compose(*words)

    return act


def switch(**state: Any) -> Callable[[Stack], None]:
    """The demo's own switches."""

    def act(stack: Stack) -> None:
        requests.post(f"{stack.api_url}/switch", json=state, timeout=10).raise_for_status()

    return act


def provider(target: str, mode: str, share: float = 1.0, seconds: int = 1800) -> Callable[[Stack], None]:
    """The provider stub misbehaves."""
    words = ("python3", "-m", "demo.fault", target, mode, str(share), str(seconds))
    return compose("exec", "-T", "providers", *words)


def stopped(
    name: str,
    part: str,
    expected: Iterable[Notified],
    also: Iterable[Notified] = (),
    within: int = 60,
    quick: bool = True,
) -> Drill:
    """A part of the demo is stopped."""
    begin, end = compose("stop", "--timeout", "2", part), compose("start", part)
    return Drill(name, begin, end, frozenset(expected), within, frozenset(also), quick)


def of(service: str, *names: str) -> frozenset[Notified]:
    """Alerts of one service, by name."""
    return frozenset((name, service) for name in names)


# What was seen besides, in docs/measurements.md: nothing else is allowed.
_PROVIDER_FAILS: Final = (
    "NewError",
    "LlmFailuresHigh",
    "LlmFailuresCritical",
    "ExternalFailuresHigh",
    "ExternalFailuresCritical",
    "ExternalCircuitOpen",
    "ExternalRateLimited",
    "BudgetBurnPageSlow",
)

_NEW_ERRORS: Final = of("api", "NewError") | of("worker", "NewError")

DRILLS: Final = (
    stopped("the API is stopped", "api", {("ServiceDown", "api")}),
    stopped("the worker is stopped", "worker", {("ServiceDown", "worker")}),
    # An error type that the apps never had is news, even while its cause is known.
    stopped("Redis is stopped", "cache", {("RedisDown", "cache")}, _NEW_ERRORS),
    # What is critical is inhibited by its own outage alone: users of the API feel that its database is gone.
    stopped("Postgres is stopped", "db", {("PostgresDown", "db")}, _NEW_ERRORS | of("api", "BudgetBurnPageFast"), 90),
    Drill(
        "all connections of the pool are taken",
        switch(hold_connections=10),
        switch(hold_connections=0),
        of("api", "DatabasePoolExhausted"),
        120,
        of("api", "NewError", "HttpErrorSurge", "HttpEndpointFailing"),
    ),
    Drill(
        "one request in ten fails",
        switch(errors=0.1),
        switch(errors=0),
        of("api", "HttpErrorRatioCritical"),
        480,
        of("api", "NewError", "BudgetBurnPageFast"),
    ),
    Drill(
        "each request takes a second longer",
        switch(slow_ms=1000),
        switch(slow_ms=0),
        of("api", "HttpLatencyHigh"),
        900,
    ),
    Drill(
        "the LLM provider answers 429",
        provider("llm", "429"),
        provider("llm", "ok"),
        of("api", "LlmFailuresCritical"),
        900,
        of("api", *_PROVIDER_FAILS, "HttpEndpointFailing") | of("worker", *_PROVIDER_FAILS),
    ),
    Drill(
        "payments fail",
        provider("payments", "5xx"),
        provider("payments", "ok"),
        of("api", "PaymentFailureRatioHigh"),
        900,
        # The endpoint that takes payments answers 503, and nothing else does.
        of("api", "HttpEndpointFailing"),
    ),
    Drill(
        "messages fail",
        provider("messages", "5xx"),
        provider("messages", "ok"),
        of("worker", "MessageFailuresCritical"),
        900,
        of("worker", "MessageFailuresHigh", "CeleryFailureRatioHigh", "BudgetBurnPageSlow"),
    ),
    Drill(
        "a file fills a small disk",
        fill_small_disk,
        remove_small_disk,
        of("vps", "HostDiskCritical"),
        420,
    ),
    Drill(
        "a container is killed for memory",
        start_hungry,
        remove_hungry,
        of("vps", "ContainerOomKilled"),
        240,
        of("vps", "ContainerRestarting", "ContainerMemoryHigh"),
    ),
    Drill(
        "a certificate ends in three days",
        serve_short_certificate,
        remove_short_certificate,
        of("soon", "CertificateExpiresNow"),
        480,
    ),
)
