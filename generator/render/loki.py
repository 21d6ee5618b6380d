"""Loki's configuration: one process, one disk, everything that services.yaml can change in a file that it re-reads.

Owns loki/loki.yaml (what a start needs) and loki/overrides.yaml (limits that follow without a restart, retention
among them). Which lines arrive, and with which labels, is the collector's side; of its resource attributes the
ones in INDEX_LABELS become labels here, the rest structured metadata.
"""

from typing import Any, Final

from generator.artifact import Artifact
from generator.parts.table import PORTS
from generator.site.model import Site
from generator.source.emit import emit_yaml
from generator.units import format_duration

# Resource attributes that become labels; Loki writes `_` for `.`. Few values each: a label with many values makes
# many small streams, which is what kills a Loki.
INDEX_LABELS: Final = ("service.name", "environment", "host.name")

LIMITS_FILE: Final = "loki/overrides.yaml"
DATA: Final = "/loki"
OVERRIDES: Final = "/etc/loki/overrides.yaml"
# With `auth_enabled: false` there is one tenant, and this is what Loki calls it.
TENANT: Final = "fake"

MIB: Final = 2**20
DAY: Final = 86400
# The largest line that is kept whole. The collector cuts before it, so that here nothing is lost.
MAX_LINE_BYTES: Final = 512 * 1024
# One request of the collector, and what Loki's parts then send each other, stay well below this.
MAX_MESSAGE_BYTES: Final = 16 * MIB
# Longest outage of Loki or of the collector after which the backlog is still accepted.
BACKLOG_SECONDS: Final = 14 * DAY
_DEFAULT_MEMORY: Final = 512 * MIB


def render_loki(site: Site) -> tuple[Artifact, ...]:
    """Loki's configuration, and the limits that it re-reads while it runs."""
    memory = site.budget.memory.get("loki", _DEFAULT_MEMORY)
    return (
        Artifact("loki/loki.yaml", emit_yaml(_config(memory))),
        Artifact(LIMITS_FILE, emit_yaml({"overrides": {TENANT: _overrides(site)}})),
    )


def _config(memory: int) -> dict[str, Any]:
    return {
        "auth_enabled": False,
        "server": _server(),
        "common": {
            "path_prefix": DATA,
            "instance_addr": "127.0.0.1",
            "replication_factor": 1,
            "ring": {"kvstore": {"store": "inmemory"}},
            "storage": {"filesystem": {"chunks_directory": f"{DATA}/chunks", "rules_directory": f"{DATA}/rules"}},
        },
        # The date never changes again: it says from when on the index has this form.
        "schema_config": {
            "configs": [
                {
                    "from": "2025-01-01",
                    "store": "tsdb",
                    "object_store": "filesystem",
                    "schema": "v13",
                    "index": {"prefix": "index_", "period": "24h"},
                }
            ]
        },
        "ingester": _ingester(memory),
        "limits_config": _limits(),
        # Re-read every ten seconds: a new retention needs no restart.
        "runtime_config": {"file": OVERRIDES, "period": "10s"},
        "compactor": {
            "working_directory": f"{DATA}/compactor",
            "compaction_interval": "10m",
            # Without these two a retention period deletes nothing.
            "retention_enabled": True,
            "delete_request_store": "filesystem",
            "retention_delete_delay": "2h",
        },
        "querier": {"max_concurrent": 4},
        # The scheduler is in the same process; looking for it every ten seconds makes a start take as long.
        "frontend": {"scheduler_dns_lookup_period": "1s"},
        "query_range": {"results_cache": {"cache": _cache(memory // 16)}},
        "chunk_store_config": {"chunk_cache_config": _cache(memory // 16)},
        "pattern_ingester": {"enabled": False},
        "analytics": {"reporting_enabled": False},
    }


def _server() -> dict[str, Any]:
    return {
        "http_listen_port": PORTS["loki"],
        # Only the parts of this one process talk over it.
        "grpc_listen_address": "127.0.0.1",
        "grpc_server_max_recv_msg_size": MAX_MESSAGE_BYTES,
        "grpc_server_max_send_msg_size": MAX_MESSAGE_BYTES,
        # Longer than the longest query.
        "http_server_write_timeout": "90s",
        "log_level": "warn",
    }


def _ingester(memory: int) -> dict[str, Any]:
    return {
        # One process, one ring: there is nothing to wait for.
        "lifecycler": {"min_ready_duration": "0s", "final_sleep": "0s"},
        "chunk_encoding": "snappy",
        "chunk_idle_period": "30m",
        # Lines this old are still looked for in memory; of a longer backlog the oldest are found once they have been
        # written out, which chunk_idle_period says when. Half of it is how far a line may be behind its stream.
        "max_chunk_age": "6h",
        "wal": {
            "dir": f"{DATA}/wal",
            "flush_on_shutdown": True,
            # Reading the log back after a crash must not be what breaks the memory limit.
            "replay_memory_ceiling": _bytes(memory // 2),
        },
    }


def _limits() -> dict[str, Any]:
    return {
        "allow_structured_metadata": True,
        "discover_log_levels": True,
        # A backlog is drained as fast as the disk takes it; a refusal would only be tried again.
        "ingestion_rate_mb": 32,
        "ingestion_burst_size_mb": 64,
        "per_stream_rate_limit": "32MB",
        "per_stream_rate_limit_burst": "64MB",
        "max_global_streams_per_user": 10_000,
        # By rate there is nothing to gain from splitting a stream within one process; by time, lines that are hours
        # behind their stream are taken instead of refused.
        "shard_streams": {
            "enabled": False,
            "time_sharding_enabled": True,
            "time_sharding_ignore_recent": "1h",
        },
        "max_line_size": MAX_LINE_BYTES,
        "max_line_size_truncate": True,
        "max_structured_metadata_entries_count": 128,
        "otlp_config": {
            "resource_attributes": {
                "ignore_defaults": True,
                "attributes_config": [{"action": "index_label", "attributes": list(INDEX_LABELS)}],
            }
        },
        # The collector leaves out what is older; a refusal would look like a loss.
        "reject_old_samples": True,
        "reject_old_samples_max_age": format_duration(BACKLOG_SECONDS),
        "volume_enabled": True,
        "max_query_parallelism": 8,
        "tsdb_max_query_parallelism": 16,
        "split_queries_by_interval": "1h",
        "max_entries_limit_per_query": 10_000,
        "max_query_series": 1000,
        # What a search may read before it is refused as too large: half a minute of this machine's time.
        "max_query_bytes_read": "20GB",
        "query_timeout": "1m",
    }


def _overrides(site: Site) -> dict[str, Any]:
    retention = site.stack.retention_logs
    return {
        "retention_period": format_duration(retention),
        "max_query_lookback": format_duration(retention),
        "max_query_length": format_duration(retention + DAY),
    }


def _cache(size: int) -> dict[str, Any]:
    return {"embedded_cache": {"enabled": True, "max_size_mb": max(16, size // MIB), "ttl": "1h"}}


def _bytes(size: int) -> str:
    """Whole mebibytes in Loki's spelling, whose MB are binary."""
    return f"{size // MIB}MB"
