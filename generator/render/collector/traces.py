"""What `stack.traces` adds to the collector: the pipeline for spans.

Owns the way of a span from an app's exporter to the store: masked by the same table as log lines, then queued. Unlike
lines, spans wait in memory and are dropped when the store stays away: a lost trace is not missed. Log
lines are in generator.render.collector.config, the settings of an app in `app_settings`.
"""

from typing import Any, Final

from generator.conventions import (
    OTLP_HTTP_PORT,
    OTLP_TRACES_PORT,
    core_name,
)
from generator.render.collector.redaction import ottl_secret_names, ottl_statements, ottl_string
from generator.site.model import Site

# The share of requests that is traced: all where people develop, a tenth where every request is paid for.
RATIO: Final = 0.1
DEVELOPMENT: Final = frozenset({"development", "dev", "local", "test"})

_RECEIVER: Final = "otlp/traces"
_SHAPE: Final = "transform/spans"
_EXPORTER: Final = "otlp_http/traces"
_MIB: Final = 2**20
_QUEUE: Final = 16 * _MIB
_BATCH: Final = 1 * _MIB
_GIVE_UP: Final = "5m"
# What a resource may say: all else (arguments of the process, its host's interfaces) is left out.
_RESOURCE: Final = ("service.name", "service.version", "service.namespace", "deployment.environment.name")


def app_settings(site: Site, environment: str) -> dict[str, Any]:
    """The trace settings of an app in this environment: where spans go (nowhere without a store), and which share of
    them."""
    endpoint = f"http://collector:{OTLP_TRACES_PORT}" if site.stack.traces else ""
    return {"endpoint": endpoint, "ratio": 1.0 if environment in DEVELOPMENT else RATIO}


def add_traces(config: dict[str, Any]) -> None:
    """Put receiver, processor, exporter and pipeline of spans into the collector's configuration."""
    config["receivers"][_RECEIVER] = {"protocols": {"http": _endpoint()}}
    # A rule that fails holds its span back rather than letting it through.
    config["processors"][_SHAPE] = {"error_mode": "propagate", "trace_statements": _statements()}
    config["exporters"][_EXPORTER] = _exporter()
    config["service"]["pipelines"]["traces"] = {
        "receivers": [_RECEIVER],
        "processors": ["memory_limiter", _SHAPE],
        "exporters": [_EXPORTER],
    }


def _endpoint() -> dict[str, Any]:
    """Reached over the stack's own networks alone, as the apps' metrics are."""
    return {"endpoint": f"0.0.0.0:{OTLP_TRACES_PORT}", "max_request_body_size": 8 * _MIB}


def _statements() -> list[dict[str, Any]]:
    """Secrets by name go, secrets by shape are masked: in spans and in their events, where exceptions are."""
    kept = ", ".join(ottl_string(name) for name in _RESOURCE)
    spans = [
        f"keep_keys(resource.attributes, [{kept}])",
        # Rules see texts: of lists and maps, each item.
        "flatten(span.attributes)",
        f"delete_matching_keys(span.attributes, {ottl_secret_names()})",
        *ottl_statements("span", ("name", "status.message")),
    ]
    events = [
        "flatten(spanevent.attributes)",
        f"delete_matching_keys(spanevent.attributes, {ottl_secret_names()})",
        *ottl_statements("spanevent", ("name",)),
    ]
    return [{"context": "span", "statements": spans}, {"context": "spanevent", "statements": events}]


def _exporter() -> dict[str, Any]:
    return {
        "endpoint": f"http://{core_name('tempo')}:{OTLP_HTTP_PORT}",
        "timeout": "10s",
        "compression": "none",
        "retry_on_failure": {"initial_interval": "1s", "max_interval": "15s", "max_elapsed_time": _GIVE_UP},
        "sending_queue": {
            "sizer": "bytes",
            "queue_size": _QUEUE,
            "num_consumers": 2,
            "batch": {"flush_timeout": "1s", "min_size": _BATCH // 2, "max_size": _BATCH},
        },
    }
