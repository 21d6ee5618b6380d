"""The SQL that makes the role as which an exporter logs in to a database, as `lookout connect` prints it.

It names the files that hold user and password, decoded as the exporter reads them, and reads them where it is pasted:
no secret is printed.
"""

from typing import Final

from generator.net.addresses import host_of, is_container, is_machine
from generator.site.model import Dsn, Service

# One scrape needs two; a scrape that hangs while the next begins, two more.
_CONNECTIONS: Final = 5
# Doubled, a quote ends no text in SQL; a backslash is nothing special there.
_QUOTED: Final = "sed \"s/'/''/g\""


def role_lines(service: Service, dsn: Dsn, root: str) -> str:
    """The lines for one database."""
    share = f"{root}/secrets/.mounted/postgres-exporter-{service.name}"
    return "\n".join(
        [
            "# The role as which its exporter logs in: it reads statistics, and no table. `make secrets` has put the",
            f"# password into {root}/secrets/{dsn.secret.name}; a DSN of your own may stand there instead.",
            f"ROLE=$({_QUOTED} {share}/dsn.user)",
            f"PASSWORD=$({_QUOTED} {share}/dsn.password)",
            f"{_psql(service, dsn)} <<SQL",
            f"SELECT format('CREATE ROLE %I CONNECTION LIMIT {_CONNECTIONS}', '$ROLE')",
            "WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$ROLE') \\gexec",
            "SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', '$ROLE', '$PASSWORD') \\gexec",
            "SELECT format('GRANT pg_monitor TO %I', '$ROLE') \\gexec",
            "SQL",
        ]
    )


def _psql(service: Service, dsn: Dsn) -> str:
    """As the administrator: in the store's container, on this machine, or where it is, over TLS if the exporter asks
    it so."""
    host, port, options = host_of(service.address), service.address.rpartition(":")[2], "-v ON_ERROR_STOP=1"
    if is_container(host):
        container = f'"$(docker ps -qf label=com.docker.compose.service={host})"'
        return f"docker exec -i {container} sh -c 'psql -U \"${{POSTGRES_USER:-postgres}}\" -d postgres {options}'"
    if is_machine(host):
        return f"psql -h localhost -p {port} -U postgres -d postgres {options}"
    mode = "" if dsn.made.endswith("sslmode=disable") else "PGSSLMODE=require "
    return f"{mode}psql -h {host} -p {port} -U postgres -d postgres {options}"
