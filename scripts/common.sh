# shellcheck shell=bash
# What the make targets share: where things are, how a step is shown, the Python environment. Sourced, never run.
set -euo pipefail
shopt -s inherit_errexit

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=$HOME/.cache/lookout
DOCKER_ENV=$CACHE/docker.env
VENV_LOG=$CACHE/logs/venv.log
cd "$ROOT"

say() { printf '%s\n' "$*"; }
loud() { printf '!! %s\n' "$*"; }
die() {
    printf 'lookout: %s\n' "$*" >&2
    exit 1
}

# Something that this machine lacks: one line, and the code that says that nothing was judged or done.
missing() {
    printf 'lookout: %s\n' "$*" >&2
    exit 3
}

# What this machine's Docker needs, as scripts/host.sh found it.
load_docker() {
    if [[ -f $DOCKER_ENV ]]; then
        set -a
        # shellcheck source=/dev/null
        . "$DOCKER_ENV"
        set +a
    fi
}

# time_left NUMBER: about how long the steps from that one on take, as a clause; nothing where that is not known. TIMES
# has the seconds of each step in their order.
time_left() {
    local left=0
    [[ -z ${TIMES:-} || ! -f $TIMES ]] || left=$(tail -n "+$1" "$TIMES" | awk '{sum += $1} END {print sum + 0}')
    if ((left >= 90)); then
        printf ', about %d min left' $(((left + 30) / 60))
    elif ((left >= 5)); then
        printf ', about %d s left' $(((left + 4) / 5 * 5))
    fi
}

# step TITLE COMMAND...: say what is done, and which of OF_STEPS it is where that is set; do it, say how long it took;
# `table` says it again of all steps. Not `"$@" || …`: that would make the shell go on after a command that fails inside
# a function.
step() {
    local started=$SECONDS
    STEP=$1
    shift
    say "== ${OF_STEPS:+$((${#STEPS[@]} + 1)) of $OF_STEPS: }$STEP$(time_left $((${#STEPS[@]} + 1)))"
    "$@"
    say "   $((SECONDS - started)) s"
    STEPS+=("$((SECONDS - started)) $STEP")
    STEP=
}

# How long each step took, in minutes.
table() {
    local row seconds
    for row in "${STEPS[@]}"; do
        seconds=${row%% *}
        printf '%4d:%02d  %s\n' $((seconds / 60)) $((seconds % 60)) "${row#* }"
    done
}

STEP=
STEPS=()
trap '[[ $? == 0 || -z $STEP ]] || printf "lookout: %s: failed\n" "$STEP" >&2' EXIT

# Two Python environments: `run` has what Lookout itself imports, `dev` what its tests need as well. Each belongs to its
# lists of dependencies in pyproject.toml; another list makes another environment.
requirements() {
    local lists=dependencies
    [[ $1 == run ]] || lists='dependencies\|dev'
    sed -n "/^\($lists\) = \[/,/^\]/s/^ *\"\(.*\)\",\$/\1/p" pyproject.toml
}

venv_path() {
    local digest
    digest=$(requirements "$1" | sha256sum)
    printf '%s/venv-%s-%s\n' "$CACHE" "$1" "${digest:0:12}"
}

# Only a complete one has the file `complete`: the Python that it was made with, which may be gone after an upgrade of
# the machine.
whole() {
    local python
    [[ -f $1/complete ]] && read -r python <"$1/complete" && [[ -x $python ]]
}

no_venv() { missing "the Python environment cannot be made: $(tail -n 1 "$VENV_LOG"); full log: $VENV_LOG"; }

# ensure_venv KIND: make the environment unless it is there. Two who come at once wait for each other.
ensure_venv() {
    local venv python
    venv=$(venv_path "$1")
    whole "$venv" && return
    mkdir -p "$CACHE"
    (
        flock 9
        whole "$venv" && exit
        python=$(scripts/host.sh python)
        rm -rf "$venv"
        mkdir -p "$(dirname "$VENV_LOG")"
        "$python" -m venv "$venv" >"$VENV_LOG" 2>&1 || no_venv
        requirements "$1" >"$venv/requirements.txt"
        "$venv/bin/pip" install --quiet --no-compile --disable-pip-version-check --requirement "$venv/requirements.txt" >>"$VENV_LOG" 2>&1 ||
            no_venv
        # What installed it is a third of the small one, and no part of it asks for that again.
        [[ $1 != run ]] || "$venv/bin/python" -m pip uninstall --quiet --yes pip setuptools >>"$VENV_LOG" 2>&1 || no_venv
        readlink -f "$venv/bin/python" >"$venv/complete"
    ) 9>"$CACHE/venv.lock"
}

# The Python of the developers' environment, which is made when it is missing.
venv_python() {
    ensure_venv dev >&2
    printf '%s/bin/python\n' "$(venv_path dev)"
}

# A Python that can run Lookout: of the developers' environment where there is one, else of the small one.
run_python() {
    local venv
    venv=$(venv_path dev)
    if ! whole "$venv"; then
        ensure_venv run >&2
        venv=$(venv_path run)
    fi
    printf '%s/bin/python\n' "$venv"
}
