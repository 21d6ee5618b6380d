"""Caddy: the Caddyfile and the password's hash, loaded again by its own command."""

import re
from collections.abc import Mapping
from typing import Final

from generator.apply.readback import OTHER, last_load
from generator.apply.reloading import Reloadable, reconciler, unquoted
from generator.apply.running import Running
from generator.artifact import Artifact
from generator.clients.docker import compose
from generator.conventions import WEB_HASH
from generator.diagnostics import Diagnostic
from generator.parts.table import PORTS
from generator.render.caddy.config import CADDYFILE
from generator.render.seal import seal_in
from generator.secrets.files import MOUNTED
from generator.secrets.values import FOLDER

_CADDY: Final = f"http://127.0.0.1:{PORTS['caddy']}"


def compare_caddy(artifacts: Mapping[str, Artifact], seal: str) -> list[str]:
    """Whether Caddy serves the seal of the rendered Caddyfile."""
    return [] if seal.strip() == seal_in(artifacts[CADDYFILE].content) else [OTHER]


def _caddy_differs(running: Running) -> list[str]:
    return compare_caddy(running.artifacts, running.inside(f"{_CADDY}/config"))


def _reload_caddy(running: Running) -> list[Diagnostic]:
    """Caddy takes its files again without dropping a request. Forced: a new password changes the file that the
    Caddyfile names, not the Caddyfile."""
    command = ("caddy", "reload", "--force", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile")
    done = compose(running.root, "exec", "-T", "caddy", *command, timeout=60)
    if done.returncode == 0:
        return []
    lines = tuple(done.stderr.strip().splitlines()[-5:])
    said = (re.search(r'"msg":"((?:[^"\\]|\\.)*)"\}?$|^Error: (.*)$', line) for line in reversed(lines))
    why = next((unquoted(f'"{match[1]}"') if match[1] else match[2] for match in said if match), "".join(lines[-1:]))
    return [Diagnostic("apply/not-loaded", f"caddy refused its configuration: {why}", notes=lines)]


CADDY: Final = Reloadable(
    "caddy",
    _caddy_differs,
    lambda running: last_load(running.inside(f"{_CADDY}/metrics"), "caddy"),
    _reload_caddy,
    ("caddy/Caddyfile", f"{FOLDER}/{MOUNTED}/caddy/{WEB_HASH}"),
)
RECONCILER: Final = reconciler("caddy", CADDY)
