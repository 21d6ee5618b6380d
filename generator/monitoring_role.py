"""The SQL that makes the role as which an exporter logs in to a database, as `lookout connect` prints it.

It names the file that holds the password, and reads it where it is pasted: no secret is printed.
"""

from typing import Final
from urllib.parse import urlsplit

from generator.model import Dsn, Service

# One scrape needs two; a scrape that hangs while the next begins, two more.
_CONNECTIONS: Final = 5


def role_lines(service: Service, dsn: Dsn, root: str) -> str:
    """The lines for one database."""
    role, file = urlsplit(dsn.made).username, f"{root}/secrets/{dsn.secret.name}"
    host, _, port = service.address.rpartition(":")
    outside = f"psql -h {host} -p {port}"
    inside = f'docker exec -i "$(docker ps -qf label=com.docker.compose.service={host})" psql'
    psql = outside if "." in host else inside
    return "\n".join(
        [
            "# The role as which its exporter logs in: it reads statistics, and no table. `make secrets` has put the",
            f"# password into {file}; a DSN of your own may stand there instead.",
            "# Postgres' superuser is postgres, unless its container was given another POSTGRES_USER.",
            f"PASSWORD=$(sed -E 's|.*//[^:]+:([^@]+)@.*|\\1|' {file})",
            f"{psql} -U postgres -d postgres -v ON_ERROR_STOP=1 <<SQL",
            f"SELECT 'CREATE ROLE {role}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec",
            f"ALTER ROLE {role} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT {_CONNECTIONS};",
            f"ALTER ROLE {role} LOGIN PASSWORD '$PASSWORD';",
            f"GRANT pg_monitor TO {role};",
            "SQL",
        ]
    )
