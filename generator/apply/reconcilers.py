"""The parts of the running stack that follow a change, each with how it is told and how it is believed.

A reconciler compares what runs with what is rendered (`drift`), and acts (`apply`). Prometheus, Alertmanager, the
blackbox exporter and the collector are reloaded by signal and read back over HTTP; what has no reload is recreated by
compose, because its container carries the hash of its configuration as a label.
"""

import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import requests
import yaml

from generator import errors
from generator.apply.readback import compare_alertmanager, compare_blackbox, compare_collector, compare_prometheus
from generator.artifact import Artifact
from generator.conventions import PORTS
from generator.diagnostics import Diagnostic
from generator.docker import compose
from generator.kuma import KumaError, SecretMissing
from generator.kuma import apply as apply_kuma
from generator.kuma import plan as plan_kuma
from generator.kuma.changes import KumaPlan
from generator.model import Site

WAIT: Final = 30.0


@dataclass(frozen=True, slots=True)
class Running:
    """A rendered tree on disk and the stack that runs from it. The URLs have no slash at the end."""

    root: Path
    site: Site
    artifacts: Mapping[str, Artifact]
    local_url: str
    kuma_url: str
    force: bool = False

    def get(self, path: str) -> requests.Response:
        """One GET at the local entry. Raises requests.RequestException."""
        response = requests.get(f"{self.local_url}{path}", timeout=10)
        response.raise_for_status()
        return response


@dataclass(frozen=True, slots=True)
class Reconciler:
    """One part: its name, the compose service it runs in, how it differs, and how it is made to follow.

    `drift` returns sentences, none when the part follows. `apply` returns problems, none when it now follows. A part
    that the site does not want is passed over.
    """

    name: str
    service: str
    drift: Callable[[Running], list[str]]
    apply: Callable[[Running], list[Diagnostic]]
    wanted: Callable[[Site], bool] = lambda _: True


def _reload(service: str, drift: Callable[[Running], list[str]]) -> Callable[[Running], list[Diagnostic]]:
    """Send SIGHUP when there is drift, and wait until there is none."""

    def apply(running: Running) -> list[Diagnostic]:
        if not drift(running):
            return []
        sent = compose(running.root, "kill", "-s", "SIGHUP", service)
        if sent.returncode:
            message = f"{service} could not be told to reload: {sent.stderr.strip()}"
            return [Diagnostic("apply/unreachable", message)]
        deadline = time.monotonic() + WAIT
        left = drift(running)
        while left and time.monotonic() < deadline:
            time.sleep(0.3)
            left = drift(running)
        return [Diagnostic("apply/not-loaded", f"{service} did not load: {each}", notes=_logs(running, service))
                for each in left]  # fmt: skip

    return apply


def _logs(running: Running, service: str) -> tuple[str, ...]:
    done = compose(running.root, "logs", "--no-log-prefix", "--tail", "5", service, timeout=30)
    return tuple(done.stdout.splitlines())


def prometheus_drift(running: Running) -> list[str]:
    """Where Prometheus' loaded configuration and rules differ from the rendered ones."""
    config = yaml.safe_load(running.get("/prometheus/api/v1/status/config").json()["data"]["yaml"])
    rules = running.get("/prometheus/api/v1/rules").json()["data"]["groups"]
    return compare_prometheus(running.artifacts, config, rules)


def alertmanager_drift(running: Running) -> list[str]:
    """Where Alertmanager's loaded configuration differs from the rendered one."""
    loaded = running.get("/alertmanager/api/v2/status").json()["config"]["original"]
    return compare_alertmanager(running.artifacts, loaded)


def blackbox_drift(running: Running) -> list[str]:
    """Where the blackbox exporter's modules differ from the rendered ones."""
    told = _asked_inside(running, f"http://127.0.0.1:{PORTS['blackbox-exporter']}/config")
    return compare_blackbox(running.artifacts, yaml.safe_load(told) or {})


