#!/usr/bin/env bash
# What the machine itself has to bring: Docker with Compose, and Python.
#   host.sh ensure    a Docker daemon that answers (installed with apt if it is missing), Compose if the distribution
#                     has it; what this Docker needs in the environment is written to ~/.cache/lookout/docker.env
#   host.sh release   stops the daemon that `ensure` started; one that was there before is left alone
#   host.sh python    prints a Python >= 3.11 that can make environments
# Exit 3: something is missing that this user cannot install; one line says what.
set -euo pipefail

CACHE=$HOME/.cache/lookout
DOCKER_ENV=$CACHE/docker.env
PID_FILE=$CACHE/dockerd.pid
DAEMON_LOG=$CACHE/dockerd.log
INSTALL_LOG=$CACHE/logs/host.log
LATEST_WAIT=60
APPARMOR=/sys/module/apparmor/parameters/enabled

say() { printf '  %s\n' "$*" >&2; }
missing() {
    printf 'lookout: %s\n' "$*" >&2
    exit 3
}

has() { command -v "$1" >/dev/null 2>&1; }

# apt_knows PACKAGE...: can apt install them all?
apt_knows() {
    local package
    has apt-cache || return 1
    for package; do
        # A package that others only mention has a page and no candidate.
        apt-cache policy "$package" 2>/dev/null | grep --quiet 'Candidate: [0-9]' || return 1
    done
}

APT_UPDATED=
apt_update() {
    [[ -z $APT_UPDATED ]] || return 0
    mkdir -p "$(dirname "$INSTALL_LOG")"
    # A source that does not answer is no reason to stop: what is needed may come from another.
    DEBIAN_FRONTEND=noninteractive apt-get update --quiet >>"$INSTALL_LOG" 2>&1 || true
    APT_UPDATED=yes
}

apt_install() {
    local started=$SECONDS
    say "installing $*"
    if ! DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends "$@" >>"$INSTALL_LOG" 2>&1; then
        tail -n 15 "$INSTALL_LOG" >&2
        missing "apt could not install $*; full log: $INSTALL_LOG"
    fi
    say "installed $* in $((SECONDS - started)) s"
}

# may_install WHAT: can this user install with apt? If not, say what is missing.
may_install() {
    has apt-get || missing "$1 is missing; install it with this machine's package manager, then run this again"
    [[ $EUID == 0 ]] || missing "$1 is missing; as root: apt-get install $2"
    apt_update
}

# --- Docker ---

install_docker() {
    may_install Docker "docker.io iptables"
    if apt_knows docker-ce docker-ce-cli containerd.io; then
        apt_install docker-ce docker-ce-cli containerd.io docker-compose-plugin docker-buildx-plugin
    else
        # Debian splits the client off in later releases; a client that is there already serves.
        local extra=()
        ! apt_knows docker-cli || has docker || extra+=(docker-cli)
        # Where the kernel has AppArmor on, no container starts without its tool.
        [[ ! -f $APPARMOR || $(<"$APPARMOR") != Y ]] || has apparmor_parser || extra+=(apparmor)
        apt_install docker.io iptables "${extra[@]}"
    fi
}

# What this client and this daemon need said in order to understand each other, as KEY=VALUE lines. A client that is much
# newer than its daemon does not lower its version by itself in every command; without buildx only the classic builder
# works.
docker_settings() {
    local client server
    client=$(docker version --format '{{.Client.DefaultAPIVersion}}' 2>/dev/null) || true
    server=$(server_api)
    if [[ -n $client && -n $server && $client != "$server" ]] && newer "$client" "$server"; then
        printf 'DOCKER_API_VERSION=%s\n' "$server"
    fi
    docker buildx version >/dev/null 2>&1 || printf 'DOCKER_BUILDKIT=0\n'
}

newer() { [[ $(printf '%s\n%s\n' "$1" "$2" | sort --version-sort | tail -n 1) == "$1" ]]; }

