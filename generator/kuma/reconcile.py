"""The two doors of this package: what would change in Uptime Kuma, and change it.

Owns the order login, key, snapshot, plan, apply, read back, with one login a run. It prints nothing.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.disk.locks import running_lock
from generator.kuma.applier import apply_kuma
from generator.kuma.bootstrap import ADMIN, PASSWORD_FILE, BootstrapResult, ensure_api_key, session
from generator.kuma.changes import KumaPlan
from generator.kuma.client import KumaClient
from generator.kuma.errors import KumaError
from generator.kuma.loader import load_monitors
from generator.kuma.planner import plan_kuma
from generator.kuma.secrets import read_secret
from generator.kuma.wire import Desired, LiveState, resolve_channels

_READ_BACKS: Final = 6


@dataclass(frozen=True)
class KumaResult:
    """What apply did: the plan that it carried out, and what it had to make to get there."""

    plan: KumaPlan
    bootstrap: BootstrapResult


def plan(url: str, secrets_dir: Path, monitors_file: Path) -> KumaPlan:
    """What apply would do. Reads only: on a server without a set-up, everything is to be created."""
    desired = resolve_channels(load_monitors(monitors_file), secrets_dir)
    password = read_secret(secrets_dir, PASSWORD_FILE, "Uptime Kuma's admin account")
    with KumaClient(url) as client:
        if client.needs_setup():
            return plan_kuma(desired, LiveState(), needs_setup=True)
        client.login(ADMIN, password)
        return _plan(client, desired)


def apply(
    url: str, secrets_dir: Path, monitors_file: Path, *, force: bool = False, startup_timeout: float = 30.0
) -> KumaResult:
    """Bootstrap, make Uptime Kuma hold what the file declares, and read back that it does.

    One run at a time on this machine: two that compare at once would both create what is missing.
    """
    desired = resolve_channels(load_monitors(monitors_file), secrets_dir)
    with (
        running_lock(f"Uptime Kuma at {url}"),
        session(url, secrets_dir, startup_timeout=startup_timeout) as (client, fresh),
    ):
        made = BootstrapResult(admin_created=fresh, key_created=ensure_api_key(client, secrets_dir))
        todo = _plan(client, desired)
        apply_kuma(client, todo, force=force)
        if not todo.empty:
            _read_back(client, desired)
    return KumaResult(todo, made)


def _plan(client: KumaClient, desired: Desired) -> KumaPlan:
    return plan_kuma(desired, client.snapshot(desired.page.slug if desired.page else None))


def _read_back(client: KumaClient, desired: Desired) -> None:
    """Insist that nothing is left to do. Pushes may be a moment late, so it is asked more than once."""
    for attempt in range(_READ_BACKS):
        time.sleep(0.1 * attempt)
        left = _plan(client, desired)
        if left.empty:
            return
    rest = ", ".join(f"{c.kind} {c.key} ({'/'.join(f.field for f in c.fields) or c.action})" for c in left.changes)
    raise KumaError(f"Uptime Kuma did not keep the changes: {rest}", "is another user editing it in the browser?")
