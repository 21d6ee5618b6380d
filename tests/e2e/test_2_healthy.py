"""The demo, healthy under its traffic: nothing fires but the Watchdog, and nobody is told anything.

Containers that are none of this stack's, other tests' for instance, are not its concern.
"""

import time

from tests.e2e.drills import ALWAYS
from tests.e2e.stack import BUSY_MACHINE, PROJECT, Stack, soaking

MINUTES = 240 if soaking() else 15
AGE = 'time() - process_start_time_seconds{service="lookout",job="prometheus"}'


def test_a_healthy_demo_keeps_still(stack: Stack) -> None:
    age = float(stack.query(AGE)[0]["value"][1])
    time.sleep(max(0.0, 60 * MINUTES - age))
    seconds = int(float(stack.query(AGE)[0]["value"][1]))
    fired = stack.query(
        "count by (alertname, service) (count_over_time("
        f'ALERTS{{alertstate="firing",container=~"|{PROJECT}-.*"}}[{seconds}s]))'
    )
    seen = {(each["metric"]["alertname"], each["metric"].get("service", "")) for each in fired}
    print(f"in {seconds / 60:.0f} minutes fired: {sorted(seen)}")
    assert {alert for alert in seen - ALWAYS if alert[0] not in BUSY_MACHINE} == set()
    told = [m["text"] for m in stack.messages() if m["to"] != "ping"]
    assert [text for text in told if not any(name in text for name in (*BUSY_MACHINE, "Container"))] == []
