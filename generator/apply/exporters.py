"""Exporters read what they log in with when they start: one whose files are newer than itself starts anew."""

from datetime import datetime
from pathlib import Path

from generator.apply.reconcilers import Reconciler, Running
from generator.credentials import exporters
from generator.diagnostics import Diagnostic
from generator.docker import compose, started_at
from generator.model import Exporter, Site
from generator.secrets import FOLDER, MOUNTED


def exporter_reconcilers(site: Site) -> list[Reconciler]:
    """One for each exporter that logs in somewhere."""
    return [_reconciler(exporter) for exporter in exporters(site)]


def _reconciler(exporter: Exporter) -> Reconciler:
    def drift(running: Running) -> list[str]:
        return ["starts anew, for what it logs in with changed"] if _is_older(running.root, exporter) else []

    def apply(running: Running) -> list[Diagnostic]:
        if not _is_older(running.root, exporter):
            return []
        done = compose(running.root, "restart", exporter.name)
        if done.returncode:
            message = f"{exporter.name} could not be started anew: {done.stderr.strip()}"
            return [Diagnostic("apply/not-loaded", message)]
        return []

    return Reconciler(exporter.name, exporter.name, drift, apply)


def _is_older(root: Path, exporter: Exporter) -> bool:
    """Whether a file was written after the container started. What is written again unchanged keeps its time."""
    share = root / FOLDER / MOUNTED / exporter.name
    written = max((path.stat().st_mtime for path in share.glob("*")), default=0.0)
    started = started_at(root, exporter.name)
    return started is not None and datetime.fromtimestamp(written).astimezone() > started
