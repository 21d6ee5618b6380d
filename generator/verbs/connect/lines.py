"""What `lookout connect SERVICE` prints: the lines to paste on the app's side, for this very service.

Decides by the service's targets which roads lead to it, and writes for each what the app, its compose file or its unit
needs. It reads no file and no secret: of a token only the place is named.
"""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from generator.conventions import LOCAL_PORT, NETWORK, STACK_SERVICE, logs_token
from generator.net.addresses import is_container, is_local, is_machine
from generator.render.compose import POLICY
from generator.render.urls import url_of
from generator.site.model import Service, Site
from generator.source.emit import emit_yaml
from generator.verbs.connect.app import CONFIG_MOUNT, config_file, metrics_lines, secret_files
from generator.verbs.connect.push import FROM_CONTAINER, push_lines, push_url, push_variables
from generator.verbs.connect.role import role_lines

# network: a container that joins the network `lookout`. machine: a process beside Docker. private: another machine
# over plain http. public: anything behind https.
Road = Literal["network", "machine", "private", "public"]

# Where an app's container finds its token.
TOKEN_MOUNT: Final = "/run/lookout"
# What a container calls the machine that it runs on.
_MACHINE: Final = "host.docker.internal"


@dataclass(frozen=True, slots=True)
class _End:
    """One end of a connection: where something of the service listens, and on which road that lies."""

    road: Road
    host: str
    port: str


def connect_lines(site: Site, service_name: str, root: str = "/path/to/lookout") -> str:
    """The lines for `service_name`. `root` is the folder of this installation. Raises KeyError."""
    service = {each.name: each for each in site.services}[service_name]
    ends = tuple(dict.fromkeys(_ends(service)))
    if not ends and service.logs.mode == "push":
        places: set[Road] = {"public"} if site.stack.domain else {"network"}
        return "\n\n".join([f"What {service.name} needs: it sends its lines.", *_pushed(site, service, places, root)])
    if not ends or service.name == STACK_SERVICE or _is_own_host(service):
        reason = f"It is asked at {service.url} from outside." if service.url else "Lookout comes to it by itself."
        return f"{service.name}: there is nothing to paste. {reason}\n"
    roads = {end.road for end in ends}
    parts = [f"What {service.name} needs, for the targets in services.yaml: {', '.join(_texts(ends))}."]
    if "host" in service.kinds:
        return "\n\n".join([*parts, _node_exporter(ends), _check(service)]) + "\n"
    if service.dsn:
        parts.append(role_lines(service, service.dsn, root))
    parts += [_compose(service, end, root) for end in ends if end.road == "network"]
    parts += [_machine(service, end, root) for end in ends if end.road == "machine"]
    if roads & {"private", "public"}:
        parts.append(_asked_elsewhere(service) if service.address else _elsewhere(service, root))
    if service.errors and roads & {"private", "public"}:
        parts.append(_report(service, root))
    parts += [metrics_lines(service, root), *_log_lines(site, service, roads, root), _check(service)]
    return "\n\n".join(part.rstrip() for part in parts if part) + "\n"


def _ends(service: Service) -> Iterable[_End]:
    """Where its own /metrics is, and where an exporter asks it; what is only probed needs nothing on its side."""
    for job in service.jobs:
        if job.probe_module:
            continue
        for _, instance in job.targets:
            host, _, port = instance.rpartition(":")
            road: Road = "private"
            if job.scheme == "https":
                road = "public"
            elif is_machine(host):
                road = "machine"
            elif is_container(host):
                road = "network"
            yield _End(road, host, port)


def _texts(ends: Iterable[_End]) -> list[str]:
    return [f"{end.host}:{end.port}" for end in ends]


def _is_own_host(service: Service) -> bool:
    return "host" in service.kinds and any(target.startswith("node-exporter:") for target in service.targets)


def _share(service: Service, root: str, name: str) -> str:
    """A secret of the service as it is handed out: without what an editor may have left around it."""
    return f"{root}/secrets/.mounted/{service.name}/{name}"


