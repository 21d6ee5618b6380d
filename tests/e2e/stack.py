"""The real stack, brought up by `make up` from a copy of this repository, and gone afterwards.

It runs beside a stack of yours, and beside others of its kind: LOOKOUT_E2E_LANE=1 … 9 gives each its own project name,
network and ports. Slack, Telegram and the dead man's switch are one container on the stack's own network that speaks
their protocols.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import requests

from generator.clients.docker import docker_environment
from tests.e2e.certificates import make_authority
from tests.support.checkout import begin
from tests.support.waiting import until

LANE: Final = int(os.environ.get("LOOKOUT_E2E_LANE", "0"))
PROJECT: Final = f"lookout-e2e{LANE or ''}"
# Its own containers, and those that its drills start. What other tests start on this machine is theirs.
OWN: Final = f"{PROJECT}-.+"
ENVIRONMENT: Final = {
    "COMPOSE_PROJECT_NAME": PROJECT,
    "LOOKOUT_NETWORK": PROJECT,
    "LOOKOUT_PORT": str(18080 + 100 * LANE),
    "LOOKOUT_KUMA_PORT": str(13001 + 100 * LANE),
    "LOOKOUT_DEMO_PORT": str(18000 + 100 * LANE),
    "COMPOSE_FILE": "compose.yaml:compose.rendered.yaml:tests/e2e/compose.ca.yaml",
}
PUBLIC_NAME: Final = "shop.acme.test"
SECRETS: Final = {
    "slack_ops": "http://receivers:8080/services/T000/B000/e2e",
    "telegram_token": "123456789:e2e-token-of-thirty-five-letters-ab",
    "healthchecks_url": "http://receivers:8080/ping/e2e",
}
# Other tests keep the machine busy, and stop servers on it while they are asked; containers' networks are not its own.
BUSY_MACHINE: Final = {
    "HostConnectionsRefused",
    "HostCpuCritical",
    "HostCpuHigh",
    "HostDiskFilling",
    "HostDiskLow",
    "HostMemoryHigh",
}


@dataclass
class Stack:
    """A copy of the repository with a running stack. `url` is Caddy's local entry."""

    root: Path
    boot_seconds: float = 0.0
    receivers: str = ""
    url: str = "http://127.0.0.1:" + ENVIRONMENT["LOOKOUT_PORT"]
    kuma_url: str = "http://127.0.0.1:" + ENVIRONMENT["LOOKOUT_KUMA_PORT"]
    api_url: str = "http://127.0.0.1:" + ENVIRONMENT["LOOKOUT_DEMO_PORT"]
    session: requests.Session = field(default_factory=requests.Session)
    commands: list["subprocess.Popen[str]"] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {**docker_environment(self.root), **ENVIRONMENT, "LOOKOUT_TEST_CA": str(self.root / "ca")}

    def run(self, *command: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """A command in the copy; output captured, exit code the caller's. What it starts ends with it, at the latest
        when this is interrupted."""
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, cwd=self.root, env=self.environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        ) as process:
            self.commands.append(process)
            try:
                out, err = process.communicate(timeout=timeout)
            except BaseException:
                _end(process)
                raise
            finally:
                self.commands.remove(process)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def interrupt(self) -> None:
        """End the commands that run in other threads."""
        for process in list(self.commands):
            _end(process)

    def must(self, *command: str, timeout: float = 900) -> str:
        """The output of a command that has to succeed."""
        done = self.run(*command, timeout=timeout)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def compose(self, *arguments: str) -> str:
        return self.must("docker", "compose", *arguments)

    def services(self) -> dict[str, dict[str, Any]]:
        """Compose's view of every container, by service."""
        rows = self.compose("ps", "--all", "--format", "json").splitlines()
        return {row["Service"]: row for row in map(json.loads, rows)}

    def starts(self) -> dict[str, str]:
        """When each container was started: unchanged means that it was not restarted."""
        ids = {name: row["ID"] for name, row in self.services().items()}
        form = "{{.State.StartedAt}} {{.RestartCount}}"
        return {name: self.must("docker", "inspect", "--format", form, each).strip() for name, each in ids.items()}

    def get(self, path: str, **params: str) -> Any:
        """JSON from the local entry."""
        response = self.session.get(self.url + path, params=params, timeout=15)
        response.raise_for_status()
        return response.json()

    def query(self, expr: str) -> list[dict[str, Any]]:
        """An instant query at Prometheus."""
        found: list[dict[str, Any]] = self.get("/prometheus/api/v1/query", query=expr)["data"]["result"]
        return found

    def logs(self, query: str, since: str = "15m") -> list[str]:
        """Log lines from Loki, newest first."""
        data = self.get("/loki/loki/api/v1/query_range", query=query, since=since, limit="100")["data"]["result"]
        return [line for stream in data for _, line in stream["values"]]

    def alerts(self, *states: str) -> set[tuple[str, str]]:
        """(alertname, service) of what is in one of these states in Prometheus now."""
        alerts = self.get("/prometheus/api/v1/alerts")["data"]["alerts"]
        found = [alert["labels"] for alert in alerts if alert["state"] in states]
        return {(labels["alertname"], labels.get("service", "")) for labels in found if is_ours(labels)}

    def firing(self) -> set[tuple[str, str]]:
        """What fires in Prometheus now."""
        return self.alerts("firing")

    def firing_now(self) -> set[tuple[str, str]]:
        """What fires, apart from what these tests do to the machine itself: they keep it busy."""
        return {alert for alert in self.firing() if alert[0] not in BUSY_MACHINE}

    def messages(self) -> list[dict[str, Any]]:
        """Everything that the receivers got so far, oldest first."""
        script = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080/messages').read().decode())"
        found: list[dict[str, Any]] = json.loads(self.must("docker", "exec", self.receivers, "python3", "-c", script))
        return found

    def edit(self, old: str, new: str) -> None:
        """Change services.yaml as a user would."""
        path = self.root / "services.yaml"
        text = path.read_text()
        assert old in text, f"{old!r} is not in services.yaml"
        path.write_text(text.replace(old, new, 1))


