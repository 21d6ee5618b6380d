"""The parts of the stack: one table, a row a part. What runs, where it listens, what it is given, what it reads.

A new part is a row here, its service in compose.yaml (which a test holds to the row), and a renderer of its
configuration. Scrape jobs, memory limits, reserved names, profiles, restarts, the logs of the stack, Caddy's routes and
the links of the home page follow from the row. It imports nothing but names.
"""

from collections.abc import Collection, Mapping
from typing import Final

from generator.conventions import (
    ALERTMANAGER_PATH,
    BUGSINK_PATH,
    DASHBOARD_HOME,
    DASHBOARD_LOGS,
    GRAFANA_PATH,
    KUMA_API_KEY,
    LOKI_PATH,
    PROMETHEUS_PATH,
    RUNBOOKS_PATH,
    SILENCE_PAGE,
    SOCKET_PORT,
    SOCKET_PROXY,
)
from generator.parts.part import Link, Opened, Part, Word

WORDS: Final[tuple[Word, ...]] = ("errors", "traces", "containers")
MIB: Final = 2**20
_READ: Final = ("GET", "HEAD")

# In the order of the home page.
PARTS: Final = (
    # Until Grafana has been measured here, it may use so much before the kernel ends it, and is counted with its share.
    Part("grafana", 3000, 200 * MIB, 0.10, limit=512 * MIB, profile="grafana", path=GRAFANA_PATH,
         metrics=f"{GRAFANA_PATH}/metrics", own_metrics=("grafana_",), reads=("grafana/provisioning",),
         links=(Link("Dashboards", "Grafana: every service at a glance", f"{GRAFANA_PATH}/d/{DASHBOARD_HOME}"),
                Link("Logs", "Grafana: lines by service, level, request", f"{GRAFANA_PATH}/d/{DASHBOARD_LOGS}"))),
    # What the parts offer beyond reading and silences, to operators and to each other, is for `core` alone.
    Part("alertmanager", 9093, 64 * MIB, 0.01, networks=("core", "edge"), path=ALERTMANAGER_PATH,
         metrics=f"{ALERTMANAGER_PATH}/metrics", own_metrics=("alertmanager_",),
         links=(Link("Silences", "What is silenced, until when; silence more", f"/{SILENCE_PAGE}"),
                Link("Alerts", "Alertmanager's own pages: what fires, by receiver", f"{ALERTMANAGER_PATH}/")),
         opened=(Opened("silence", ("POST",), ("/api/v2/silences",)),
                 Opened("unsilence", ("DELETE",), ("/api/v2/silence/*",)),
                 Opened("alerts", _READ, ("/*",), without=("/-/reload", "/debug/*")))),
    Part("prometheus", 9090, 256 * MIB, 0.40, networks=("core", "lookout", "scrape"), path=PROMETHEUS_PATH,
         metrics=f"{PROMETHEUS_PATH}/metrics", own_metrics=("prometheus_",),
         links=(Link("Metrics", "Prometheus: queries, targets, rules", f"{PROMETHEUS_PATH}/"),),
         opened=(Opened("queries", ("POST",),
                        tuple(f"/api/v1/{name}" for name in ("query", "query_range", "query_exemplars", "series",
                                                             "labels", "format_query", "parse_query"))),
                 Opened("metrics", _READ, ("/*",),
                        without=("/-/quit", "/-/reload", "/debug/*", "/api/v1/admin/*", "/api/v1/otlp/*",
                                 "/api/v1/write")))),
    # Lines are written and deleted from inside. LOKI_ADDR ends in its path.
    Part("loki", 3100, 256 * MIB, 0.35, own_metrics=("loki_",), reads=("loki/loki.yaml",), path=LOKI_PATH, strips=True,
         opened=(Opened("logs", _READ, ("/ready", "/loki/api/v1/*")),)),
    # The error tracker: one process that serves, one that works off. It has no metrics; the bridge looks after it.
    Part("bugsink", 8000, 320 * MIB, 0.05, networks=("core", "lookout"), metrics="", needs="errors", profile="errors",
         go=False, reads=("generator/bugsink/settings/lookout_settings.py",), reads_secrets=True, path=BUGSINK_PATH,
         links=(Link("Errors", "Bugsink: errors by kind, with stack traces", f"{BUGSINK_PATH}/"),)),
    # Beside Python it is small. It notices itself when its projects change.
    Part("bugsink-bridge", 8001, 48 * MIB, own_metrics=("bugsink_", "bridge_"), needs="errors", profile="errors",
         go=False,
         reads=tuple(f"generator/bugsink/bridge/{name}.py"
                     for name in ("__init__", "__main__", "alerts", "delivery", "outgoing", "projects", "server")),
         reads_secrets=True, image="bugsink"),
    Part("uptime-kuma", 3001, 256 * MIB, 0.05, networks=("core", "lookout"), own_metrics=("monitor_",), scrape_every=30,
         password=KUMA_API_KEY, go=False, links=(Link("Uptime", "Uptime Kuma: the view from outside"),)),
    Part("blackbox-exporter", 9115, 48 * MIB, 0.01, networks=("core", "lookout"), own_metrics=("blackbox_",)),
    # The host's own job asks it.
    Part("node-exporter", 9100, 48 * MIB, metrics=""),
    Part("collector", 8888, 144 * MIB, 0.07, networks=("core", "lookout"), own_metrics=("otelcol_",)),
    Part("caddy", 2020, 64 * MIB, 0.01, networks=("core", "edge"), own_metrics=("caddy_",),
         links=(Link("Runbooks", "What to do about each alert", f"{RUNBOOKS_PATH}/"),)),
    Part("tempo", 3200, 256 * MIB, 0.05, own_metrics=("tempo_",), needs="traces", profile="traces",
         reads=("tempo/tempo.yaml",)),
    # What stands before Docker's socket. Only the collector asks it.
    Part(SOCKET_PROXY, SOCKET_PORT, 48 * MIB, networks=("socket",), metrics="", needs="containers",
         reads=("caddy/docker/Caddyfile",), image="caddy"),
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
        if (parts := frozenset(part.name for part in PARTS if part.profile and part.profile == word == part.needs))
    }
