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

# step TITLE COMMAND...: say what is done, do it, say how long it took; `table` says it again of all steps. Not `"$@" || …`:
# that would make the shell go on after a command that fails inside a function.
step() {
    local started=$SECONDS
    STEP=$1
    shift
    say "== $STEP"
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

# The Python environment for this pyproject.toml and this Python; another change of either makes another one.
venv_path() {
    local python=$1 digest
    digest=$({
        "$python" --version
        cat pyproject.toml
    } | sha256sum)
    printf '%s/venv-%s\n' "$CACHE" "${digest:0:12}"
}

no_venv() { missing "the Python environment cannot be made: $(tail -n 1 "$VENV_LOG"); full log: $VENV_LOG"; }

# ensure_venv PYTHON: make the environment unless it is there. Only a complete one has the file `complete`; two who come
# at once wait for each other.
ensure_venv() {
    local python=$1 venv requirements
    venv=$(venv_path "$python")
    [[ -f $venv/complete ]] && return
    mkdir -p "$CACHE"
    (
        flock 9
        [[ -f $venv/complete ]] && exit
        rm -rf "$venv"
        mkdir -p "$(dirname "$VENV_LOG")"
        "$python" -m venv "$venv" >"$VENV_LOG" 2>&1 || no_venv
        requirements=$venv/requirements.txt
        "$python" - >"$requirements" <<'PYTHON'
import tomllib

with open("pyproject.toml", "rb") as file:
    project = tomllib.load(file)["project"]
print(*project["dependencies"], *project["optional-dependencies"]["dev"], sep="\n")
PYTHON
        "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" >>"$VENV_LOG" 2>&1 || no_venv
        touch "$venv/complete"
    ) 9>"$CACHE/venv.lock"
}

# The Python of that environment, which is made when it is missing.
venv_python() {
    local python
    python=$(scripts/host.sh python)
    ensure_venv "$python" >&2
    printf '%s/bin/python\n' "$(venv_path "$python")"
}