def is_ours(labels: Mapping[str, str]) -> bool:
    """Whether an alert is of this stack: other tests' containers, on the same machine, are none of its concern."""
    return "container" not in labels or labels["container"].startswith(f"{PROJECT}-")


def _end(process: "subprocess.Popen[str]") -> None:
    """End a command and all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def boot(stack: Stack) -> None:
    """Clone, point the channels at the receivers, `make up` as the README says, and start the receivers."""
    root = stack.root
    rest = begin(root)
    make_authority(root / "ca", PUBLIC_NAME)
    stack.edit("token: secret:telegram_token}", "token: secret:telegram_token, api: 'http://receivers:8080'}")
    stack.edit("\nservices:\n", "\nwatchdog: {ping: secret:healthchecks_url}\n\nservices:\n")
    stack.edit("vps: {owner: ana}", f"vps: {{owner: ana, params: {{containers: {{watched: 'container=~\"{OWN}\"'}}}}}}")
    (root / "secrets").mkdir(mode=0o700, exist_ok=True)
    for name, value in SECRETS.items():
        (root / "secrets" / name).write_text(value)
    started = time.monotonic()
    with ThreadPoolExecutor(max_workers=1) as pool:
        up = pool.submit(stack.must, "bash", "-euo", "pipefail", "-c", rest, timeout=5400)
        try:
            stack.receivers = _start_receivers(stack, up)
            print(up.result()[-3000:])
        except BaseException:
            # The pool would wait for all of `make up`.
            stack.interrupt()
            raise
    stack.boot_seconds = time.monotonic() - started


def image(stack: Stack, name: str) -> str:
    """The reference that this machine uses for an image."""
    lines = (stack.root / ".env").read_text().splitlines()
    return next(line.split("=", 1)[1] for line in lines if line.startswith(f"IMAGE_{name}="))


def _start_receivers(stack: Stack, up: "Future[str]") -> str:
    """As soon as their network is there: Alertmanager's very first message should find someone."""
    network = ("docker", "network", "inspect", f"{PROJECT}_core")
    until(lambda: up.done() or stack.run(*network).returncode == 0, "the network of the stack", 5400)
    if up.done():
        up.result()  # says why there is none
    return stack.must(
        "docker", "run", "--detach", "--network", f"{PROJECT}_core", "--network-alias", "receivers",
        "--volume", f"{stack.root / 'tests'}:/srv/tests:ro", "--workdir", "/srv", "--user", "65534:65534",
        image(stack, "PYTHON"), "python3", "-m", "tests.support.receivers", "--host", "0.0.0.0", "--port", "8080",
    ).strip()  # fmt: skip


def tear_down(stack: Stack) -> None:
    """Remove containers, volumes and networks of this run."""
    if stack.receivers:
        stack.run("docker", "rm", "--force", "--volumes", stack.receivers)
    profiles = ("--profile", "demo", "--profile", "grafana", "--profile", "errors")
    stack.run("docker", "compose", *profiles, "down", "--volumes", "--remove-orphans", "--timeout", "5")
    stack.run("docker", "network", "rm", ENVIRONMENT["LOOKOUT_NETWORK"])
