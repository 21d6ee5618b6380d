"""Bugsink, the bridge and Alertmanager as compose.yaml runs them, in containers on the loopback, for one test module.

Owns how they are started, and the one difference: ports are free ones. Commands, users, settings and limits come from
compose.yaml and from what is rendered for the site.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import requests
import yaml

from generator.bugsink import Outcome, apply, plan
from generator.clients.docker import docker_environment
from generator.pipeline import compile_text
from generator.render.compose import COMPOSE_FILE
from generator.secrets.files import ensure_secrets
from generator.site.model import Site
from tests.support import tools
from tests.support.receivers import Receivers
from tests.support.servers import free_port, server, wait_for

SITE: Final = """\
stack: {name: acme, errors: bugsink}
people: {ana: }
channels:
  ops: {slack: {channel: "#ops", webhook: secret:slack_ops}}
notify: {warning: [ops], critical: [ops]}
services:
  api: {kind: http, targets: ["api:8000"]}
  shop-worker: {kind: http, targets: ["shop-worker:8000"]}
"""
_REPORT: Final = """\
import sys, sentry_sdk
sentry_sdk.init(sys.argv[1], release=sys.argv[2], environment="production")
sentry_sdk.get_isolation_scope().set_transaction_name("GET /orders/{id}")
kind = type(sys.argv[3], (Exception,), {})
try:
    raise kind("card of ana@acme.dev was declined")
except Exception:
    sentry_sdk.capture_exception()
sentry_sdk.flush(10)
"""


@dataclass(frozen=True, slots=True)
class Lab:
    """What runs, and where."""

    root: Path
    receivers: Receivers
    bugsink: str
    bridge: str
    bugsink_port: int
    bridge_port: int
    alertmanager: str

    def apply(self, text: str = SITE) -> Outcome:
        """What `make apply` does to Bugsink."""
        return apply(site_of(text), self._secrets(text), self._inside)

    def plan(self, text: str = SITE) -> Outcome:
        """What `make plan` says of it."""
        return plan(site_of(text), self._secrets(text), self._inside)

    def secret(self, name: str) -> str:
        """The content of a secret file."""
        return (self.root / "secrets" / name).read_text(encoding="utf-8").strip()

    def report(self, service: str, release: str, kind: str) -> None:
        """An app raises an exception, and the Sentry SDK reports it to the address in the service's secret."""
        dsn = self.secret(f"{service}_sentry_dsn").replace("bugsink:8000", f"127.0.0.1:{self.bugsink_port}")
        done = self._run(self.bugsink, ("python", "-c", _REPORT, dsn, release, kind), "")
        assert done.returncode == 0, done.stderr

    def django(self, script: str) -> str:
        """What a script that knows Bugsink's models prints."""
        done = self._inside(("bugsink-manage", "shell", "--no-imports", "-c", script), "")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def log(self, container: str) -> str:
        """All that a container has written."""
        done = tools.docker("logs", container)
        return done.stdout + done.stderr

    def resident(self, container: str) -> int:
        """Bytes of memory that its processes hold: what all share is counted once for each."""
        script = "cat /proc/[0-9]*/status 2>/dev/null | grep VmRSS"
        lines = self._run(container, ("sh", "-c", script), "").stdout
        return sum(int(size) for size in re.findall(r"VmRSS:\s+(\d+) kB", lines)) * 1024

    def metric(self, series: str) -> float:
        """A number on the bridge's page."""
        page = requests.get(f"http://127.0.0.1:{self.bridge_port}/metrics", timeout=60).text
        found = re.search(rf"^{re.escape(series)} (\S+)$", page, re.MULTILINE)
        assert found, f"{series} is not in\n{page}"
        return float(found[1])

    def _secrets(self, text: str) -> Path:
        ensure_secrets(site_of(text), self.root)
        return self.root / "secrets"

    def _inside(self, command: tuple[str, ...], text: str) -> subprocess.CompletedProcess[str]:
        return self._run(self.bugsink, command, text)

    def _run(self, container: str, command: tuple[str, ...], text: str) -> subprocess.CompletedProcess[str]:
        words = ["docker", "exec", "--interactive", container, *command]
        environment = docker_environment(tools.REPOSITORY)
        return subprocess.run(
            words, input=text, env=environment, capture_output=True, text=True, timeout=120, check=False
        )


def site_of(text: str) -> Site:
    """The Site that a services.yaml means."""
    return compile_text(text, "services.yaml").site


