"""tempo/tempo.yaml: the store of traces, where `stack.traces` asks for one.

Owns its file alone. How spans get there is the business of generator.render.collector.traces.
"""

from typing import Final

from generator.artifact import Artifact
from generator.conventions import OTLP_HTTP_PORT
from generator.parts.table import PORTS
from generator.site.model import Site
from generator.source.emit import emit_yaml

TEMPO_FILE: Final = "tempo/tempo.yaml"
_DATA: Final = "/var/tempo"


def render_tempo(site: Site) -> tuple[Artifact, ...]:
    """Tempo's configuration; nothing without traces."""
    if not site.stack.traces:
        return ()
    config = {
        "server": {"http_listen_port": PORTS["tempo"], "log_level": "warn"},
        "distributor": {"receivers": {"otlp": {"protocols": {"http": {"endpoint": f"0.0.0.0:{OTLP_HTTP_PORT}"}}}}},
        "storage": {
            "trace": {
                "backend": "local",
                "wal": {"path": f"{_DATA}/wal"},
                "local": {"path": f"{_DATA}/blocks"},
            }
        },
        "overrides": {"defaults": {"compaction": {"block_retention": f"{site.stack.retention_traces}s"}}},
        "usage_report": {"reporting_enabled": False},
    }
    return (Artifact(TEMPO_FILE, emit_yaml(config)),)
