"""The API is stopped: one message on each phone, within the minute, that a person can act on; then the all-clear."""

import statistics
import time
from typing import Any

from tests.e2e.stack import Stack, soaking, wait_for

STOPS = 10 if soaking() else 3
CHANNELS = ("slack", "telegram")


def text_of(message: dict[str, Any]) -> str:
    """All words of a message, whichever service carried it."""
    return str(message["body"])


def since(stack: Stack, start: float, kind: str) -> list[dict[str, Any]]:
    """Messages of one kind that arrived after `start`."""
    return [m for m in stack.messages() if m["kind"] == kind and m["time"] >= start]


def test_stops_are_told_within_a_minute_and_once(stack: Stack) -> None:
    seconds: list[float] = []
    for number in range(STOPS):
        seconds += _one_stop(stack)
        print(f"stop {number + 1}: told after {seconds[-2]:.1f} s on Slack, {seconds[-1]:.1f} s on Telegram")
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    print(f"{STOPS} stops: median {statistics.median(ordered):.1f} s, p95 {p95:.1f} s, worst {ordered[-1]:.1f} s")
    assert ordered[-1] < 60


def _one_stop(stack: Stack) -> list[float]:
    start = time.time()
    stack.compose("stop", "--timeout", "2", "api")
    try:
        for kind in CHANNELS:
            wait_for(lambda kind=kind: since(stack, start, kind), 60, f"the page on {kind}")
        told = [since(stack, start, kind)[0] for kind in CHANNELS]
        for message in told:
            _can_be_acted_on(text_of(message))
        time.sleep(5)
        for kind in CHANNELS:
            assert len(since(stack, start, kind)) == 1, f"one fault is one message: {since(stack, start, kind)}"
    finally:
        back = time.time()
        stack.compose("start", "api")
    for kind in CHANNELS:
        wait_for(lambda kind=kind: since(stack, back, kind), 120, f"the all-clear on {kind}")
        assert "resolved" in text_of(since(stack, back, kind)[0]).lower()
    wait_for(lambda: not [1 for name, _ in stack.firing() if name != "Watchdog"], 240, "quiet again", every=2)
    return [message["time"] - start for message in told]


def _can_be_acted_on(text: str) -> None:
    assert "api" in text
    assert "ServiceDown" in text or "down" in text.lower()
    for link in ("/runbooks/api/ServiceDown.md", "/grafana/d/service-api", "since"):
        assert link in text.lower() or link in text, f"{link} is missing from {text}"
