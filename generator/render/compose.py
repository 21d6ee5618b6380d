"""compose.rendered.yaml: what of the running containers depends on services.yaml.

Owns exporters, limits, public addresses and published ports. What is the same for every site is in compose.yaml, what
depends on the machine is in .env; COMPOSE_FILE names both files, and compose merges them.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from posixpath import dirname, normpath
from typing import Any, Final

from generator.artifact import Artifact
from generator.conventions import (
    ALERTMANAGER_PATH,
    BUGSINK_PATH,
    CONFIG_HASH,
    GRAFANA_PATH,
    HOST_MOUNT,
    NETWORK,
    PROMETHEUS_PATH,
    SCRAPE_NETWORK,
    SECRETS_MOUNT,
    SOCKET_NETWORK,
    SOCKET_PROXY,
    scrape_name,
)
from generator.parts.table import running
from generator.render.bugsink import apps, bridge_settings
from generator.render.collector.containers import proxy_service
from generator.site.model import Exporter, Site
from generator.source.emit import emit_json, emit_yaml

COMPOSE_FILE: Final = "compose.rendered.yaml"
_MIB: Final = 2**20
# What a report takes of Bugsink's disk, on the high side: with locals and breadcrumbs, and its share of the indexes.
_REPORT_BYTES: Final = 50 * 2**10
_LEAST_REPORTS: Final = 500
_LEAST_APPS: Final = 4
# Prometheus' unprivileged user in its own images.
_UNPRIVILEGED: Final = "65534:65534"

# As x-policy in compose.yaml, whose anchors do not reach into this file; a test compares the two.
POLICY: Final[Mapping[str, Any]] = {
    "restart": "unless-stopped",
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "pids_limit": 200,
    "stop_grace_period": "30s",
    "logging": {
        "driver": "json-file",
        "options": {
            "max-size": "10m",
            "max-file": "3",
            "labels": "com.docker.compose.service,com.docker.compose.project",
            "tag": "{{.Name}}",
        },
    },
}


def render_compose(site: Site, rendered: Iterable[Artifact]) -> tuple[Artifact, ...]:
    """compose.rendered.yaml; `rendered` is what was made of the same site for the parts."""
    services: dict[str, dict[str, Any]] = {
        part.name: _limits(site.budget.memory[part.name], go=part.go)
        for part in running(site.stack.words)
        if part.name in site.budget.memory
    }
    if site.stack.containers:
        _merge(services.setdefault(SOCKET_PROXY, {}), proxy_service(POLICY))
        _merge(services.setdefault("collector", {}), {"networks": [SOCKET_NETWORK]})
        _merge(services["collector"], {"environment": {"DOCKER_API": "${DOCKER_API:-1.44}"}})
    for part, settings in _addresses(site).items():
        _merge(services.setdefault(part, {}), settings)
    for name, digest in _digests(site, rendered).items():
        services.setdefault(name, {})["labels"] = {CONFIG_HASH: digest}
    if mounts := _log_mounts(site):
        services.setdefault("collector", {})["volumes"] = mounts
    for exporter in sorted(_exporters(site), key=lambda exporter: exporter.name):
        services[exporter.name] = _exporter(exporter)
    file: dict[str, Any] = {"services": services}
    if site.stack.containers:
        file["networks"] = {SOCKET_NETWORK: {"internal": True}}
    return (Artifact(COMPOSE_FILE, emit_yaml(file)),)


def _limits(memory: int, *, go: bool = True) -> dict[str, Any]:
    """The memory limit, and for a program in Go the size from which on it tries to stay below it."""
    limits: dict[str, Any] = {"mem_limit": f"{memory // _MIB}m"}
    if go:
        limits["environment"] = {"GOMEMLIMIT": f"{memory * 9 // 10 // _MIB}MiB"}
    return limits


def _addresses(site: Site) -> dict[str, dict[str, Any]]:
    """Where each part believes to be, so that the links that it makes lead to it."""
    base, public = site.stack.base_url, bool(site.stack.domain)
    addresses: dict[str, dict[str, Any]] = {
        "prometheus": {
            "command": [
                f"--web.external-url={base}{PROMETHEUS_PATH}/",
                # No other site's page may read it from a browser.
                f"--web.cors.origin={_escape(re.escape(base))}",
            ]
        },
        "alertmanager": {"command": [f"--web.external-url={base}{ALERTMANAGER_PATH}/"]},
        "grafana": {
            "environment": {
                "GF_SERVER_ROOT_URL": f"{base}{GRAFANA_PATH}/",
                "GF_SECURITY_COOKIE_SECURE": str(public).lower(),
            }
        },
    }
    if site.stack.traces:
        # What says which trace an observation belongs to.
        addresses["prometheus"]["command"].append("--enable-feature=exemplar-storage")
    if site.stack.containers:
        # The collector delivers the metrics of containers.
        addresses["prometheus"]["command"].append("--web.enable-otlp-receiver")
    if site.stack.errors:
        addresses["bugsink"] = {"environment": _bugsink(site)}
    if public:
        addresses["caddy"] = {"ports": ["80:80", "443:443", "443:443/udp"]}
    return addresses


def _bugsink(site: Site) -> dict[str, str]:
    """Where Bugsink is reached, under which names, and how many reports of each app it keeps."""
    names = ["bugsink", "localhost", "127.0.0.1", *([site.stack.domain] if site.stack.domain else [])]
    # By doubled numbers of apps, so that hardly any new one starts Bugsink again.
    places = max(_LEAST_APPS, 1 << max(len(apps(site)) - 1, 0).bit_length())
    kept = site.budget.errors_disk // places // _REPORT_BYTES
    return {
        "BASE_URL": f"{site.stack.base_url}{BUGSINK_PATH}",
        "ALLOWED_HOSTS": ",".join(names),
        "BEHIND_HTTPS_PROXY" if site.stack.domain else "BEHIND_PLAIN_HTTP_PROXY": "true",
        "MAX_RETENTION_PER_PROJECT_EVENT_COUNT": str(max(kept, _LEAST_REPORTS)),
    }


def _digests(site: Site, rendered: Iterable[Artifact]) -> dict[str, str]:
    """By part, the hash of the rendered files that it reads only when it starts. Its container carries it, so that
    compose starts it again when one of them changed, and only then."""
    places = [(path, part.name) for part in running(site.stack.words) for path in part.reads]
    anywhere = tuple(path for path, _ in places)
    texts: dict[str, str] = {}
    for artifact in sorted((each for each in rendered if each.path.startswith(anywhere)), key=lambda each: each.path):
        for path, part in places:
            if artifact.path == path or artifact.path.startswith(f"{path}/"):
                texts[part] = texts.get(part, "") + artifact.content
    if site.stack.errors:
        # Of the bridge's file it reads the projects again whenever they change.
        texts["bugsink-bridge"] = emit_json(bridge_settings())
    return {name: hashlib.sha256(text.encode()).hexdigest()[:16] for name, text in texts.items()}


def _log_mounts(site: Site) -> list[dict[str, Any]]:
    """The directories of log files that services write on this machine: directories, because files are rotated."""
    files = {service.logs.file for service in site.services if service.logs.mode == "file"}
    folders = sorted({normpath(dirname(file)) for file in files})
    return [
        {"type": "bind", "source": _escape(folder), "target": _escape(HOST_MOUNT + folder), "read_only": True}
        for folder in folders
    ]


def _exporters(site: Site) -> list[Exporter]:
    return [pack.exporter for service in site.services for pack in service.packs if pack.exporter]


def _exporter(exporter: Exporter) -> dict[str, Any]:
    """A container under the common policy. Its image holds one program and nothing to check it with: Prometheus looks
    from outside."""
    limits = _limits(exporter.memory)
    files = {each.variable: f"{SECRETS_MOUNT}/{each.form}" for each in exporter.credentials}
    variables = {name: _escape(value) for name, value in sorted({**exporter.environment, **files}.items())}
    name = scrape_name(exporter.name)
    service: dict[str, Any] = {
        "image": f"${{IMAGE_{exporter.image}:?run make up}}",
        **POLICY,
        **limits,
        "environment": {**limits["environment"], **variables},
        "user": _UNPRIVILEGED,
        # What it says is for Prometheus, not for the apps beside what it asks.
        "networks": {NETWORK: None, SCRAPE_NETWORK: {"aliases": [name]}},
        "command": [f"{exporter.listen}={name}:{exporter.port}", *(_escape(word) for word in exporter.command)],
        "extra_hosts": ["host.docker.internal:host-gateway"],
    }
    if files:
        service["volumes"] = [f"${{LOOKOUT_SECRETS:-./secrets}}/.mounted/{exporter.name}:{SECRETS_MOUNT}:ro"]
    return service


def _escape(text: str) -> str:
    """Compose puts variables in for $NAME; $$ is a dollar."""
    return text.replace("$", "$$")


def _merge(target: dict[str, Any], source: Mapping[str, Any]) -> None:
    """Put `source` into `target`, mappings key by key."""
    for key, value in source.items():
        if isinstance(value, dict):
            _merge(target.setdefault(key, {}), value)
        else:
            target[key] = value
