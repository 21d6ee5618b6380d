"""What the stack knows about a healthy demo: its log lines, its uptime, and every panel of every dashboard."""

import json
import time

import requests

from generator.kuma import apply, plan
from generator.kuma.client import KumaClient
from generator.prove.dashboards.live import failures, run_panels
from tests.e2e.stack import Stack
from tests.support.waiting import until


def test_a_line_that_the_api_wrote_is_found_by_its_request_id(stack: Stack) -> None:
    answer = requests.get(f"{stack.api_url}/items/7", timeout=10)
    request_id = answer.headers["X-Request-ID"]
    lines = until(lambda: stack.logs(f'{{service_name="api"}} | request_id="{request_id}"'), "the access line", 60)
    assert request_id in lines[0]


def test_log_lines_carry_their_service_and_environment(stack: Stack) -> None:
    labels = stack.get("/loki/loki/api/v1/labels")["data"]
    assert {"service_name", "environment"} <= set(labels)
    names = stack.get("/loki/loki/api/v1/label/service_name/values")["data"]
    assert {"api", "cache", "traffic", "prometheus", "alertmanager"} <= set(names)


def test_a_hand_made_monitor_survives_a_change_and_a_removal(stack: Stack) -> None:
    secrets, file = stack.root / "secrets", stack.root / "uptime-kuma" / "monitors.json"
    password = (secrets / "kuma_admin_password").read_text().strip()
    by_hand = _add_by_hand(stack, password)
    desired = json.loads(file.read_text())
    http = next(each for each in desired["monitors"] if each["type"] == "http" and each["key"].startswith("api/"))
    http["interval"] = 120
    changed = stack.root / "changed.json"
    changed.write_text(json.dumps(desired))
    assert [c.action for c in apply(stack.kuma_url, secrets, changed).plan.changes] == ["update"]
    desired["monitors"].remove(http)
    for group in (desired.get("status_page") or {}).get("groups", []):
        group["monitors"] = [key for key in group["monitors"] if key != http["key"]]
    changed.write_text(json.dumps(desired))
    actions = [(c.action, c.kind) for c in apply(stack.kuma_url, secrets, changed).plan.changes]
    assert ("delete", "monitor") in actions
    apply(stack.kuma_url, secrets, file)
    assert plan(stack.kuma_url, secrets, file).empty
    with KumaClient(stack.kuma_url) as client:
        _login(client, password)
        assert client.get_monitor(by_hand)["name"] == "made by hand"
        client.delete_monitor(by_hand)


def _add_by_hand(stack: Stack, password: str) -> int:
    with KumaClient(stack.kuma_url) as client:
        _login(client, password)
        template = {"type": "http", "name": "made by hand", "url": "http://caddy:8080/", "method": "GET"}
        defaults = {"interval": 60, "retryInterval": 60, "resendInterval": 0, "maxretries": 0, "timeout": 10}
        rest = {"maxredirects": 10, "accepted_statuscodes": ["200-299"], "notificationIDList": {}, "ignoreTls": False,
                "upsideDown": False, "expiryNotification": False, "kafkaProducerBrokers": [],
                "kafkaProducerSaslOptions": {"mechanism": "None"}}  # fmt: skip
        return client.add_monitor({**template, **defaults, **rest})


def _login(client: KumaClient, password: str) -> None:
    from pydantic import SecretStr

    from generator.kuma.bootstrap import ADMIN

    client.login(ADMIN, SecretStr(password))


def test_every_panel_of_every_dashboard_shows_data_or_says_why_not(stack: Stack) -> None:
    folder = stack.root / "grafana" / "dashboards"
    files = {str(path.relative_to(stack.root)): path.read_text() for path in sorted(folder.rglob("*.json"))}
    assert len(files) >= 6

    def failing() -> list[str]:
        results = run_panels(files, f"{stack.url}/prometheus", f"{stack.url}/loki", time.time())
        print(f"{len(results)} queries of {len(files)} dashboards")
        return failures(results)

    def all_there() -> bool:
        assert (found := failing()) == [], "\n".join(found)
        return True

    until(all_there, "data in every panel", 200, every=10)