def _compose(service: Service, end: _End, root: str) -> str:
    """For a container of another compose project."""
    part: dict[str, Any] = {"networks": ["default", NETWORK], "logging": POLICY["logging"]}
    config, files = config_file(service), secret_files(service)
    if service.logs.mode == "push":
        files["LOGS_TOKEN_FILE"] = logs_token(service.name)
    environment = {"LOOKOUT_CONFIG": f"{CONFIG_MOUNT}/{Path(config).name}"} if config else {}
    environment |= {variable: f"{TOKEN_MOUNT}/{name}" for variable, name in files.items()}
    environment |= push_variables(service, FROM_CONTAINER) if service.logs.mode == "push" else {}
    mounts = [f"{root}/{Path(config).parent}:{CONFIG_MOUNT}:ro"] if config else []
    mounts += [f"{root}/secrets/.mounted/{service.name}:{TOKEN_MOUNT}:ro"] if files else []
    part |= {key: value for key, value in (("environment", environment), ("volumes", mounts)) if value}
    snippet = {"services": {end.host: part}, "networks": {NETWORK: {"external": True}}}
    note = (
        f"Into the compose.yaml of the app. On the network {NETWORK} its container is called {end.host}, and listens "
        f"on port {end.port} at 0.0.0.0."
    )
    text = emit_yaml(snippet, note)
    if end.host != service.name and service.logs.mode == "docker":
        text += (
            f'# Its lines are found as service_name="{end.host}". Call the service {end.host} in services.yaml too,\n'
            f"# and they are on its dashboard.\n"
        )
    return text


def _machine(service: Service, end: _End, root: str) -> str:
    """For a process beside Docker: where it listens, who may come in, where its token and its lines are."""
    itself = f"# To a container {end.host} is itself: write {_MACHINE}:{end.port} in services.yaml."
    lines = [
        *([] if end.host == _MACHINE else [itself]),
        f"# A process on this machine. Containers reach it as host.docker.internal:{end.port}, which is the address of",
        "# Docker's bridge (172.17.0.1 unless it was changed). Let it listen there:",
        "BRIDGE=$(docker network inspect bridge -f '{{(index .IPAM.Config 0).Gateway}}')",
        f'gunicorn main:app --bind "$BRIDGE:{end.port}"     # or: uvicorn main:app --host "$BRIDGE" --port {end.port}',
        "# 0.0.0.0 works as well, but opens the port to the internet unless a firewall closes it. A firewall has to",
        f"# let the network {NETWORK} in:",
        f"SUBNET=$(docker network inspect {NETWORK} -f '{{{{(index .IPAM.Config 0).Subnet}}}}')",
        f'ufw allow proto tcp from "$SUBNET" to any port {end.port}',
    ]
    config = config_file(service)
    unit = [f"Environment=LOOKOUT_CONFIG={root}/{config}"] if config else []
    for variable, name in secret_files(service).items():
        unit += [f"LoadCredential={name}:{_share(service, root, name)}", f"Environment={variable}=%d/{name}"]
    if service.logs.mode == "push":
        name = logs_token(service.name)
        unit += [f"LoadCredential={name}:{_share(service, root, name)}", f"Environment=LOGS_TOKEN_FILE=%d/{name}"]
    if service.logs.mode == "file":
        unit += [f"StandardOutput=append:{service.logs.file.replace('%', '%%')}", "StandardError=inherit"]
    if unit:
        lines += ["", f"# /etc/systemd/system/{service.name}.service.d/lookout.conf, then: systemctl daemon-reload"]
        lines += ["[Service]", *unit]
    if service.logs.mode == "docker":
        lines += ["", "# Its lines are not in Docker's log files. In services.yaml:"]
        lines += [f"#   logs: {{file: /var/log/{service.name}/{service.name}.log}}"]
    return "\n".join(lines)


def _elsewhere(service: Service, root: str) -> str:
    """For what is on another machine or platform: the address that is asked, and the token's way there."""
    job = next(job for job in service.jobs if not job.probe_module)
    urls = [url_of(job, address) for address, _ in job.targets]
    asked = shlex.quote(urls[0])
    config = config_file(service)
    lines = [f"# Copy {root}/{config} to where the app is, and let LOOKOUT_CONFIG name it."] if config else []
    lines += [f"# Elsewhere. Lookout asks {' and '.join(urls)}"]
    if job.basic_password:
        login = f"{job.basic_user}:$(cat {root}/secrets/.mounted/prometheus/{job.basic_password.name})"
        lines += [f"# as the user {job.basic_user}, with the password in {root}/secrets/{job.basic_password.name}."]
        return "\n".join([*lines, "# Does it answer?", f'curl -fsS -u "{login}" {asked} | head'])
    if not service.token:
        lines += ["# without a token: anyone who knows the address can read it. To require one, in services.yaml:"]
        return "\n".join([*lines, f"#   metrics: {{token: secret:{service.name}_metrics_token}}"])
    file = _share(service, root, service.token.name)
    return "\n".join(
        [
            *lines,
            "# with the header `Authorization: Bearer …`. Hand the token to the app as METRICS_TOKEN, for instance:",
            f'fly secrets set METRICS_TOKEN="$(cat {file})"',
            "# Does it answer?",
            f'curl -fsS -H "Authorization: Bearer $(cat {file})" {asked} | head',
        ]
    )


