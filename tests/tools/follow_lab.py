"""A real Prometheus, Alertmanager, blackbox exporter and Caddy over one rendered tree, to try what follows an edit.

They run as compose.yaml runs them, without compose: what apply asks of it is done by the docker client, and counted.
"""

import subprocess
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import requests
import yaml

from generator.apply import bugsink, caddy, reloading, run, running, starting
from generator.apply.reconcilers import RECONCILERS
from generator.apply.running import Running
from generator.artifact import Artifact
from generator.pipeline import resolve_text
from generator.render.alertmanager import config as alertmanager
from generator.render.caddy.config import render_caddy
from generator.render.prometheus.blackbox import render_blackbox
from generator.render.prometheus.config import render_with_rules
from generator.secrets.files import ensure_secrets
from generator.site.model import Site
from generator.store.plan import plan_tree, write_plan
from tests.support import tools
from tests.support.servers import free_port, wait_for

PARTS: Final = ("prometheus", "alertmanager", "blackbox", "caddy")
_SERVICE: Final[Mapping[str, str]] = {"blackbox": "blackbox-exporter"}
_PORTS: Final[Mapping[str, int]] = {"prometheus": 9090, "alertmanager": 9093, "blackbox-exporter": 9115, "caddy": 2020}
_MOUNTS: Final[Mapping[str, tuple[str, str]]] = {
    "prometheus": ("prometheus", "/etc/prometheus"),
    "alertmanager": ("alertmanager", "/etc/alertmanager"),
    "blackbox-exporter": ("prometheus", "/etc/prometheus"),
    "caddy": ("caddy", "/etc/caddy"),
}
_COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "prometheus": (
        "--config.file=/etc/prometheus/prometheus.yml",
        "--storage.tsdb.path=/tmp/data",
        "--web.route-prefix=/prometheus/",
        "--web.enable-otlp-receiver",
    ),
    "alertmanager": (
        "--config.file=/etc/alertmanager/alertmanager.yml",
        "--storage.path=/tmp/data",
        "--cluster.listen-address=",
        "--web.route-prefix=/alertmanager/",
    ),
    "blackbox-exporter": ("--config.file=/etc/prometheus/blackbox.yml",),
    "caddy": ("caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"),
}
_READY: Final[Mapping[str, str]] = {
    "prometheus": "/prometheus/-/ready",
    "alertmanager": "/alertmanager/-/ready",
    "blackbox-exporter": "/-/healthy",
    "caddy": "/healthz",
}


@dataclass(frozen=True, slots=True)
class LiveRunning(Running):
    """As a Running, but each part is asked at a port of its own."""

    ports: Mapping[str, int] = field(default_factory=dict)

    def inside(self, url: str) -> str:
        """What Caddy's container would get."""
        parts = urlsplit(url)
        service = "caddy" if parts.hostname == "127.0.0.1" else str(parts.hostname)
        return _get(f"http://127.0.0.1:{self.ports[service]}{parts.path}").text


