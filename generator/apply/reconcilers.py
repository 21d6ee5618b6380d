"""The parts of the running stack that follow a change, each with how it is asked and how it is believed.

A reconciler compares what runs with what is rendered (`drift`), and acts (`apply`). Prometheus, Alertmanager, the
blackbox exporter, the collector and Caddy load again and are read back (generator.apply.reloading), Loki's limits are
read back as well; what has no reload is started again (generator.apply.starting).
"""

import subprocess
import time
from pathlib import Path
from typing import Final

from generator import bugsink as errors
from generator.apply.readback import compare_loki
from generator.apply.reloading import ALERTMANAGER, BLACKBOX, CADDY, COLLECTOR, PROMETHEUS, reconciler
from generator.apply.running import Reconciler, Running
from generator.clients.docker import compose
from generator.diagnostics import Diagnostic
from generator.kuma import KumaError, SecretMissing
from generator.kuma import apply as apply_kuma
from generator.kuma import plan as plan_kuma
from generator.kuma.changes import KumaPlan
from generator.parts.table import PORTS

# Loki reads its limits again every ten seconds.
LIMITS_WAIT: Final = 25.0
_LOKI: Final = f"http://loki:{PORTS['loki']}/metrics"


def loki_drift(running: Running) -> list[str]:
    """Whether the limits that Loki reads while it runs are the rendered ones."""
    return compare_loki(running.artifacts, running.inside(_LOKI))


def loki_apply(running: Running) -> list[Diagnostic]:
    """Wait until Loki has read its limits again."""
    deadline = time.monotonic() + LIMITS_WAIT
    while (left := loki_drift(running)) and time.monotonic() < deadline:
        time.sleep(1)
    return [Diagnostic("apply/not-loaded", f"loki did not load: {each}") for each in left]


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


RECONCILERS: Final = (
    reconciler("prometheus", PROMETHEUS),
    reconciler("alertmanager", ALERTMANAGER),
    reconciler("blackbox", BLACKBOX),
    reconciler("collector", COLLECTOR),
    reconciler("caddy", CADDY),
    Reconciler("loki", "loki", loki_drift, loki_apply),
    Reconciler("uptime-kuma", "uptime-kuma", kuma_drift, kuma_apply),
    Reconciler("bugsink", "bugsink", bugsink_drift, bugsink_apply, wanted=lambda site: site.stack.errors),
)