def _asked_elsewhere(service: Service) -> str:
    """For a data store on another machine, which an exporter here asks."""
    port = service.address.rpartition(":")[2]
    if is_local(service.address):
        return "\n".join(
            [
                f"# Elsewhere. An exporter on this machine asks {service.address}; let this machine in, and no other:",
                f"ufw allow proto tcp from THIS_MACHINE to any port {port}",
            ]
        )
    over = " over TLS" if service.tls or (service.dsn and not service.dsn.made.endswith("sslmode=disable")) else ""
    return "\n".join(
        [
            f"# Elsewhere. An exporter on this machine asks {service.address}{over}. Where its provider keeps the",
            "# list of addresses that may connect (security group, trusted sources, network restrictions), add the",
            "# public address of this machine.",
        ]
    )


def _report(service: Service, root: str) -> str:
    """For what is elsewhere: the address that it reports errors to."""
    name = service.errors.dsn.name if service.errors else ""
    return "\n".join(
        [
            "# Errors: hand the app the address to report them to as SENTRY_DSN, for instance:",
            f'fly secrets set SENTRY_DSN="$(cat {_share(service, root, name)})"',
        ]
    )


def _log_lines(site: Site, service: Service, roads: set[Road], root: str) -> list[str]:
    """What the ways of collecting lines still ask for, each where it applies."""
    mode, lines = service.logs.mode, []
    if mode == "file":
        folder = shlex.quote(service.logs.file.rpartition("/")[0])
        lines.append(
            f"# One JSON object a line into {service.logs.file}; the folder has to exist: mkdir -p {folder}\n"
            "# Rotated files are read to their end, packed ones are not: with logrotate, use delaycompress."
        )
    if mode == "push":
        lines += _pushed(site, service, roads, root)
    if mode == "docker" and not roads & {"network", "machine"}:
        lines.append("# Lines are not collected from elsewhere: write logs: none in services.yaml.")
    return lines


def _pushed(site: Site, service: Service, roads: set[Road], root: str) -> list[str]:
    """How its lines are sent, from each place that it is in."""
    name, lines = logs_token(service.name), []
    if "network" in roads:
        lines.append(push_lines(service, push_url(site, "container"), f"{TOKEN_MOUNT}/{name}"))
    if "machine" in roads:
        lines.append(push_lines(service, push_url(site, "machine"), _share(service, root, name)))
    if roads & {"private", "public"}:
        url = push_url(site, "elsewhere")
        needed = "# Lines come from elsewhere over https alone: write stack.domain in services.yaml, or logs: none."
        copied = f"# Copy {_share(service, root, name)} to where the app is, readable by the app alone.\n"
        lines.append(copied + push_lines(service, url, f"/etc/lookout/{name}") if url else needed)
    return lines


def _node_exporter(ends: tuple[_End, ...]) -> str:
    end = ends[0]
    return "\n".join(
        [
            "# On that machine, reachable from this one alone:",
            "apt-get install -y --no-install-recommends prometheus-node-exporter",
            f"echo 'ARGS=\"--web.listen-address={end.host}:{end.port}\"' > /etc/default/prometheus-node-exporter",
            "systemctl restart prometheus-node-exporter",
            f"ufw allow proto tcp from THIS_MACHINE to any port {end.port}",
        ]
    )


def _check(service: Service) -> str:
    # An exporter answers whether or not it is answered, and says which.
    metric = '__name__=~".+_up",' if service.address else ""
    query = f'query={"" if metric else "up"}{{{metric}service="{service.name}"}}'
    address = f"http://localhost:{LOCAL_PORT}/prometheus/api/v1/query"
    return f"# Then, here: make apply. Is it there? 1 means yes:\ncurl -sG {address} --data-urlencode '{query}'"
