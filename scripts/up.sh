#!/usr/bin/env bash
# `make up`: from a clone to a running stack, and from a running stack to one that follows services.yaml.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

NETWORK=${LOOKOUT_NETWORK:-lookout}

prepare_python() { PYTHON=$(run_python); }

# What is missing is printed at the end, where users see it.
make_secrets() { "$PYTHON" -m generator.verbs.secrets | sed '/only you have/d'; }

create_network() {
    docker network inspect "$NETWORK" >/dev/null 2>&1 || docker network create "$NETWORK" >/dev/null
}

start() {
    "$PYTHON" -m generator.verbs.hold docker compose up --detach --wait --wait-timeout 300 --remove-orphans --no-build && return
    docker compose ps --all --format 'table {{.Service}}\t{{.Status}}' >&2
    return 1
}

# Seconds of each step on two cores, about; a run that is done replaces them. What images take depends on what is missing, and they say it themselves.
USUAL=(2 30 0 1 5 1 1 60 25)

# For the next run, which says how much time is left.
remember_times() {
    local row
    for row in "${STEPS[@]}"; do
        [[ ${row#* } == images ]] && echo 0 || echo "${row%% *}"
    done >"$TIMES"
}

# Where everything is, and who may enter: names of files, never what is in them.
report() {
    local base port=${LOOKOUT_PORT:-8080} kuma_port=${LOOKOUT_KUMA_PORT:-3001} kuma grafana errors
    base=$(sed -n 's|.*--web.external-url=\(.*\)/prometheus/.*|\1|p' compose.rendered.yaml)
    grafana=$(docker compose config --services | grep -x grafana || true)
    errors=$(docker compose config --services | grep -x bugsink || true)
    kuma=${base/https:\/\//https:\/\/status.}
    if [[ $base == http://* ]]; then
        base=http://localhost:$port
        kuma=http://localhost:$kuma_port
    fi
    say ""
    say "Lookout runs."
    say "  Home           $base/"
    [[ -z $grafana ]] || say "  Grafana        $base/grafana/   user admin, password in secrets/grafana_admin_password"
    say "  Prometheus     $base/prometheus/"
    say "  Alertmanager   $base/alertmanager/"
    [[ -z $errors ]] || say "  Errors         $base/bugsink/   user admin, password in secrets/bugsink_admin_password"
    say "  Uptime Kuma    $kuma/   user admin, password in secrets/kuma_admin_password"
    if [[ $base == https://* ]]; then
        say "  What has no login of its own asks for one: user admin, password in secrets/web_password"
    else
        say "  From your own computer: ssh -L $port:127.0.0.1:$port -L $kuma_port:127.0.0.1:$kuma_port USER@SERVER"
    fi
    [[ -n $grafana ]] || loud "Grafana is left out: no image registry can be reached. Its dashboards are rendered and wait for it."
    "$PYTHON" -m generator.verbs.secrets
}

began=$SECONDS
OF_STEPS=$(grep -c '^step ' "${BASH_SOURCE[0]}")
TIMES=$CACHE/up-seconds
if [[ ! -f $TIMES || $(wc -l <"$TIMES") != "$OF_STEPS" ]]; then
    mkdir -p "$CACHE"
    printf '%s\n' "${USUAL[@]}" >"$TIMES"
fi
step "machine: Docker, Compose, Python" scripts/host.sh ensure
load_docker
step "Python environment" prepare_python
step "images" "$PYTHON" -m images
step "secrets" make_secrets
step "render" "$PYTHON" -m generator.verbs.up prepare
step "network $NETWORK" create_network
step "permissions" "$PYTHON" -m generator.verbs.up open
step "containers" start
step "configuration and monitors" "$PYTHON" -m generator.verbs.up follow
remember_times
report
say "up in $((SECONDS - began)) s"