@dataclass
class Lab:
    """The tree, the containers of its parts, and what apply asked of compose."""

    root: Path
    text: str
    containers: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    calls: list[tuple[str, ...]] = field(default_factory=list)
    entry: str = ""

    def running(self) -> LiveRunning:
        """What plan and apply are given for services.yaml as it is now."""
        site, artifacts = rendered(self.text)
        return LiveRunning(self.root, site, {each.path: each for each in artifacts}, self.entry, "", ports=self.ports)

    def write(self) -> LiveRunning:
        """Write the rendered tree and the shares of secrets."""
        of = self.running()
        write_plan(plan_tree(of.artifacts.values(), self.root))
        ensure_secrets(of.site, self.root)
        self.open()
        return of

    def open(self) -> None:
        """Let the containers' users read the tree, without touching what they read already."""
        for path in (self.root, *self.root.rglob("*")):
            mode = path.stat().st_mode | (0o055 if path.is_dir() else 0o044)
            if path.stat().st_mode != mode:
                path.chmod(mode)

    def plan(self) -> dict[str, list[str]]:
        """The parts that `plan` says would follow, with its sentences."""
        of = self.running()
        drifts = {each.name: each.drift(of) for each in RECONCILERS if each.name in PARTS}
        return {name: sentences for name, sentences in drifts.items() if sentences}

    def apply(self) -> list[str]:
        """Write, and have every part follow; what `apply` complains of."""
        return self.follow(self.write())

    def follow(self, of: LiveRunning) -> list[str]:
        """Have every part follow what is on the disk; what `apply` complains of."""
        return [found.message for each in RECONCILERS if each.name in PARTS for found in each.apply(of)]

    def reloads(self) -> list[str]:
        """The parts that were asked to load again since this was last called."""
        asked = [call[-1] if call[0] == "kill" else "caddy" for call in self.calls if _is_reload(call)]
        names = {service: name for name, service in _SERVICE.items()}
        self.calls.clear()
        return sorted(names.get(service, service) for service in asked)

    def json(self, path: str) -> Any:
        """The answer of a part."""
        return self.running_get(path).json()

    def running_get(self, path: str) -> requests.Response:
        return _get(f"http://127.0.0.1:{self.ports[path.split('/')[1]]}{path}")

    def rules(self, name: str) -> list[dict[str, Any]]:
        """The loaded rules of one name."""
        groups = self.json("/prometheus/api/v1/rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"] if rule["name"] == name]

    def config(self) -> dict[str, Any]:
        """Prometheus' loaded configuration."""
        found: dict[str, Any] = yaml.safe_load(self.json("/prometheus/api/v1/status/config")["data"]["yaml"])
        return found

    def job(self, name: str) -> dict[str, Any]:
        """A scrape job as it is loaded; empty when there is none."""
        return next((job for job in self.config()["scrape_configs"] if job["job_name"] == name), {})

    def routing(self) -> dict[str, Any]:
        """Alertmanager's loaded configuration."""
        found: dict[str, Any] = yaml.safe_load(self.json("/alertmanager/api/v2/status")["config"]["original"])
        return found

    def refused_by_caddy(self, path: str) -> str:
        """What is said of a request at the local entry that fails."""
        url = f"http://127.0.0.1:8080{path}"
        return tools.docker("exec", self.containers["caddy"], "wget", "-O-", url).stderr

    def compose(self, root: Path, *arguments: str, **_: Any) -> "subprocess.CompletedProcess[str]":
        """What compose would do, with the container of the service."""
        self.calls.append(arguments)
        if arguments[0] == "exec":
            return tools.docker("exec", self.containers[arguments[2]], *arguments[3:])
        *command, service = (each for each in arguments if each != "--no-log-prefix")
        done = tools.docker(*command, self.containers[service])
        return subprocess.CompletedProcess(command, done.returncode, done.stdout + done.stderr, done.stderr)

    def starts(self) -> str:
        """When each container was started, and how often."""
        form = "{{.State.StartedAt}} {{.RestartCount}}"
        return tools.docker("inspect", "--format", form, *self.containers.values()).stdout


@lru_cache(maxsize=4)
def rendered(text: str) -> tuple[Site, tuple[Artifact, ...]]:
    """What a services.yaml means, and what it renders to for these parts: proofs and pages are of no interest here."""
    site, _ = resolve_text(text, "services.yaml")
    renderers = (render_with_rules, render_blackbox, alertmanager.render_alertmanager, render_caddy)
    return site, tuple(artifact for render in renderers for artifact in render(site))


def _is_reload(call: tuple[str, ...]) -> bool:
    return call[0] == "kill" or call[3:5] == ("caddy", "reload")


def _get(url: str) -> requests.Response:
    response = requests.get(url, timeout=60)
    response.raise_for_status()
    return response


@contextmanager
def _local_entry(ports: Mapping[str, int]) -> Iterator[str]:
    """Where every part is asked, as at the local entry of a stack: the first word of a path names it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = requests.get(f"http://127.0.0.1:{ports[self.path.split('/')[1]]}{self.path}", timeout=60)
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()


@contextmanager
def lab(root: Path, text: str) -> Iterator[Lab]:
    """All four parts, ready, with what `text` renders to."""
    ports: dict[str, int] = {}
    with _local_entry(ports) as entry:
        yield from _started(Lab(root, text, ports=ports, entry=entry))


def _started(made: Lab) -> Iterator[Lab]:
    root = made.root
    made.write()
    (root / "prometheus" / "custom").mkdir()
    made.open()
    with pytest.MonkeyPatch.context() as patch:
        for module in (bugsink, caddy, reloading, run, running, starting):
            patch.setattr(module, "compose", made.compose)
        try:
            for service in _COMMANDS:
                _start(made, service)
            for service, path in _READY.items():
                wait_for(f"http://127.0.0.1:{made.ports[service]}{path}", made.containers[service])
            yield made
        finally:
            tools.docker("rm", "--force", "--volumes", *made.containers.values())


def _start(made: Lab, service: str) -> None:
    made.ports[service] = free_port()
    folder, target = _MOUNTS[service]
    share = made.root / "secrets" / ".mounted" / service
    secrets = ["--volume", f"{share}:/run/secrets:ro"] if share.is_dir() else []
    done = tools.docker(
        "run", "--detach", "--name", f"follow-{service}-{uuid.uuid4().hex[:12]}",
        "--publish", f"127.0.0.1:{made.ports[service]}:{_PORTS[service]}",
        "--volume", f"{made.root / folder}:{target}:ro", *secrets,
        tools.image(service), *_COMMANDS[service],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    made.containers[service] = done.stdout.strip()
