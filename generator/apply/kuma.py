"""Uptime Kuma: its monitors, notifications and status page, reconciled over its own API."""

from pathlib import Path
from typing import Final

from generator.apply.running import Reconciler, Running
from generator.diagnostics import Diagnostic
from generator.kuma import KumaError, SecretMissing
from generator.kuma import apply as apply_kuma
from generator.kuma import plan as plan_kuma
from generator.kuma.changes import KumaPlan
from generator.secrets.values import FOLDER


def drift(running: Running) -> list[str]:
    """What the reconciler would change in Uptime Kuma."""
    return _kuma_sentences(plan_kuma(running.kuma_url, running.root / FOLDER, _monitors(running)))


def apply(running: Running) -> list[Diagnostic]:
    """Bootstrap Uptime Kuma when it is new, and reconcile its monitors."""
    try:
        done = apply_kuma(running.kuma_url, running.root / FOLDER, _monitors(running), force=running.force)
    except SecretMissing as error:
        return [Diagnostic("apply/secret-missing", str(error), level="warning", hint=error.hint)]
    except KumaError as error:
        return [Diagnostic("apply/kuma", str(error), hint=error.hint)]
    return [Diagnostic("apply/secret-missing", sentence, level="warning") for sentence in done.plan.pending]


def _kuma_sentences(plan: KumaPlan) -> list[str]:
    return [f"{change.action} {change.kind} {change.key}" for change in plan.changes]


def _monitors(running: Running) -> Path:
    return running.root / "uptime-kuma" / "monitors.json"


RECONCILER: Final = Reconciler("uptime-kuma", "uptime-kuma", drift, apply)
