"""The log shipper's configuration: from the machine's log files, through redaction and a queue on disk, into Loki.

Owns the pipelines and what happens while Loki is down: nothing is dropped, lines wait on disk and, when that is full,
in the files that they came from. What a line becomes on its way is in collector.records, what is masked in
collector.redaction.
"""

import re
from typing import Any, Final

from generator.artifact import Artifact
from generator.conventions import (
    CONFIG_HASH,
    OTLP_HTTP_PORT,
    SEAL_FILE,
    SECRETS_HASH,
    SECRETS_MOUNT,
    core_name,
)
from generator.parts.table import PORTS
from generator.render.collector.containers import add_containers, render_proxy
from generator.render.collector.records import (
    FOREVER,
    MAX_FIELD,
    docker_receiver,
    file_receiver,
    line_statements,
    push_statements,
    token_file,
)
from generator.render.collector.redaction import ottl_statements
from generator.render.collector.traces import add_traces
from generator.render.loki import BACKLOG_SECONDS
from generator.render.seal import OPEN, sealed
from generator.site.model import Site
from generator.source.emit import emit_yaml

COLLECTOR_FILE: Final = "collector/collector.yaml"
STATE: Final = "/var/lib/otelcol"
HEALTH_PORT: Final = 13133
# Who may push: the tokens of all services that do.
_TOKENS: Final = "bearertokenauth/logs"
_MIB: Final = 2**20
_DEFAULT_MEMORY: Final = 160 * _MIB
_BATCH_BYTES: Final = 1 * _MIB
# An hour before Loki's own limit.
_TOO_OLD: Final = f'log.time < Now() - Duration("{BACKLOG_SECONDS // 3600 - 1}h")'


def render_collector(site: Site) -> tuple[Artifact, ...]:
    """The collector's configuration."""
    files = [service for service in site.services if service.logs.mode == "file"]
    pushing = [service for service in site.services if service.logs.mode == "push"]
    extensions = _extensions()
    receivers: dict[str, Any] = {"file_log/docker": docker_receiver(site)}
    receivers |= {f"file_log/{service.name}": file_receiver(site, service) for service in files}
    pipelines: dict[str, Any] = {"logs/files": _pipeline(list(receivers), "transform/lines")}
    processors: dict[str, Any] = {
        "memory_limiter": _memory_limiter(site),
        "transform/lines": _statements(line_statements(site)),
        # Found on the first start on an old machine. Loki would refuse them.
        "filter/too_old": {"error_mode": "ignore", "logs": {"log_record": [_TOO_OLD]}},
    }
    if pushing:
        extensions[_TOKENS] = {"tokens": [token_file(service) for service in pushing]}
        receivers["otlp/logs"] = {"protocols": {"http": _endpoint()}}
        processors["transform/pushed"] = _statements(push_statements(site))
        pipelines["logs/pushed"] = _pipeline(["otlp/logs"], "transform/pushed")
    # A rule that fails holds its line back rather than letting it through. Fields are cut after it: half a key would
    # not be known for one.
    redaction = [*ottl_statements(), f"truncate_all(log.attributes, {MAX_FIELD})"]
    processors["transform/redact"] = _statements(redaction, error_mode="propagate")
    config = {
        "extensions": extensions,
        "receivers": receivers,
        "processors": processors,
        "exporters": {"otlp_http/loki": _exporter(site)},
        "service": {"extensions": list(extensions), "telemetry": _telemetry(), "pipelines": pipelines},
    }
    if site.stack.traces:
        add_traces(config)
    if site.stack.containers:
        add_containers(config, site)
    # Its own metrics then say which configuration it has loaded, and with which tokens.
    config["service"]["telemetry"]["resource"] = {
        CONFIG_HASH: OPEN,
        **({SECRETS_HASH: f"${{file:{SECRETS_MOUNT}/{SEAL_FILE}}}"} if pushing else {}),
    }
    artifact = Artifact(COLLECTOR_FILE, sealed(emit_yaml(_escape(config))))
    return (artifact, *render_proxy(site))


def _extensions() -> dict[str, Any]:
    return {
        "health_check": {"endpoint": f"{core_name('collector')}:{HEALTH_PORT}"},
        "file_storage": {
            "directory": STATE,
            "create_directory": True,
            # What is in the queue must survive a power cut, not only a crash.
            "fsync": True,
            "compaction": {"directory": STATE, "on_start": True, "on_rebound": True, "cleanup_on_start": True},
        },
    }


def _endpoint() -> dict[str, Any]:
    """Where apps push: only with a token, which stays with the lines until it has decided their service."""
    return {
        "endpoint": f"0.0.0.0:{OTLP_HTTP_PORT}",
        "auth": {"authenticator": _TOKENS},
        "include_metadata": True,
        "max_request_body_size": 8 * _MIB,
    }


def _memory_limiter(site: Site) -> dict[str, Any]:
    memory = site.budget.memory.get("collector", _DEFAULT_MEMORY) // _MIB
    return {"check_interval": "1s", "limit_mib": memory * 8 // 10, "spike_limit_mib": memory * 2 // 10}


def _statements(statements: list[str], error_mode: str = "ignore") -> dict[str, Any]:
    return {"error_mode": error_mode, "log_statements": statements}


def _pipeline(receivers: list[str], shape: str) -> dict[str, Any]:
    """No batch processor: what it holds is in memory alone. Redaction comes before the queue, which is on disk."""
    processors = ["memory_limiter", shape, "filter/too_old", "transform/redact"]
    return {"receivers": receivers, "processors": processors, "exporters": ["otlp_http/loki"]}


def _exporter(site: Site) -> dict[str, Any]:
    """While Loki is down lines wait on disk; when that is full, reading waits, and Docker's own files hold them."""
    return {
        "endpoint": f"http://{core_name('loki')}:{PORTS['loki']}/otlp",
        "timeout": "30s",
        "compression": "none",
        "retry_on_failure": {"initial_interval": "1s", "max_interval": "15s", "max_elapsed_time": FOREVER},
        "sending_queue": {
            "storage": "file_storage",
            "sizer": "bytes",
            "queue_size": site.budget.queue_disk,
            "block_on_overflow": True,
            "num_consumers": 4,
            "batch": {"flush_timeout": "500ms", "min_size": _BATCH_BYTES // 2, "max_size": _BATCH_BYTES},
        },
    }


def _telemetry() -> dict[str, Any]:
    exporter = {"prometheus": {"host": core_name("collector"), "port": PORTS["collector"]}}
    return {
        "logs": {"level": "warn", "encoding": "json"},
        "metrics": {"level": "normal", "readers": [{"pull": {"exporter": exporter}}]},
    }


def _escape(value: Any) -> Any:
    """Dollars doubled, as the collector puts in variables for them; its own `${env:…}` and `${file:…}` stay."""
    if isinstance(value, dict):
        return {key: _escape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escape(item) for item in value]
    if isinstance(value, str):
        return re.sub(r"\$(?!\{(?:env|file):)", "$$", value)
    return value
