"""The whole way against a real Uptime Kuma: one server for all, which this file sets up and fills.

Uptime Kuma allows twenty logins a minute, so these tests are frugal: a plan, an apply or a client is one.
"""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import SecretStr

from generator import kuma
from generator.kuma import BootstrapResult, KumaError
from generator.kuma.client import KumaClient
from generator.kuma.wire import LiveMonitor, LiveState
from tests.kuma.container import running_kuma
from tests.kuma.samples import PASSWORD, monitors_file, write_file, write_secrets

# From where the server itself stands, as inside its container.
ITSELF = "http://127.0.0.1:3001/api/entry-page"

# What the browser's form sends for a TCP monitor, as far as these tests need it.
FORM = frozenset(
    {"type", "hostname", "port", "interval", "retryInterval", "resendInterval", "maxretries", "upsideDown", "timeout"}
    | {"accepted_statuscodes", "kafkaProducerBrokers", "kafkaProducerSaslOptions", "conditions", "rabbitmqNodes"}
)


class Desk:
    """A working copy beside a real server."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.secrets = write_secrets(folder / "secrets")
        self.file = folder / "monitors.json"
        self.first = kuma.bootstrap(url, self.secrets, startup_timeout=120)

    def plan(self, content: dict[str, Any]) -> kuma.KumaPlan:
        return kuma.plan(self.url, self.secrets, write_file(self.file, content))

    def apply(self, content: dict[str, Any]) -> kuma.KumaPlan:
        return kuma.apply(self.url, self.secrets, write_file(self.file, content)).plan

    def login(self) -> KumaClient:
        client = KumaClient(self.url).__enter__()
        client.login("admin", SecretStr(PASSWORD))
        return client

    def scrape(self, key: str) -> requests.Response:
        return requests.get(self.url + "/metrics", auth=("", key), timeout=60)

    def key(self) -> str:
        return (self.secrets / "kuma_api_key").read_text().strip()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One server, bootstrapped while it was still cold."""
    with running_kuma() as url:
        yield Desk(url, tmp_path_factory.mktemp("desk"))


def names(live: LiveState) -> list[str]:
    return sorted(str(monitor.fields["name"]) for monitor in live.monitors)


def named(live: LiveState, name: str) -> LiveMonitor:
    (found,) = (monitor for monitor in live.monitors if monitor.fields["name"] == name)
    return found


def test_a_cold_server_gets_its_admin_and_a_key_without_a_browser(desk: Desk) -> None:
    assert desk.first == BootstrapResult(admin_created=True, key_created=True)
    assert stat.S_IMODE((desk.secrets / "kuma_api_key").stat().st_mode) == 0o600


def test_bootstrap_again_makes_nothing(desk: Desk) -> None:
    key = desk.key()
    assert kuma.bootstrap(desk.url, desk.secrets) == BootstrapResult(admin_created=False, key_created=False)
    assert desk.key() == key


def test_what_is_declared_is_there_after_apply_and_nothing_is_left_to_plan(desk: Desk) -> None:
    content = monitors_file(ITSELF)
    desk.apply(content)
    plan = desk.plan(content)
    assert plan.changes == ()
    assert len(plan.unchanged) == 6


def test_one_changed_one_removed_and_a_handmade_one_untouched(desk: Desk) -> None:
    content = monitors_file(ITSELF)
    desk.apply(content)
    client = desk.login()
    template = client.get_monitor(named(client.snapshot(None), "cache").id)
    by_hand = {k: v for k, v in template.items() if k in FORM} | {"name": "my blog", "description": "by hand"}
    made = client.add_monitor(by_hand)
    before = client.get_monitor(made)

    content["monitors"][0]["interval"] = 120
    del content["monitors"][3]
    content["status_page"]["groups"][0]["monitors"] = ["api/http"]
    plan = desk.apply(content)

    assert [(c.action, c.key) for c in plan.changes] == [
        ("update", "api/http"),
        ("update", "status"),
        ("delete", "cache"),
    ]
    live = client.snapshot(None)
    assert names(live) == ["api", "api: health", "api: login", "my blog"]
    assert named(live, "api: health").fields["interval"] == 120
    assert client.get_monitor(made) == before
    client.delete_monitor(made)
    client.__exit__(None, None, None)


def test_a_group_that_goes_takes_no_handmade_monitor_with_it(desk: Desk) -> None:
    content = monitors_file(ITSELF)
    desk.apply(content)
    client = desk.login()
    live = client.snapshot(None)
    template = client.get_monitor(named(live, "cache").id)
    by_hand = {k: v for k, v in template.items() if k in FORM} | {"name": "guest", "description": ""}
    made = client.add_monitor(by_hand | {"parent": named(live, "api").id})

    content["monitors"] = content["monitors"][3:]
    content["status_page"]["groups"][0]["monitors"] = ["cache"]
    desk.apply(content)

    guest = client.get_monitor(made)
    assert (guest["name"], guest["parent"]) == ("guest", None)
    client.delete_monitor(made)
    client.__exit__(None, None, None)


def test_an_operators_pause_survives_a_change(desk: Desk) -> None:
    content = monitors_file(ITSELF)
    desk.apply(content)
    client = desk.login()
    cache = named(client.snapshot(None), "cache").id
    client.pause_monitor(cache)
    content["monitors"][3]["interval"] = 90
    assert desk.apply(content).paused == ("cache",)
    after = client.get_monitor(cache)
    assert (after["interval"], bool(after["active"])) == (90, False)
    client.delete_monitor(cache)
    client.__exit__(None, None, None)


def test_prometheus_gets_the_metrics_with_the_key_alone(desk: Desk) -> None:
    desk.apply(monitors_file(ITSELF))
    answer = desk.scrape(desk.key())
    assert answer.status_code == 200
    for name in ("api: health", "api: login"):
        assert f'monitor_name="{name}"' in answer.text
    assert (desk.scrape("nope").status_code, desk.scrape("").status_code) == (401, 401)
    assert requests.get(desk.url + "/metrics", auth=("admin", PASSWORD), timeout=60).status_code == 401


def test_a_lost_key_file_is_made_good_and_the_old_key_is_dead(desk: Desk) -> None:
    old = desk.key()
    (desk.secrets / "kuma_api_key").unlink()
    assert kuma.bootstrap(desk.url, desk.secrets).key_created
    assert desk.key() != old
    assert (desk.scrape(desk.key()).status_code, desk.scrape(old).status_code) == (200, 401)


def test_the_status_page_is_public(desk: Desk) -> None:
    desk.apply(monitors_file(ITSELF))
    page = requests.get(desk.url + "/api/status-page/status", timeout=60).json()
    shown = [(group["name"], [m["name"] for m in group["monitorList"]]) for group in page["publicGroupList"]]
    assert (page["config"]["title"], shown) == ("acme", [("Services", ["api: health", "cache"])])


def test_a_wrong_password_is_one_clear_error(desk: Desk, tmp_path: Path) -> None:
    secrets = write_secrets(tmp_path / "secrets")
    (secrets / "kuma_admin_password").write_text("not-The-Password-1\n")
    with pytest.raises(KumaError) as caught:
        kuma.bootstrap(desk.url, secrets)
    assert caught.value.message == "Uptime Kuma refused the user name or the password"
    assert "not-The-Password-1" not in caught.value.hint
