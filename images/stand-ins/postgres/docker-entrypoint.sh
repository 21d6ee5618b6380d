#!/bin/sh
# Makes the cluster on the first start, with the user, password and database that the environment names (each also as
# a file, NAME_FILE); scripts in /docker-entrypoint-initdb.d run then. Root hands over to the user postgres.
set -eu

value() { # NAME: its value, or what the file behind NAME_FILE holds
    file=$(printenv "${1}_FILE" || true)
    if [ -n "$file" ]; then cat "$file"; else printenv "$1" || true; fi
}

make_cluster() {
    user=$(value POSTGRES_USER) && user=${user:-postgres}
    database=$(value POSTGRES_DB) && database=${database:-$user}
    password=$(value POSTGRES_PASSWORD)
    if [ -z "$password" ]; then
        echo "POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE has to be set" >&2
        exit 1
    fi
    # Made beside its place: a start that was interrupted leaves nothing that the next one takes for whole.
    half=$PGDATA.half
    rm -rf "$half"
    mkdir -p "$half"
    chmod 0700 "$half"
    secret=$(mktemp)
    printf '%s\n' "$password" >"$secret"
    initdb --pgdata "$half" --username "$user" --pwfile "$secret" --auth-local trust --auth-host scram-sha-256 \
        --encoding UTF8
    rm "$secret"
    echo "host all all all scram-sha-256" >>"$half/pg_hba.conf"
    pg_ctl --pgdata "$half" --options "-c listen_addresses=''" --wait --silent start
    if [ "$database" != postgres ]; then
        createdb --username "$user" --maintenance-db postgres "$database"
    fi
    for script in /docker-entrypoint-initdb.d/*; do
        case $script in
            *.sh) sh "$script" ;;
            *.sql) psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$user" --dbname "$database" --file "$script" ;;
        esac
    done
    pg_ctl --pgdata "$half" --mode fast --wait --silent stop
    mv "$half" "$PGDATA"
}

case "${1:-}" in
    -*) set -- postgres "$@" ;;
esac
if [ "${1:-}" = postgres ]; then
    if [ "$(id -u)" = 0 ]; then
        mkdir -p "$PGDATA" /run/postgresql
        chown -R postgres:postgres /var/lib/postgresql "$PGDATA" /run/postgresql
        exec setpriv --reuid postgres --regid postgres --clear-groups -- "$0" "$@"
    fi
    [ -s "$PGDATA/PG_VERSION" ] || { rmdir "$PGDATA" 2>/dev/null || true; make_cluster; }
    # On every address, as the official image does; what follows on the command line wins.
    shift
    exec postgres -c "listen_addresses=*" "$@"
fi
exec "$@"
