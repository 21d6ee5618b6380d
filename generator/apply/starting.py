"""Parts that read files only when they start: one whose files are younger than itself is started again.

Owns which parts these are and what they read. compose recreates a container whose settings changed, the hash of a
rendered file among them (generator.render.compose); this is for what no setting says: a secret, our own programs, a
file that was edited by hand, read at a start, and restored.
"""

from collections.abc import Callable, Mapping
from typing import Final

from generator.apply.reloading import changed_since
from generator.apply.running import Running
from generator.conventions import SOCKET_PROXY
from generator.credentials import exporters
from generator.diagnostics import Diagnostic
from generator.docker import compose, started
from generator.secrets import FOLDER, MOUNTED

# By compose service, below the root.
_READS: Final[Mapping[str, tuple[str, ...]]] = {
    "bugsink": ("generator/errors/settings/lookout_settings.py", f"{FOLDER}/{MOUNTED}/bugsink"),
    "bugsink-bridge": (
        "generator/errors/bridge/__init__.py",
        "generator/errors/bridge/__main__.py",
        "generator/errors/bridge/alerts.py",
        "generator/errors/bridge/delivery.py",
        "generator/errors/bridge/server.py",
        f"{FOLDER}/{MOUNTED}/bugsink-bridge",
    ),
    SOCKET_PROXY: ("caddy/docker/Caddyfile",),
    "grafana": ("grafana/provisioning",),
    "loki": ("loki/loki.yaml",),
    "tempo": ("loki/tempo.yaml",),
}


def stale_parts(running: Running) -> Mapping[str, str]:
    """The parts that run on what they read before a file changed, and the first such file. Reads only."""
    reads = dict(_READS)
    reads |= {exporter.name: (f"{FOLDER}/{MOUNTED}/{exporter.name}",) for exporter in exporters(running.site)}
    since = started(running.root)
    found = {name: changed_since(running.root, paths, since[name]) for name, paths in reads.items() if name in since}
    return {name: paths[0] for name, paths in sorted(found.items()) if paths}


def start_stale_parts(running: Running, say: Callable[[str], None]) -> list[Diagnostic]:
    """Start them again."""
    stale = stale_parts(running)
    for name, path in stale.items():
        say(f"{name}: is started again, for {path} changed")
    if not stale:
        return []
    done = compose(running.root, "restart", *stale)
    if done.returncode:
        return [Diagnostic("apply/not-loaded", f"{', '.join(stale)} could not be started again: {done.stderr.strip()}")]
    return []
