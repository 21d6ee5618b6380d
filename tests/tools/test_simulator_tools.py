"""The simulator against the programs that it stands for: amtool for routes, a real Alertmanager for the rest."""

import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
import requests
import yaml

from generator.prove.simulate import Simulator, labels_of
from generator.render.alertmanager.config import render_alertmanager
from tests.support import tools
from tests.support.servers import free_port, server
from tests.support.waiting import until
from tests.unit.test_simulate import DEMO, SHOP, random_sets, recent, site

SETS: Final = 40
_WAIT: Final = 30.0
OTHER: Final = "other:80"


def config(text: str) -> dict[str, Any]:
    (found,) = (a.content for a in render_alertmanager(site(text)) if a.path == "alertmanager/alertmanager.yml")
    loaded: dict[str, Any] = yaml.safe_load(found)
    return loaded


@pytest.mark.parametrize("text", [DEMO, SHOP], ids=["the demo", "a shop"])
def test_amtool_routes_every_kind_of_alert_as_the_simulator_does(text: str, tmp_path: Path) -> None:
    (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump({**config(text), "templates": []}))
    simulator = Simulator(site(text))
    kinds = {(alert.severity, alert.owner, alert.name == "Watchdog"): alert for alert in site(text).alerts}
    assert len(kinds) > 3
    for alert in kinds.values():
        labels = {name: value for name, value in labels_of(alert).items() if "{{" not in value}
        (verdict,) = simulator.simulate([labels])
        words = ("config", "routes", "test", "--config.file=alertmanager.yml")
        given = [f"{name}={value}" for name, value in labels.items()]
        answer = tools.run("amtool", *words, *given, folder=tmp_path)
        assert answer.output.strip() == verdict.receiver, labels


# --- a real Alertmanager ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Inbox:
    """What the receivers were sent: receiver, incident and instance."""

    sent: list[tuple[str, str, str]] = field(default_factory=list)
    url: str = ""

    def about(self, incidents: set[str]) -> set[tuple[str, str]]:
        return {(receiver, incident) for receiver, incident, at in self.sent if incident in incidents and at == OTHER}


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    box = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            alerts = [each for each in body["alerts"] if each["status"] == "firing"]
            box.sent += [
                (body["receiver"], each["labels"]["incident"], each["labels"].get("instance", "")) for each in alerts
            ]
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            """Silence."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever)
    thread.start()
    box.url = f"http://127.0.0.1:{listener.server_port}"
    yield box
    listener.shutdown()
    thread.join()
    listener.server_close()


def hurried(route: dict[str, Any]) -> dict[str, Any]:
    """The same routes, at a pace for tests. What inhibits learns of an alert a moment later than what groups: on a busy
    machine a second is no more than that moment."""
    paces = {"group_wait": "5s", "group_interval": "5s", "repeat_interval": "1h"}
    children = [hurried(child) for child in route.get("routes", ())]
    return {**route, **paces, **({"routes": children} if children else {})}


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory, inbox: Inbox) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("simulate")
    rendered = config(SHOP)
    hook = {"webhook_configs": [{"url": inbox.url, "send_resolved": False}]}
    receivers = [{"name": each["name"], **(hook if len(each) > 1 else {})} for each in rendered["receivers"]]
    changed = {**rendered, "templates": [], "receivers": receivers, "route": hurried(rendered["route"])}
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(changed))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = (
        "--config.file=/etc/alertmanager/alertmanager.yml",
        "--storage.path=/tmp/data",
        "--cluster.listen-address=",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    with server("alertmanager", *arguments, mounts={folder: "/etc/alertmanager"}, ready=f"{url}/-/ready"):
        yield url


def post(url: str, alerts: list[dict[str, str]], over: bool = False) -> None:
    now = datetime.now(UTC)
    ends = now - timedelta(seconds=1) if over else now + timedelta(minutes=10)
    begun = (now - timedelta(minutes=1)).isoformat()
    body = [{"labels": labels, "startsAt": begun, "endsAt": ends.isoformat()} for labels in alerts]
    requests.post(f"{url}/api/v2/alerts", json=body, timeout=60).raise_for_status()


def judged(url: str) -> dict[str, tuple[str, frozenset[str]]]:
    """For each alert that Alertmanager has: its receiver, and the alerts that inhibit it."""
    alerts = requests.get(f"{url}/api/v2/alerts", timeout=60).json()
    names = {each["fingerprint"]: each["labels"]["incident"] for each in alerts}
    return {
        each["labels"]["incident"]: (
            each["receivers"][0]["name"],
            frozenset(names.get(source, source) for source in each["status"]["inhibitedBy"]),
        )
        for each in alerts
    }


def test_a_real_alertmanager_mutes_the_same_and_for_the_same_reason(alertmanager: str) -> None:
    simulator = Simulator(site(SHOP))
    muted = after = 0
    chance = random.Random(3)
    names = [service.name for service in site(SHOP).services]
    for some in chance.sample(random_sets(site(SHOP), 23), SETS):
        alerts = [*some, recent(site(SHOP), chance.choice(names))]
        expected = {v.labels["incident"]: v for v in simulator.simulate(alerts)}
        post(alertmanager, alerts)
        # Alerts reach the part that inhibits a moment after they were taken.
        found = until(partial(agreed, alertmanager, expected), "the same verdicts", _WAIT)
        assert {name: receiver for name, (receiver, _) in found.items()} == {
            name: verdict.receiver for name, verdict in expected.items()
        }
        for name, verdict in expected.items():
            sources = {labels["incident"] for labels in verdict.muted_by}
            # Of several reasons Alertmanager names one.
            assert bool(found[name][1]) == bool(sources), name
            assert found[name][1] <= sources
            muted += bool(sources)
            after += sources == {alerts[-1]["incident"]}
        post(alertmanager, alerts, over=True)
    assert muted > SETS
    assert after, "some are quiet for nothing but an outage that is over"


def agreed(url: str, expected: dict[str, Any]) -> dict[str, tuple[str, frozenset[str]]]:
    """What Alertmanager says, once it mutes the same alerts."""
    found = judged(url)
    assert {name: bool(sources) for name, (_, sources) in found.items()} == {
        name: bool(verdict.muted_by) for name, verdict in expected.items()
    }
    return found


def test_exactly_what_is_not_muted_is_sent_to_exactly_its_route(alertmanager: str, inbox: Inbox) -> None:
    inbox.sent.clear()
    of = site(SHOP)
    chance = random.Random(5)
    alerts = [labels_of(alert) for alert in of.alerts if alert.service in ("api", "cache", "queue", "far", "web")]
    alerts = chance.sample(alerts, 30) + [labels_of(a) for a in of.alerts if a.name in ("HostDown", "RedisDown")]
    # Alertmanager remembers what it sent of the sets above, and may send of them yet: these are others, by one label.
    alerts = list({labels["incident"]: {**labels, "instance": OTHER} for labels in alerts}.values())
    found = Simulator(of).simulate(alerts)
    expected = {(v.receiver, v.labels["incident"]) for v in found if v.notified}
    assert 0 < len(expected) < len(alerts) - 5
    post(alertmanager, alerts)
    incidents = {labels["incident"] for labels in alerts}
    until(lambda: inbox.about(incidents) == expected, "what is notified", _WAIT)
    # Long enough for another round of each group: what is muted stays so.
    time.sleep(6)
    assert inbox.about(incidents) == expected
