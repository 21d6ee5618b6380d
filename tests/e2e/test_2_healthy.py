"""The demo, healthy under its traffic: nothing fires but the Watchdog, and no one is notified.

Containers that are none of this stack's, other tests' for instance, are not its concern.
"""

import time
from datetime import UTC, datetime

from tests.e2e.drills import ALWAYS
from tests.e2e.stack import BUSY_MACHINE, PROJECT, Stack
from tests.support.page import run_page
from tests.support.soak import SOAK

MINUTES = 240 if SOAK else 15
AGE = 'time() - process_start_time_seconds{service="lookout",job="prometheus"}'


def test_a_healthy_demo_does_not_fire(stack: Stack) -> None:
    age = float(stack.query(AGE)[0]["value"][1])
    # Nothing can be waited for: what must not happen has a quarter of an hour to happen in.
    time.sleep(max(0.0, 60 * MINUTES - age))
    seconds = int(float(stack.query(AGE)[0]["value"][1]))
    fired = stack.query(
        "count by (alertname, service) (count_over_time("
        f'ALERTS{{alertstate="firing",container=~"|{PROJECT}-.*"}}[{seconds}s]))'
    )
    seen = {(each["metric"]["alertname"], each["metric"].get("service", "")) for each in fired}
    print(f"in {seconds / 60:.0f} minutes fired: {sorted(seen)}")
    assert {alert for alert in seen - ALWAYS if alert[0] not in BUSY_MACHINE} == set()
    reported = [m["text"] for m in stack.messages() if m["to"] != "ping"]
    assert [text for text in reported if not any(name in text for name in (*BUSY_MACHINE, "Container"))] == []


def test_the_home_page_knows_that_all_is_well(stack: Stack) -> None:
    """Its questions are answered by the real parts: a scrape, a fresh Watchdog, channels with their secrets."""
    html, script = (stack.session.get(stack.url + path, timeout=15).text for path in ("/", "/home.js"))
    shown = run_page(html, script, base=stack.url, now=datetime.now(UTC))
    alerts = stack.get("/alertmanager/api/v2/alerts")
    if not [
        alert for alert in alerts if alert["status"]["state"] == "active" and alert["labels"]["severity"] != "info"
    ]:
        assert shown.level() == "good"
        assert shown.text("state").startswith("All is well Nothing fires. Targets were scraped")
    for blind in ("Nothing is measured", "cannot deliver", "No one is notified", "Not known", "does not answer"):
        assert blind not in shown.text("state")