@contextmanager
def running_lab(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Everything up, nothing set up yet."""
    compiled = compile_text(SITE, "services.yaml")
    files = {artifact.path: artifact.content for artifact in compiled.artifacts}
    bugsink_port, bridge_port, alertmanager_port = free_port(), free_port(), free_port()
    monkeypatch.setattr("generator.bugsink.provision.PORTS", {"bugsink-bridge": bridge_port})
    ensure_secrets(compiled.site, root)
    with Receivers() as receivers, ExitStack() as started:
        url = f"http://127.0.0.1:{alertmanager_port}/alertmanager"
        _write_configuration(root, files, receivers.url, bugsink_port, url)
        mounts = {root / "alertmanager": "/etc/alertmanager", root / "given": "/run/secrets"}
        arguments = (
            "--config.file=/etc/alertmanager/alertmanager.yml",
            "--storage.path=/tmp/data",
            "--cluster.listen-address=",
            f"--web.listen-address=127.0.0.1:{alertmanager_port}",
            "--web.external-url=http://localhost:8080/alertmanager",
            "--web.route-prefix=/alertmanager",
        )
        started.enter_context(server("alertmanager", *arguments, mounts=mounts, ready=f"{url}/-/ready"))
        rendered = yaml.safe_load(files[COMPOSE_FILE])["services"]
        bugsink = _start(started, "bugsink", rendered, root, {"0.0.0.0:8000": f"127.0.0.1:{bugsink_port}"}, ())
        bridge = _start(started, "bugsink-bridge", rendered, root, {}, (f"127.0.0.1:{bridge_port}",))
        wait_for(f"http://127.0.0.1:{bridge_port}/healthz", bridge)
        wait_for(f"http://127.0.0.1:{bugsink_port}/health/ready", bugsink, timeout=180)
        yield Lab(root, receivers, bugsink, bridge, bugsink_port, bridge_port, url)


def _write_configuration(
    root: Path, files: Mapping[str, str], slack: str, bugsink_port: int, alertmanager: str
) -> None:
    for path, content in files.items():
        if path.startswith("alertmanager/"):
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content.replace("group_interval: 5m", "group_interval: 2s"), encoding="utf-8")
    bridge = root / "alertmanager" / "bridge.json"
    known = json.loads(bridge.read_text(encoding="utf-8"))
    known["alertmanager"] = f"{alertmanager}/api/v2/alerts"
    known["bugsink"] = f"http://127.0.0.1:{bugsink_port}/health/ready"
    bridge.write_text(json.dumps(known), encoding="utf-8")
    given = root / "given"
    given.mkdir()
    (given / "slack_ops").write_text(f"{slack}/services/T0/B0/x\n", encoding="utf-8")


def _start(
    stack: ExitStack,
    name: str,
    rendered: Mapping[str, Any],
    root: Path,
    ports: Mapping[str, str],
    extra: tuple[str, ...],
) -> str:
    """The container of a compose service, in the host's network under its compose names."""
    compose = yaml.safe_load((tools.REPOSITORY / "compose.yaml").read_text(encoding="utf-8"))["services"][name]
    environment = {**compose.get("environment", {}), **rendered[name].get("environment", {})}
    options = ["run", "--detach", "--network=host", "--add-host=bugsink-bridge:127.0.0.1", "--read-only"]
    options += ["--cap-drop=ALL", "--security-opt=no-new-privileges:true", f"--memory={rendered[name]['mem_limit']}"]
    options += [f"--user={compose['user']}", f"--pids-limit={compose['pids_limit']}"]
    options += [f"--tmpfs={path}" for path in compose.get("tmpfs", ())]
    options += [f"--env={key}={value}" for key, value in environment.items()]
    options += [f"--workdir={compose['working_dir']}"] if "working_dir" in compose else []
    for volume in compose["volumes"]:
        options.append(f"--volume={_source(volume, root)}")
    words = [str(word) for word in compose["command"]]
    for before, after in ports.items():
        words = [word.replace(before, after) for word in words]
    started = tools.docker(*options, tools.image("bugsink"), *words, *extra)
    assert started.returncode == 0, started.stderr
    container = started.stdout.strip()
    stack.callback(tools.docker, "rm", "--force", "--volumes", container)
    return container


def _source(volume: str, root: Path) -> str:
    """A volume as an argument of docker run: rendered folders and secrets are the test's, programs the repository's."""
    if volume.startswith("./alertmanager"):
        return f"{root}/{volume[2:]}"
    if volume.startswith("./"):
        return f"{tools.REPOSITORY}/{volume[2:]}"
    if volume.startswith("$"):
        return f"{root}/secrets/{volume.partition('}/')[2]}"
    return volume.partition(":")[2]
