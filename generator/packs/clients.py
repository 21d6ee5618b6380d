"""How a person asks a data store by hand: the command line of its client, from where the store is.

Owns the commands in runbooks. A password is never part of one: psql asks for it, redis-cli reads it from a variable.
"""

import shlex

from generator.net.addresses import host_of, is_container, is_machine
from generator.site.model import Service


def psql(service: Service) -> str:
    """The command that opens a session as the database's own administrator."""
    host, port = host_of(service.address), service.address.rpartition(":")[2]
    if is_container(host):
        inside = "sh -c 'psql -U \"${POSTGRES_USER:-postgres}\" -d postgres'"
        return f'docker exec -it "$(docker ps -qf label=com.docker.compose.service={host})" {inside}'
    if is_machine(host):
        return f"psql -h localhost -p {port} -U postgres -d postgres"
    mode = "" if service.dsn and service.dsn.made.endswith("sslmode=disable") else " sslmode=require"
    return f'psql "host={host} port={port} user=postgres dbname=postgres{mode}"'


def redis_cli(service: Service) -> str:
    """The command before what is asked."""
    host, port = host_of(service.address), service.address.rpartition(":")[2]
    tls = service.tls
    words = ["redis-cli"]
    if tls:
        words += ["--tls", *([] if tls.verify else ["--insecure"])]
        words += ["--cacert", f"secrets/{tls.ca.name}"] if tls.ca and not is_container(host) else []
    words += ["--user", shlex.quote(service.user)] if service.user else []
    if is_container(host):
        # Inside its container the authority is not known, and there is nothing between.
        words = [word for word in words if word != "--insecure"] + (["--insecure"] if tls else [])
        return f'docker exec "$(docker ps -qf label=com.docker.compose.service={host})" {" ".join(words)}'
    place = ["-h", "localhost" if is_machine(host) else host, "-p", port]
    return " ".join([words[0], *place, *words[1:]])