# The newest API version that the daemon speaks; empty when no daemon answers.
server_api() { env --unset=DOCKER_API_VERSION docker version --format '{{.Server.APIVersion}}' 2>/dev/null || true; }

write_docker_env() {
    local half=$DOCKER_ENV.part
    mkdir -p "$CACHE"
    docker_settings >"$half"
    mv "$half" "$DOCKER_ENV"
}

answers() { docker info >/dev/null 2>&1; }

# Does the daemon of the pid file run? Its number alone may be another process's by now, and one that has ended may be
# listed until its parent collects it, but no longer runs.
ours_runs() {
    local program
    [[ -f $PID_FILE ]] && program=$(readlink "/proc/$(<"$PID_FILE")/exe") && [[ ${program##*/} == dockerd* ]]
}

start_daemon() {
    local own=
    if [[ -d /run/systemd/system ]]; then
        say "starting the Docker service"
        [[ $EUID == 0 ]] || missing "the Docker daemon does not answer; as root: systemctl start docker (and: usermod -aG docker $USER)"
        systemctl start docker
    else
        has dockerd || return 0
        [[ $EUID == 0 ]] || missing "no Docker daemon answers; as root: dockerd"
        say "starting dockerd; its log: $DAEMON_LOG"
        mkdir -p "$CACHE"
        ours_runs || rm -f "$PID_FILE"
        # In a session of its own, so that it outlives this shell and the terminal.
        own=yes
        setsid --fork dockerd --pidfile "$PID_FILE" >>"$DAEMON_LOG" 2>&1 </dev/null
    fi
    local began=$SECONDS
    until answers; do
        if ((SECONDS > began + LATEST_WAIT)) || { [[ -n $own ]] && ((SECONDS > began + 5)) && ! ours_runs; }; then
            tail -n 10 "$DAEMON_LOG" >&2 2>/dev/null || true
            missing "the Docker daemon did not answer within $((SECONDS - began)) s; its log: $DAEMON_LOG"
        fi
        sleep 0.5
    done
}

# --- Compose ---

has_compose() {
    local version
    version=$(docker compose version --short 2>/dev/null) || return 1
    version=${version#v}
    ((${version%%.*} >= 2))
}

# From the distribution if it has version 2 or later; otherwise images/ builds it, when it has a base to build on.
install_compose() {
    local package version
    [[ $EUID == 0 ]] && has apt-get || return 0
    apt_update
    for package in docker-compose-plugin docker-compose-v2 docker-compose; do
        version=$(apt-cache policy "$package" 2>/dev/null | sed -n 's/^ *Candidate: *//p')
        version=${version#*:}
        if [[ $version =~ ^([0-9]+)\. ]] && ((BASH_REMATCH[1] >= 2)); then
            apt_install "$package"
            return
        fi
    done
    say "the distribution has no Compose v2; it is made together with the images"
}

ensure() {
    if ! has docker || { ! has dockerd && ! answers; }; then
        install_docker
        hash -r
    fi
    answers || start_daemon
    write_docker_env
    has_compose || install_compose
}

# --- the rest ---

release() {
    if ours_runs; then
        local pid end=$((SECONDS + LATEST_WAIT))
        pid=$(<"$PID_FILE")
        kill "$pid"
        while ours_runs; do
            ((SECONDS <= end)) || missing "dockerd ($pid) does not stop; its log: $DAEMON_LOG"
            sleep 0.2
        done
        say "stopped dockerd"
    fi
    rm -f "$PID_FILE"
}

good_python() {
    has "$1" && "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        good_python "$name" && command -v "$name" && return
    done
    may_install "Python >= 3.11 with venv" "python3 python3-venv"
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if apt_knows "$name" "$name-venv"; then
            apt_install "$name" "$name-venv"
            good_python "$name" && command -v "$name" && return
        fi
    done
    missing "Python >= 3.11 is missing and the distribution has none: install one and put it on PATH as python3.11 or later"
}

case ${1:-} in
    ensure | release | python) "$1" ;;
    *)
        printf 'usage: host.sh ensure | release | python\n' >&2
        exit 2
        ;;
esac
