#!/usr/bin/env bash
# The stack that runs: down, status, logs [SERVICE], clean yes.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

down() { docker compose --profile '*' down --remove-orphans "$@"; }

# What is stored goes; secrets/ stays, as it fits the next stack too.
confirm() {
    [[ ${1:-} == yes ]] && return
    say "This removes the stack and all that it has stored: metrics, logs, silences, Uptime Kuma's history."
    die "if that is what you want: make clean CONFIRM=yes"
}

# What is missing here is what `make up` brings.
need_docker() {
    command -v docker >/dev/null || missing "docker is not on this machine: make up"
    docker compose version >/dev/null 2>&1 || missing "docker compose is not on this machine: make up"
    [[ -f .env ]] || missing "nothing was started here yet: make up"
}

load_docker
case ${1:-} in
    down | logs | clean) need_docker ;;&
    down) step "stop the stack; its data stays" down ;;
    status) exec "$(run_python)" -m generator.verbs.status ;;
    logs) exec docker compose logs --follow --tail 100 "${@:2}" ;;
    clean)
        confirm "${2:-}"
        step "remove the stack and its data" down --volumes
        ;;
    *) die "scripts/stack.sh down | status | logs [SERVICE] | clean yes" ;;
esac
