"""What `stack.containers` adds: the collector's pipeline for container metrics, and the proxy before Docker's socket.

Owns which requests reach Docker's socket, and which labels a container's series carry. The proxy is the only container
that mounts the socket; only the collector is on its network. Log lines are in generator.render.collector.config.
"""

from collections.abc import Mapping
from typing import Any, Final

from generator.artifact import Artifact
from generator.conventions import (
    CONTAINER_JOB,
    CONTAINER_LABELS,
    GENERATED,
    PROMETHEUS_PATH,
    SOCKET_NETWORK,
    SOCKET_PORT,
    SOCKET_PROXY,
    STACK_SERVICE,
    core_name,
)
from generator.parts.table import NAMES, PORTS
from generator.render.collector.records import this_host
from generator.render.collector.redaction import ottl_string
from generator.site.model import Site

PROXY_FILE: Final = "caddy/docker/Caddyfile"
# What Prometheus turns from resource attributes into labels of every series.
PROMOTED: Final = (*CONTAINER_LABELS, "service", "environment")

_PROMETHEUS: Final = f"http://{core_name('prometheus')}:{PORTS['prometheus']}{PROMETHEUS_PATH}"
_RECEIVER: Final = "docker_stats"
_SHAPE: Final = "transform/containers"
_EXPORTER: Final = "otlp_http/prometheus"
# Docker itself measures for a second; four of them fit into the shortest range that a rule asks for.
_INTERVAL: Final = "15s"
# What Docker answers from 25 on; `make up` writes an older one's own into .env.
_API_VERSION: Final = "${env:DOCKER_API:-1.44}"
_COMPOSE: Final = {
    "com.docker.compose.project": "compose_project",
    "com.docker.compose.service": "compose_service",
}
# Beside the default ones that are kept.
_WANTED: Final = (
    "container.cpu.limit",
    "container.cpu.throttling_data.periods",
    "container.cpu.throttling_data.throttled_periods",
    "container.network.io.usage.rx_errors",
    "container.network.io.usage.tx_errors",
    "container.pids.count",
    "container.restarts",
    "container.uptime",
)
_UNWANTED: Final = (
    "container.blockio.io_service_bytes_recursive",
    "container.cpu.usage.kernelmode",
    "container.cpu.usage.usermode",
    "container.cpu.utilization",
    "container.memory.file",
    "container.memory.percent",
    "container.memory.total_cache",
)
# What is handed on is what was matched, not what was sent. Inspecting a container shows its environment: that is why
# this is no endpoint for others.
_PROXY: Final = """\
# {generated}
{{
	admin off
	persist_config off
	auto_https off
}}

http://:{port} {{
	@allowed {{
		method GET HEAD
		path_regexp asked ^(/v1\\.[0-9]+)?/(_ping|version|events|containers/json|containers/[0-9a-f]+/(json|stats))$
	}}
	handle @allowed {{
		rewrite * {{re.asked.0}}?{{query}}
		reverse_proxy unix//var/run/docker.sock {{
			header_up Host docker
			flush_interval -1
		}}
	}}
	respond 403
}}
"""


def add_containers(config: dict[str, Any], site: Site) -> None:
    """Put receiver, processor, exporter and pipeline of container metrics into the collector's configuration."""
    config["receivers"][_RECEIVER] = {
        "endpoint": f"tcp://{SOCKET_PROXY}:{SOCKET_PORT}",
        "api_version": _API_VERSION,
        "collection_interval": _INTERVAL,
        "timeout": "10s",
        "container_labels_to_metric_labels": dict(_COMPOSE),
        "metrics": {
            **{name: {"enabled": True} for name in _WANTED},
            **{name: {"enabled": False} for name in _UNWANTED},
        },
    }
    config["processors"][_SHAPE] = {
        "error_mode": "ignore",
        "metric_statements": [{"context": "resource", "statements": _statements(site)}],
    }
    config["exporters"][_EXPORTER] = {
        "metrics_endpoint": f"{_PROMETHEUS}/api/v1/otlp/v1/metrics",
        "timeout": "10s",
        # What is older than the next round is of no use.
        "retry_on_failure": {"initial_interval": "1s", "max_interval": "5s", "max_elapsed_time": "15s"},
        "sending_queue": {"queue_size": 8},
    }
    config["service"]["pipelines"]["metrics/containers"] = {
        "receivers": [_RECEIVER],
        "processors": ["memory_limiter", _SHAPE],
        "exporters": [_EXPORTER],
    }


def _statements(site: Site) -> list[str]:
    """A container's series belong to the declared service of its compose service's name, else to the host."""
    host = this_host(site)
    declared = [each.name for each in site.services if "host" not in each.kinds and each.name != STACK_SERVICE]
    exporters = [pack.exporter.name for service in site.services for pack in service.packs if pack.exporter]
    parts = [*NAMES, *exporters]
    service = _attribute("service")
    kept = ", ".join(ottl_string(name) for name in (*PROMOTED, "service.name", "service.instance.id"))
    return [
        # Prometheus makes `job` and `instance` of these two.
        f"set({_attribute('service.name')}, {ottl_string(CONTAINER_JOB)})",
        f"set({_attribute('service.instance.id')}, {_attribute('container.name')})",
        f"set({_attribute('container')}, {_attribute('container.name')})",
        f"set({_attribute('host')}, {ottl_string(host)})",
        f"set({_attribute('environment')}, {ottl_string(site.stack.environment)})",
        f"set({service}, {ottl_string(host)})",
        f"set({service}, {ottl_string(STACK_SERVICE)}) where {_one_of('compose_service', parts)}",
        *(
            [f"set({service}, {_attribute('compose_service')}) where {_one_of('compose_service', declared)}"]
            if declared
            else []
        ),
        f"keep_keys(resource.attributes, [{kept}])",
    ]


def _attribute(name: str) -> str:
    return f"resource.attributes[{ottl_string(name)}]"


def _one_of(name: str, values: list[str]) -> str:
    pattern = f"^({'|'.join(sorted(values))})$"
    return f"{_attribute(name)} != nil and IsMatch({_attribute(name)}, {ottl_string(pattern)})"


def render_proxy(site: Site) -> tuple[Artifact, ...]:
    """The proxy's Caddyfile; nothing where Docker is not asked."""
    if not site.stack.containers:
        return ()
    return (Artifact(PROXY_FILE, _PROXY.format(generated=GENERATED, port=SOCKET_PORT)),)


def proxy_service(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The proxy as compose runs it, under the common policy."""
    return {
        **policy,
        "image": "${IMAGE_CADDY:?run make up}",
        # The socket belongs to root; Caddy does not start without the capability that its binary is marked with.
        "user": "0:0",
        "cap_add": ["NET_BIND_SERVICE"],
        "command": ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"],
        "volumes": [
            "./caddy/docker:/etc/caddy:ro",
            "${DOCKER_SOCKET:-/var/run/docker.sock}:/var/run/docker.sock:ro",
        ],
        "tmpfs": ["/config", "/data", "/tmp"],
        "networks": [SOCKET_NETWORK],
        "healthcheck": {
            "test": ["CMD", "wget", "-q", "-O", "/dev/null", f"http://127.0.0.1:{SOCKET_PORT}/_ping"],
            "interval": "15s",
            "timeout": "5s",
            "retries": 3,
            "start_period": "60s",
        },
    }