def collector_drift(running: Running) -> list[str]:
    """Whether the collector has loaded the rendered configuration."""
    told = _asked_inside(running, f"http://collector:{PORTS['collector']}/metrics")
    return compare_collector(running.artifacts, told)


def _asked_inside(running: Running, url: str) -> str:
    """What a part answers to which Caddy has no way; asked where there is a client. Empty when it does not answer."""
    done = compose(running.root, "exec", "-T", "blackbox-exporter", "wget", "-qO-", url, timeout=30)
    return done.stdout if done.returncode == 0 else ""


def caddy_apply(running: Running) -> list[Diagnostic]:
    """Caddy takes its files again without dropping a request."""
    # Forced: a new password changes the file that the Caddyfile names, not the Caddyfile.
    reload = ("caddy", "reload", "--force", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile")
    done = compose(running.root, "exec", "-T", "caddy", *reload, timeout=60)
    if done.returncode:
        return [Diagnostic("apply/not-loaded", "caddy did not load its Caddyfile", notes=_last_lines(done.stderr))]
    return []


def kuma_drift(running: Running) -> list[str]:
    """What the reconciler would change in Uptime Kuma."""
    return _kuma_sentences(plan_kuma(running.kuma_url, running.root / "secrets", _monitors(running)))


def kuma_apply(running: Running) -> list[Diagnostic]:
    """Bootstrap Uptime Kuma when it is new, and reconcile its monitors."""
    try:
        done = apply_kuma(running.kuma_url, running.root / "secrets", _monitors(running), force=running.force)
    except SecretMissing as error:
        return [Diagnostic("apply/secret-missing", str(error), level="warning", hint=error.hint)]
    except KumaError as error:
        return [Diagnostic("apply/kuma", str(error), hint=error.hint)]
    return [Diagnostic("apply/secret-missing", sentence, level="warning") for sentence in done.plan.pending]


def bugsink_drift(running: Running) -> list[str]:
    """What would change in Bugsink, and what only its owner can change."""
    found = errors.plan(running.site, running.root / "secrets", _inside_bugsink(running))
    return [*found.changes, *found.told]


def bugsink_apply(running: Running) -> list[Diagnostic]:
    """See to Bugsink's admin, team, projects and webhooks; the data in it is never touched."""
    try:
        done = errors.apply(running.site, running.root / "secrets", _inside_bugsink(running))
    except errors.BugsinkError as error:
        return [Diagnostic("apply/bugsink", error.message, hint=error.hint)]
    return [Diagnostic("apply/bugsink", sentence, level="warning") for sentence in done.told]


def _inside_bugsink(running: Running) -> errors.Inside:
    def inside(command: tuple[str, ...], text: str) -> subprocess.CompletedProcess[str]:
        return compose(running.root, "exec", "-T", "bugsink", *command, timeout=120, text=text)

    return inside


def _kuma_sentences(plan: KumaPlan) -> list[str]:
    return [f"{change.action} {change.kind} {change.key}" for change in plan.changes]


def _monitors(running: Running) -> Path:
    return running.root / "uptime-kuma" / "monitors.json"


def _last_lines(text: str) -> tuple[str, ...]:
    return tuple(text.strip().splitlines()[-5:])


RECONCILERS: Final = (
    Reconciler("prometheus", "prometheus", prometheus_drift, _reload("prometheus", prometheus_drift)),
    Reconciler("alertmanager", "alertmanager", alertmanager_drift, _reload("alertmanager", alertmanager_drift)),
    Reconciler("blackbox", "blackbox-exporter", blackbox_drift, _reload("blackbox-exporter", blackbox_drift)),
    Reconciler("collector", "collector", collector_drift, _reload("collector", collector_drift)),
    Reconciler("caddy", "caddy", lambda _: [], caddy_apply),
    Reconciler("uptime-kuma", "uptime-kuma", kuma_drift, kuma_apply),
    Reconciler("bugsink", "bugsink", bugsink_drift, bugsink_apply, wanted=lambda site: site.stack.errors),
)
