"""Bugsink: its admin, team, projects and webhooks, reconciled by a program inside its container."""

import subprocess
from typing import Final

from generator import bugsink
from generator.apply.running import Reconciler, Running
from generator.clients.docker import compose
from generator.diagnostics import Diagnostic
from generator.secrets.values import FOLDER


def drift(running: Running) -> list[str]:
    """What would change in Bugsink, and what only its owner can change."""
    found = bugsink.plan(running.site, running.root / FOLDER, _inside_bugsink(running))
    return [*found.changes, *found.notes]


def apply(running: Running) -> list[Diagnostic]:
    """See to Bugsink's admin, team, projects and webhooks; the data in it is never touched."""
    try:
        done = bugsink.apply(running.site, running.root / FOLDER, _inside_bugsink(running))
    except bugsink.BugsinkError as error:
        return [Diagnostic("apply/bugsink", error.message, hint=error.hint)]
    return [Diagnostic("apply/bugsink", sentence, level="warning") for sentence in done.notes]


def _inside_bugsink(running: Running) -> bugsink.Inside:
    def inside(command: tuple[str, ...], text: str) -> subprocess.CompletedProcess[str]:
        return compose(running.root, "exec", "-T", "bugsink", *command, timeout=120, text=text)

    return inside


RECONCILER: Final = Reconciler("bugsink", "bugsink", drift, apply, wanted=lambda site: site.stack.errors)
