"""The parts of the stack: one table, a row a part. What runs, where it listens, what it is given, what it reads.

A new part is a row here, its service in compose.yaml, and a renderer of its configuration. Scrape jobs, memory limits,
reserved names, profiles, restarts and the logs of the stack follow from the row. It imports nothing but names.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from generator.conventions import (
    ALERTMANAGER_PATH,
    GRAFANA_PATH,
    KUMA_API_KEY,
    PROMETHEUS_PATH,
    SOCKET_PORT,
    SOCKET_PROXY,
)

# The words under `stack:` that switch parts on.
Word = Literal["errors", "traces", "containers"]
WORDS: Final[tuple[Word, ...]] = ("errors", "traces", "containers")
MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Part:
    """One part. `name` is its compose service and its name on the stack's networks.

    `memory` is the least with which it was seen to work, `share` what it gets of the memory that is left over, `limit`
    the least limit of a part that is counted with less. `metrics` is where it prints its own, empty where it does not
    or where a host's job asks it; `own_metrics` how their names begin; `scrape_every` in seconds, 0 for as often as all
    else; `password` the secret that its metrics ask for. `needs` is the word of `stack:` with which it runs; `profile`
    whether it is compose's profile of that name. `go`: its garbage collector takes a limit. `reads` are files and
    folders that it reads when it starts and at no other time, `reads_secrets` the same of its share of the secrets.
    """

    name: str
    port: int
    memory: int
    share: float = 0.0
    limit: int = 0
    metrics: str = "/metrics"
    own_metrics: tuple[str, ...] = ()
    scrape_every: int = 0
    password: str = ""
    needs: Word | Literal[""] = ""
    profile: bool = False
    go: bool = True
    reads: tuple[str, ...] = ()
    reads_secrets: bool = False
    image: str = ""
    """The name in versions.yaml of its image, where that is not its own."""


PARTS: Final = (
    Part("prometheus", 9090, 256 * MIB, 0.40, metrics=f"{PROMETHEUS_PATH}/metrics", own_metrics=("prometheus_",)),
    Part("alertmanager", 9093, 64 * MIB, 0.01, metrics=f"{ALERTMANAGER_PATH}/metrics", own_metrics=("alertmanager_",)),
    Part("loki", 3100, 256 * MIB, 0.35, own_metrics=("loki_",), reads=("loki/loki.yaml",)),
    # Until Grafana has been measured here, it may use so much before the kernel ends it, and is counted with its share.
    Part("grafana", 3000, 200 * MIB, 0.10, limit=512 * MIB,
         metrics=f"{GRAFANA_PATH}/metrics", own_metrics=("grafana_",), reads=("grafana/provisioning",)),
    Part("uptime-kuma", 3001, 256 * MIB, 0.05,
         own_metrics=("monitor_",), scrape_every=30, password=KUMA_API_KEY, go=False),
    Part("blackbox-exporter", 9115, 48 * MIB, 0.01, own_metrics=("blackbox_",)),
    # The host's own job asks it.
    Part("node-exporter", 9100, 48 * MIB, metrics=""),
    Part("collector", 8888, 144 * MIB, 0.07, own_metrics=("otelcol_",)),
    Part("caddy", 2020, 64 * MIB, 0.01, own_metrics=("caddy_",)),
    # The error tracker: one process that serves, one that works off. It has no metrics; the bridge looks after it.
    Part("bugsink", 8000, 320 * MIB, 0.05, metrics="", needs="errors", profile=True, go=False,
         reads=("generator/bugsink/settings/lookout_settings.py",), reads_secrets=True),
    # Beside Python it is small. It notices itself when its projects change.
    Part("bugsink-bridge", 8001, 48 * MIB, own_metrics=("bugsink_", "bridge_"), needs="errors", profile=True, go=False,
         reads=tuple(f"generator/bugsink/bridge/{name}.py"
                     for name in ("__init__", "__main__", "alerts", "delivery", "projects", "server")),
         reads_secrets=True, image="bugsink"),
    Part("tempo", 3200, 256 * MIB, 0.05, own_metrics=("tempo_",),
         needs="traces", profile=True, reads=("tempo/tempo.yaml",)),
    # What stands before Docker's socket. Only the collector asks it.
    Part(SOCKET_PROXY, SOCKET_PORT, 48 * MIB, metrics="", needs="containers", reads=("caddy/docker/Caddyfile",),
         image="caddy"),
)  # fmt: skip

NAMES: Final = tuple(sorted(part.name for part in PARTS))
PORTS: Final[Mapping[str, int]] = {part.name: part.port for part in PARTS}


def running(words: Collection[str]) -> tuple[Part, ...]:
    """The parts that run with these words under `stack:`, by name."""
    found = [part for part in PARTS if not part.needs or part.needs in words]
    return tuple(sorted(found, key=lambda part: part.name))


def profiles() -> Mapping[Word, frozenset[str]]:
    """Compose's profiles that a word switches on, and the parts of each."""
    return {
        word: parts
        for word in WORDS
        if (parts := frozenset(part.name for part in PARTS if part.needs == word and part.profile))
    }
