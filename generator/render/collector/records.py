"""What becomes of a line: which files are read, how a line turns into a record, which fields it can be searched by.

Owns the collector's file receivers with their operators, and the statements that bring every record, read or pushed,
to the same names. What is masked is in generator.render.collector.redaction, which labels Loki makes of a resource in
generator.render.loki, where a record ends in collector.tracebacks. A key that an operator does not know is
ignored by the collector without a word, so that what stands here is proven by its effect in
tests/tools/test_log_pipeline.py.
"""

import re
from typing import Any, Final

from generator.conventions import (
    DEFAULT_HOST,
    HOST_MOUNT,
    SECRETS_MOUNT,
    STACK_SERVICE,
    logs_token,
)
from generator.parts.table import PORTS
from generator.render.collector.redaction import ottl_secret_names, ottl_string
from generator.render.collector.tracebacks import docker_records, joined_operator, plain_records
from generator.site.model import Service, Site

CONTAINERS: Final = "/var/lib/docker/containers"
# The name of what says no name: a container without the logging labels, an app that pushes none.
UNKNOWN: Final = "unknown"

# Fields of a JSON line that become structured metadata, so that one can search by them without parsing each line.
# The list is bounded because every field is stored with every line; all others stay in the line itself.
FIELDS: Final = (
    *("request_id", "client_request_id", "trace_id", "span_id", "user_id", "session_id", "tier", "tenant", "site"),
    *("action", "logger", "error_type", "duration_ms", "status", "method", "route", "task", "task_id", "lead_id"),
    *("ticker", "provider", "model", "channel", "release"),
)
_LEVEL_FIELDS: Final = ("level", "severity", "levelname")
_TIME_FIELDS: Final = ("timestamp", "time", "ts")
MAX_FIELD: Final = 1024
# Together well below the 64 KiB that Loki takes beside a line.
_MAX_FIELDS: Final = 48
# How the collector writes "never give up".
FOREVER: Final = "0s"
# What a pushing app may say of itself; all else of its resource is left out.
_PUSHED_RESOURCE: Final = ("service.name", "service.version", "service.instance.id", "environment", "host.name")
# A line is cut here (Docker itself cuts at 16 KiB, and is put together again below it); Loki takes twice as much.
_MAX_LINE: Final = 256 * 1024


def this_host(site: Site) -> str:
    """The host that the stack, and every container whose files it reads, runs on."""
    stack = [service.host for service in site.services if service.name == STACK_SERVICE and service.host]
    hosts = [service.name for service in site.services if "host" in service.kinds]
    local = f"node-exporter:{PORTS['node-exporter']}"
    own = [service.name for service in site.services if "host" in service.kinds and local in service.targets]
    return next(iter([*stack, *own, *hosts]), DEFAULT_HOST)


# --- from files ---------------------------------------------------------------------------------------------


def docker_receiver(site: Site) -> dict[str, Any]:
    """Docker's own log files. Its own are left out: a line about a line that failed would go round for ever."""
    return {
        "include": [f"{CONTAINERS}/*/*-json.log*"],
        "exclude": ["**/*.gz", f"{CONTAINERS}/${{env:HOSTNAME:-none}}*/*"],
        **_reading(),
        "multiline": docker_records(),
        "resource": _resource(UNKNOWN, site.stack.environment, this_host(site)),
        "operators": [*_container_operators(), *_json_operators()],
    }


def file_receiver(site: Site, service: Service) -> dict[str, Any]:
    """A log file that a process on the machine writes, and its rotated predecessors."""
    # A * in the name is a pattern; what else the collector takes for one stands for itself.
    path = HOST_MOUNT + re.sub(r"[\\?\[\]{}]", r"\\\g<0>", service.logs.file)
    return {
        # Rotated ones have a number or a date after the name: `api-*` would also be the file of api-v2.
        "include": [path, f"{path}.old", f"{path}.[0-9]*", f"{path}-[0-9]*"],
        "exclude": ["**/*.gz", "**/*.bz2", "**/*.xz", "**/*.zst"],
        **_reading(),
        "multiline": plain_records(),
        "resource": _resource(service.name, service.environment, service.host or this_host(site)),
        "operators": [*_json_operators(), *_time_operators()],
    }


def _reading() -> dict[str, Any]:
    return {
        # From the beginning, because a rotated or a new file is read from there; where reading had got to is in
        # file_storage.
        "start_at": "beginning",
        "storage": "file_storage",
        "poll_interval": "500ms",
        "include_file_name": False,
        "include_file_path": True,
        # Nothing is skipped when it cannot be handed on: reading waits.
        "retry_on_failure": {"enabled": True, "max_elapsed_time": FOREVER},
    }


def _resource(service: str, environment: str, host: str) -> dict[str, str]:
    return {"service.name": service, "environment": environment, "host.name": host}


