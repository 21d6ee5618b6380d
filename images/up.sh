#!/usr/bin/env bash
# `make up`: from a clone to a running stack, and from a running stack to one that follows services.yaml.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

NETWORK=${LOOKOUT_NETWORK:-lookout}

prepare_python() {
    PYTHON_FOUND=$(images/host.sh python)
    ensure_venv "$PYTHON_FOUND"
    PYTHON=$(venv_path "$PYTHON_FOUND")/bin/python
}

create_network() {
    docker network inspect "$NETWORK" >/dev/null 2>&1 || docker network create "$NETWORK" >/dev/null
}

# Containers run as other users than whoever cloned this, perhaps with a strict umask.
open_configuration() {
    chmod -R a+rX prometheus alertmanager grafana loki caddy docs/runbooks
}

start() {
    docker compose up --detach --wait --wait-timeout 300 --remove-orphans --no-build && return
    docker compose ps --all --format 'table {{.Service}}\t{{.Status}}' >&2
    return 1
}

# Where everything is, and who may enter: names of files, never what is in them.
tell() {
    local domain base kuma
    domain=$("$PYTHON" -m images.site domain)
    base=http://localhost:${LOOKOUT_PORT:-8080}
    kuma=http://localhost:${LOOKOUT_KUMA_PORT:-3001}
    if [[ -n $domain ]]; then
        base=https://$domain
        kuma=https://status.$domain
    fi
    say ""
    say "Lookout runs."
    say "  Home           $base/"
    [[ -n $HAS_GRAFANA ]] && say "  Grafana        $base/grafana/       user admin, password in secrets/grafana_admin_password"
    say "  Prometheus     $base/prometheus/"
    say "  Alertmanager   $base/alertmanager/"
    say "  Uptime Kuma    $kuma/        user admin, password in secrets/kuma_admin_password"
    if [[ -n $domain ]]; then
        say "  What has no login of its own asks for: user admin, password in secrets/web_password"
    else
        say "  From another machine: ssh -L ${LOOKOUT_PORT:-8080}:127.0.0.1:${LOOKOUT_PORT:-8080} -L ${LOOKOUT_KUMA_PORT:-3001}:127.0.0.1:${LOOKOUT_KUMA_PORT:-3001} USER@THIS-MACHINE"
    fi
    say ""
    [[ -n $HAS_GRAFANA ]] || loud "Grafana is left out: no image registry answers, and no package registry has it. Dashboards are rendered and wait for it."
    "$PYTHON" -m generator.secrets
}

began=$SECONDS
step "machine: Docker, Compose, Python" images/host.sh ensure
load_docker
step "Python environment" prepare_python
step "images" "$PYTHON" -m images
step "secrets" "$PYTHON" -m generator.secrets
step "render" "$PYTHON" -m generator render
step "network $NETWORK" create_network
step "permissions" open_configuration
step "containers" start
step "configuration and monitors" "$PYTHON" -m generator apply
HAS_GRAFANA=$(docker compose config --services | grep -x grafana || true)
tell
say "up in $((SECONDS - began)) s"
