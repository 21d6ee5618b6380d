"""The SQL that makes the role as which an exporter logs in to a database, as `lookout connect` prints it.

It names the file that holds the password, and reads it where it is pasted: no secret is printed.
"""

from typing import Final
from urllib.parse import urlsplit

from generator.model import Dsn, Service

# One scrape needs two; a scrape that hangs while the next begins, two more.
_CONNECTIONS: Final = 5
# What containers and others call the machine itself.
_MACHINE: Final = ("host.docker.internal", "localhost")


def role_lines(service: Service, dsn: Dsn, root: str) -> str:
    """The lines for one database."""
    role, file = urlsplit(dsn.made).username, f"{root}/secrets/{dsn.secret.name}"
    host, _, port = service.address.rpartition(":")
    container = f'"$(docker ps -qf label=com.docker.compose.service={host})"'
    options = "-d postgres -v ON_ERROR_STOP=1"
    inside = f"docker exec -i {container} sh -c 'psql -U \"${{POSTGRES_USER:-postgres}}\" {options}'"
    outside = f"psql -h {'localhost' if host in _MACHINE else host} -p {port} -U postgres {options}"
    psql = outside if "." in host or host in _MACHINE else inside
    return "\n".join(
        [
            "# The role as which its exporter logs in: it reads statistics, and no table. `make secrets` has put the",
            f"# password into {file}; a DSN of your own may stand there instead.",
            f"PASSWORD=$(sed -E 's|.*//[^:]+:([^@]+)@.*|\\1|' {file})",
            f"{psql} <<SQL",
            f"SELECT 'CREATE ROLE {role}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec",
            f"ALTER ROLE {role} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT {_CONNECTIONS};",
            f"ALTER ROLE {role} LOGIN PASSWORD '$PASSWORD';",
            f"GRANT pg_monitor TO {role};",
            "SQL",
        ]
    )