def _container_operators() -> list[dict[str, Any]]:
    """From a line of a json-file log to the line that the program wrote, and the names that Docker put beside it."""
    parsed = 'attributes["log.iostream"] != nil'
    names = {
        "com.docker.compose.service": "service.name",
        "com.docker.compose.project": "compose.project",
        "tag": "container",
    }
    moves = [
        {
            "type": "move",
            "id": f"name_{target.replace('.', '_')}",
            "if": f'(attributes.attrs?.["{label}"] ?? "") != ""',
            "from": f'attributes.attrs["{label}"]',
            "to": f'resource["{target}"]',
        }
        for label, target in names.items()
    ]
    return [
        # What a power cut leaves behind the last line.
        {
            "type": "regex_replace",
            "if": 'body endsWith "\\x00"',
            "field": "body",
            "regex": r"\s*\x00+$",
            "replace_with": "",
        },
        joined_operator(),
        {"type": "container", "format": "docker", "add_metadata_from_filepath": False},
        # Docker cuts long lines; only the last part ends in a line break. stdout and stderr of one file are apart.
        {
            "type": "add",
            "if": parsed,
            "field": "attributes.source",
            "value": 'EXPR(attributes["log.file.path"] + " " + attributes["log.iostream"])',
        },
        {
            "type": "recombine",
            "if": parsed,
            "combine_field": "body",
            "combine_with": "",
            "is_last_entry": 'body endsWith "\\n"',
            "source_identifier": "attributes.source",
            "max_log_size": _MAX_LINE,
        },
        *moves,
        {
            "type": "add",
            "id": "name_nameless",
            "if": 'resource["container"] == nil',
            "field": 'resource["container"]',
            "value": f'EXPR(split(attributes["log.file.path"], "/")[{CONTAINERS.count("/") + 1}][0:12])',
        },
    ]


def _json_operators() -> list[dict[str, Any]]:
    """The fields of a line that is a JSON object; any other line passes as it is."""
    severities = [
        {
            "type": "severity_parser",
            "id": f"severity_{field}",
            # Numbers mean something else in every library.
            "if": f'type(attributes["{field}"]) == "string"',
            "parse_from": f'attributes["{field}"]',
            "mapping": {"fatal": ["critical", "alert", "emergency", "panic"], "info": "notice"},
            # One word for one level, whatever the library calls it.
            "overwrite_text": True,
            "on_error": "send_quiet",
        }
        for field in _LEVEL_FIELDS
    ]
    parser = {
        "type": "json_parser",
        "if": 'body matches "^\\\\s*[{]"',
        "parse_to": "attributes",
        # Whole numbers stay whole: 12345678 is not 1.2345678e+07.
        "parse_ints": True,
        "on_error": "send_quiet",
    }
    return [parser, *severities]


def _time_operators() -> list[dict[str, Any]]:
    """The time that a line says of itself, for files in which nothing else says one."""
    return [
        {
            "type": "time_parser",
            "id": f"time_{field}",
            "if": f'type(attributes["{field}"]) == "string"',
            "parse_from": f'attributes["{field}"]',
            "layout_type": "gotime",
            "layout": "2006-01-02T15:04:05.999999999Z07:00",
            "on_error": "send_quiet",
        }
        for field in _TIME_FIELDS
    ]


def line_statements(site: Site) -> list[str]:
    """What a record read from a file looks like when it leaves."""
    keep = f"keep_keys(log.attributes, [{', '.join(ottl_string(field) for field in FIELDS)}])"
    moved = [
        f'set(resource.attributes["environment"], {ottl_string(service.environment)}) '
        f'where resource.attributes["service.name"] == {ottl_string(service.name)}'
        for service in site.services
        if service.logs.mode == "docker" and service.environment != site.stack.environment
    ]
    return [
        keep,
        # An object under a known name is no field: flattened, its parts have names that are not kept.
        "flatten(log.attributes)",
        keep,
        'set(log.body, TrimSuffix(TrimSuffix(log.body, "\\n"), "\\r"))',
        *_time_statements(),
        *moved,
    ]


def _time_statements() -> list[str]:
    """When a line was read is left out: sent twice after a crash, it is the same both times, and Loki keeps one."""
    return [
        "set(log.time, log.observed_time) where log.time_unix_nano == 0",
        # Pushed without any.
        "set(log.time, Now()) where log.time_unix_nano == 0",
        # Loki refuses what is ahead of its clock: local time that was written as if it were UTC.
        'set(log.time, Now()) where log.time > Now() + Duration("5m")',
        "set(log.observed_time_unix_nano, 0)",
    ]


# --- pushed -------------------------------------------------------------------------------------------------


def token_file(service: Service) -> str:
    """How the collector's configuration says: what stands in the file with the service's token."""
    return f"${{file:{SECRETS_MOUNT}/{logs_token(service.name)}}}"


def push_statements(site: Site) -> list[str]:
    """What an app sends over OTLP, brought to the same names. Whose line it is says the token that came with it."""
    environment = 'resource.attributes["environment"]'
    name = 'resource.attributes["service.name"]'
    pushing = [service for service in site.services if service.logs.mode == "push"]
    owners = [
        f"set({name}, {ottl_string(service.name)}) "
        f'where otelcol.client.metadata["authorization"][0] == "Bearer {token_file(service)}"'
        for service in pushing
    ]
    error_type, stated_type = 'log.attributes["error_type"]', 'log.attributes["exception.type"]'
    stated = [
        f'set({environment}, resource.attributes["{key}"]) where resource.attributes["{key}"] != nil'
        for key in ("deployment.environment", "deployment.environment.name")
    ]
    return [
        *stated,
        f"set({environment}, {ottl_string(site.stack.environment)}) where {environment} == nil",
        f"set({name}, {ottl_string(UNKNOWN)})",
        *owners,
        # Platforms rename their machines with every deploy; as a label that would be a new stream each time.
        'set(resource.attributes["host.name"], "remote")',
        f"keep_keys(resource.attributes, [{', '.join(ottl_string(key) for key in _PUSHED_RESOURCE)}])",
        "set(log.body, String(log.body)) where log.body != nil and not IsString(log.body)",
        f"set({error_type}, {stated_type}) where {error_type} == nil and {stated_type} != nil",
        "flatten(log.attributes)",
        f"delete_matching_keys(log.attributes, {ottl_secret_names()})",
        f"limit(log.attributes, {_MAX_FIELDS}, [])",
        *_time_statements(),
    ]
