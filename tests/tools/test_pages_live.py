"""The pages of ours behind the rendered Caddyfile in a real Caddy, with a real Alertmanager behind it."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from generator.conventions import (
    DELIVERY_FILE,
    LOCAL_PORT,
    SECRETS_MOUNT,
)
from generator.parts.table import PORTS
from generator.render.caddy.config import render_caddy
from generator.render.caddy.home import render_home
from generator.secrets.files import MOUNTED, ensure_secrets
from generator.secrets.values import FOLDER
from tests.support import tools
from tests.support.page import Shown, run_page
from tests.support.servers import free_port, server, wait_for
from tests.unit.dashboards import dashboard_site

LABELS: Final = {"alertname": "ServiceDown", "service": "api", "instance": "api:8000", "severity": "critical"}
OTHER: Final = {"alertname": "ServiceDown", "service": "web", "severity": "critical"}


@dataclass(frozen=True, slots=True)
class Lab:
    """The endpoint, what it serves, and Alertmanager itself."""

    base: str
    site: Path
    alertmanager: str

    def open(self, page: str, script_: str, hash_: str = "", act: str = "") -> Shown:
        """A page as a browser that came by the endpoint runs it: each request carries the endpoint as its origin."""
        html = requests.get(f"{self.base}/{page}", timeout=60)
        script = requests.get(f"{self.base}/{script_}", timeout=60)
        assert html.ok and script.ok
        return run_page(html.text, script.text, base=self.base, hash_=hash_, act=act, now=datetime.now(UTC))

    def alert(self, service: str) -> dict[str, Any]:
        alerts = requests.get(f"{self.alertmanager}/api/v2/alerts", timeout=60).json()
        return next(each for each in alerts if each["labels"]["service"] == service)

    def silences(self) -> list[dict[str, Any]]:
        every = requests.get(f"{self.alertmanager}/api/v2/silences", timeout=60).json()
        return [each for each in every if each["status"]["state"] == "active"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("pages")
    (folder / "alertmanager").mkdir()
    (folder / "alertmanager/alertmanager.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    port = free_port()
    url = f"http://127.0.0.1:{port}/alertmanager"
    arguments = (
        "--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/tmp/data", "--cluster.listen-address=",
        f"--web.listen-address=127.0.0.1:{port}", "--web.route-prefix=/alertmanager",
    )  # fmt: skip
    mounts = {folder / "alertmanager": "/etc/alertmanager"}
    with server("alertmanager", *arguments, mounts=mounts, ready=f"{url}/-/ready"), _caddy(folder, port) as base:
        yield Lab(base, folder / "site", url)


@contextmanager
def _caddy(folder: Path, alertmanager: int) -> Iterator[str]:
    """The rendered endpoint of this machine, with this machine's ports and folders in it."""
    site = dashboard_site()
    ensure_secrets(site, folder)
    for artifact in (*render_caddy(site), *render_home(site)):
        path = folder / artifact.path.removeprefix("caddy/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(artifact.content, encoding="utf-8")
    port, metrics, kuma = free_port(), free_port(), free_port()
    # A socket's address is short.
    with tempfile.TemporaryDirectory(prefix="caddy-") as run:
        text = (folder / "Caddyfile").read_text(encoding="utf-8")
        for old, new in (
            ("unix//tmp/admin.sock", f"unix/{run}/admin.sock"),
            (f"http://:{LOCAL_PORT} ", f"http://127.0.0.1:{port} "),
            (f"http://:{PORTS['caddy']} ", f"http://127.0.0.1:{metrics} "),
            ("http://:3001 ", f"http://127.0.0.1:{kuma} "),
            (f"alertmanager:{PORTS['alertmanager']}", f"127.0.0.1:{alertmanager}"),
            ("/srv/site", str(folder / "site")),
            (SECRETS_MOUNT, str(folder / FOLDER / MOUNTED / "caddy")),
        ):
            assert old in text, f"the Caddyfile has no {old}"
            text = text.replace(old, new)
        (folder / "Caddyfile").write_text(text, encoding="utf-8")
        command = [str(tools.tool("caddy")), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
        environment = {**os.environ, "XDG_DATA_HOME": run, "XDG_CONFIG_HOME": run}
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as caddy:
            try:
                wait_for(f"http://127.0.0.1:{port}/", "")
                yield f"http://127.0.0.1:{port}"
            finally:
                caddy.terminate()


@pytest.fixture
def firing(lab: Lab) -> None:
    """Two alerts of one name, and no silence left of another test."""
    for each in lab.silences():
        requests.delete(f"{lab.alertmanager}/api/v2/silence/{each['id']}", timeout=60).raise_for_status()
    ends = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    body = [{"labels": labels, "annotations": {"summary": "it is down"}, "endsAt": ends} for labels in (LABELS, OTHER)]
    requests.post(f"{lab.alertmanager}/api/v2/alerts", json=body, timeout=60).raise_for_status()


FILL: Final = 'by("who").value = "ana"; by("why").value = "moving it"; await by("form").fire("submit"); await settle();'


def test_a_silence_from_the_link_of_a_message_holds_for_its_alert_alone_and_can_be_ended(
    lab: Lab, firing: None
) -> None:
    shown = lab.open("silence.html", "silence.js", "#alertname=ServiceDown&service=api&instance=api:8000", FILL)
    assert shown.text("said").startswith("Silenced until"), shown.text("said")
    (made,) = lab.silences()
    assert (made["createdBy"], made["comment"]) == ("ana", "moving it")
    assert {each["name"]: each["value"] for each in made["matchers"]} == {
        "alertname": "ServiceDown", "service": "api", "instance": "api:8000",
    }  # fmt: skip
    lasts = datetime.fromisoformat(made["endsAt"]) - datetime.fromisoformat(made["startsAt"])
    # It begins when Alertmanager has it, if that is later.
    assert timedelta(hours=2) - timedelta(seconds=10) < lasts <= timedelta(hours=2)
    assert lab.alert("api")["status"]["silencedBy"] == [made["id"]]
    assert lab.alert("web")["status"]["silencedBy"] == []
    assert "ana: moving it" in shown.text("standing")
    ended = lab.open("silence.html", "silence.js", act='await click(by("standing").querySelector("button"));')
    assert ended.text("said").startswith("Ended"), ended.text("said")
    assert lab.silences() == []
    assert lab.alert("api")["status"]["state"] == "active"


def test_alertmanagers_own_words_are_shown_when_it_refuses(lab: Lab, firing: None) -> None:
    # A body that is cut off on its way.
    cut = 'fetch = (all => (path, how) => all(path, how.body ? { ...how, body: "{" } : how))(fetch); '
    shown = lab.open("silence.html", "silence.js", "#service=api", cut + FILL)
    assert shown.text("said").startswith("Not silenced Alertmanager did not take it: "), shown.text("said")
    assert lab.silences() == []


@pytest.mark.parametrize(("method", "path"), [("POST", "silences"), ("DELETE", "silence/x")])
def test_another_sites_page_silences_and_ends_nothing(lab: Lab, firing: None, method: str, path: str) -> None:
    url = f"{lab.base}/alertmanager/api/v2/{path}"
    body = {
        "matchers": [{"name": "service", "value": "api", "isRegex": False, "isEqual": True}],
        "startsAt": datetime.now(UTC).isoformat(), "endsAt": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        "createdBy": "eve", "comment": "x",
    }  # fmt: skip
    answer = requests.request(method, url, json=body, headers={"Origin": "https://evil.example"}, timeout=60)
    assert answer.status_code == 403
    assert lab.silences() == []


def test_the_home_page_without_prometheus_is_red_and_shows_what_fires(lab: Lab, firing: None) -> None:
    shown = lab.open("", "home.js")
    assert shown.level() == "bad"
    assert shown.text("state").startswith("Nothing is measured Prometheus does not answer.")
    assert "2 alerts fire" in shown.text("state")
    assert "No one is notified" in shown.text("state"), "no secret is there, and the page was reported which"


def test_of_the_secrets_only_the_list_of_channels_is_served(lab: Lab) -> None:
    answer = requests.get(f"{lab.base}/{DELIVERY_FILE}", timeout=60)
    assert {each["secret"]: each["there"] for each in answer.json()["channels"]} != {}
    assert answer.headers["Cache-Control"] == "no-store"
    secret = lab.site.parent / FOLDER / MOUNTED / "caddy/web_password_hash"
    secret.write_text("a hash")
    for path in ("web_password_hash", f"{DELIVERY_FILE}/../web_password_hash", f"{DELIVERY_FILE}/web_password_hash"):
        found = requests.Request("GET", lab.base).prepare()
        found.url = f"{lab.base}/{path}"
        with requests.Session() as session:
            assert session.send(found, timeout=60).status_code in (400, 404)


def test_the_pages_run_no_script_of_another_place(lab: Lab) -> None:
    for page in ("", "silence.html"):
        answer = requests.get(f"{lab.base}/{page}", timeout=60)
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-cache"
        for asset in re.findall(r'(?:src|rel="stylesheet" href)="/([^"]+)"', answer.text):
            assert requests.get(f"{lab.base}/{asset}", timeout=60).ok, asset
        assert not re.search(r"<script>|<style>|\son\w+=|\sstyle=", answer.text), "what the policy would not run"
