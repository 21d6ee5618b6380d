#!/bin/sh
# Run once, when the cluster is made: the role as which Lookout's exporter logs in. `lookout connect db` prints the same.
set -eu
password=$(sed -E 's|.*//[^:]+:([^@]+)@.*|\1|' /run/secrets/db_dsn)
psql --username "$POSTGRES_USER" --dbname postgres --quiet --set ON_ERROR_STOP=1 <<SQL
CREATE ROLE lookout NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION LOGIN CONNECTION LIMIT 5 PASSWORD '$password';
GRANT pg_monitor TO lookout;
SQL
