"""The API is stopped: one message on each phone, within the minute, that a person can act on; then the all-clear."""

import json
import statistics
import time
from functools import partial
from typing import Any

from generator.conventions import OUTAGE_RECENT
from tests.e2e.drills import ALWAYS, STARTED_OFTEN
from tests.e2e.stack import Stack
from tests.support.soak import SOAK
from tests.support.waiting import until

STOPS = 10 if SOAK else 3
CHANNELS = ("slack", "telegram")


def since(stack: Stack, start: float, to: str, word: str = "ServiceDown") -> list[dict[str, Any]]:
    """Messages with `word` in them that arrived at one end after `start`."""
    return [m for m in stack.messages() if m["to"] == to and m["at"] >= start and word in m["text"]]


def test_stops_are_reported_within_a_minute_and_once(stack: Stack) -> None:
    # A stack that has just been started does not fire for outages in its first minute: everything is starting.
    uptime = 'time() - process_start_time_seconds{service="lookout",job="prometheus"} > 75'
    until(lambda: stack.query(uptime), "the first minute is over", 90, every=2)
    seconds: list[float] = []
    for number in range(STOPS):
        seconds += _one_stop(stack, first=number == 0)
        print(f"stop {number + 1}: reported after {seconds[-2]:.1f} s on Slack, {seconds[-1]:.1f} s on Telegram")
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    print(f"{STOPS} stops: median {statistics.median(ordered):.1f} s, p95 {p95:.1f} s, worst {ordered[-1]:.1f} s")
    assert ordered[-1] < 60


def _one_stop(stack: Stack, first: bool) -> list[float]:
    """Stop and start the API once; the seconds until each channel got its message. The first time it is watched for
    longer."""
    start = time.time()
    stack.compose("stop", "--timeout", "2", "api")
    try:
        for to in CHANNELS:
            until(partial(since, stack, start, to), f"the page on {to}", 60, every=0.5)
        reported = [since(stack, start, to)[0] for to in CHANNELS]
        for message in reported:
            _can_be_acted_on(message["text"], json.dumps(message["payload"]))
        if first:
            time.sleep(45)  # a second message would come with the next interval of the group
            for to in CHANNELS:
                texts = [message["text"] for message in since(stack, start, to, word="api")]
                assert len(texts) == 1, f"one fault is one message: {texts}"
    finally:
        back = time.time()
        stack.compose("start", "api")
    for to in CHANNELS:
        until(partial(since, stack, back, to), f"the all-clear on {to}", 120, every=0.5)
        text = since(stack, back, to)[0]["text"]
        assert "✅ RESOLVED" in text or "✅ ServiceDown lasted" in text, text
    quiet = ALWAYS | STARTED_OFTEN | {(OUTAGE_RECENT, "api")}
    until(lambda: stack.firing_now() <= quiet, "quiet again", 240, every=2)
    return [message["at"] - start for message in reported]


def _can_be_acted_on(text: str, payload: str) -> None:
    print(text)
    for words in ("api", "ServiceDown", "since"):
        assert words.lower() in text.lower(), f"'{words}' is missing from {text}"
    for link in ("/runbooks/api#ServiceDown", "/grafana/d/service-api", "/grafana/d/lookout-logs"):
        assert link in payload, f"{link} is missing from {payload}"
