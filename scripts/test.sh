#!/usr/bin/env bash
# `make test`: all that guards a change, in the order in which a mistake is found soonest. LOOKOUT_SOAK=1 (`make soak`)
# runs the same with larger numbers. Nothing that it starts outlives it, dockerd included.
#
# End-to-end tests wait most of their time, so three stacks run beside all other tests: one is left in peace (the healthy
# quarter of an hour), one is broken, one is changed. Each is a lane: a pytest of its own with a stack of its own.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Here nothing may be skipped: what a test needs is installed, fetched or built before it.
export LOOKOUT_STRICT=1

began=$SECONDS
scratch=$(mktemp -d)
load_docker
# A daemon that already runs belongs to another user, or runs another stack: this run must not stop it.
release=
docker info >/dev/null 2>&1 || release=yes

# Lane -> the process that runs it. What is waited for has one too.
declare -A LANES=()

finish() {
    local code=$? lane
    for lane in "${!LANES[@]}"; do
        kill "${LANES[$lane]}" 2>/dev/null || true
        wait "${LANES[$lane]}" 2>/dev/null || true
    done
    rm -rf "$scratch"
    [[ -z $release ]] || scripts/host.sh release || true
    table
    if [[ $code == 0 ]]; then
        say "all passed in $((SECONDS - began)) s"
    else
        say "FAILED after $((SECONDS - began)) s: $STEP"
    fi
    exit "$code"
}
trap finish EXIT
# Ended from outside is not passed, and what was started ends first.
trap 'exit 130' INT
trap 'exit 143' TERM

prepare_python() { PYTHON=$(venv_python); }
# Nice, because the stacks are measured meanwhile. A signal is handled while it runs, not when it has ended.
bin() { attended nice "$(dirname "$PYTHON")/$1" "${@:2}"; }

# attended COMMAND...: run a program and wait for it; a shell that waits handles signals at once.
attended() {
    local code=0
    "$@" &
    LANES[attended]=$!
    wait "${LANES[attended]}" || code=$?
    unset "LANES[attended]"
    return "$code"
}

shell_scripts() { git ls-files --cached --others --exclude-standard '*.sh' '.ci/run' lookout; }

# All of them, so that one run shows all that is wrong.
lint() {
    local failed=
    bin ruff check . || failed=yes
    bin ruff format --check . || failed=yes
    bin mypy --cache-dir "$CACHE/mypy" || failed=yes
    bin vulture || failed=yes
    PYTHONPATH=instrumentation bin lint-imports --no-cache || failed=yes
    shell_scripts | xargs "$(dirname "$PYTHON")/shellcheck" --external-sources --source-path=SCRIPTDIR || failed=yes
    [[ -z $failed ]]
}

# The same file gives the same bytes, and they are the committed ones.
fresh() {
    local copy
    for copy in one two; do
        "$PYTHON" -m generator render -o "$scratch/$copy" 2>"$scratch/said" || {
            cat "$scratch/said" >&2
            return 1
        }
    done
    diff --recursive "$scratch/one" "$scratch/two"
    cmp "$scratch/one/generated.lock" generated.lock || die "generated.lock is out of date; run make render"
    "$PYTHON" -m generator check --ci
}

# Those that run real servers first, and more at a time than there are cores: they wait most of the time.
tests() {
    bin pytest tests/tools tests/instrumentation tests/kuma tests/docs tests/packs tests/cli tests/unit \
        --numprocesses 3 --dist loadscope --no-loadscope-reorder --durations 20 \
        --cov=generator --cov-report=term:skip-covered --cov-fail-under=97
}

# While nothing else runs but the stack that is left in peace: what is measured is the program, and not its neighbours.
speed() { bin pytest tests/bench --durations 20; }

# lane NUMBER NAME FILE...: run end-to-end tests in the background, on stack NUMBER; `join NAME` waits for them.
lane() {
    local number=$1 name=$2
    LOOKOUT_E2E_LANE=$number "$(dirname "$PYTHON")/pytest" --durations 20 "${@:3}" >"$scratch/$name.log" 2>&1 &
    LANES[$name]=$!
}

join() {
    local name=$1 code=0
    wait "${LANES[$name]}" || code=$?
    unset "LANES[$name]"
    cat "$scratch/$name.log"
    return "$code"
}

E2E=tests/e2e/test
# How long `make up` takes is one of its tests: nothing else runs until that stack is up, or has failed to come up.
peace() {
    LOOKOUT_E2E_UP=$scratch/up lane 1 peace "${E2E}"_{1_boot,2_evidence,6_containers,2_healthy}.py
    until [[ -e $scratch/up ]] || ! kill -0 "${LANES[peace]}" 2>/dev/null; do sleep 0.5; done
}

faults_and_changes() {
    lane 2 broken "${E2E}"_{3_outage,7_drills}.py
    lane 3 changed "${E2E}"_{4_follow,5_any_app,6_apps,8_docs}.py
}

step "machine: Docker, Compose, Python" attended scripts/host.sh ensure
load_docker
step "Python environment" prepare_python
step "images" attended "$PYTHON" -m images
step "lint" lint
step "rendered files are fresh" fresh
step "end to end, in the background: one in peace" peace
step "end to end, in the background: one is broken, one changed" faults_and_changes
step "tests" tests
step "end to end: broken" join broken
step "end to end: changed" join changed
step "speed" speed
step "end to end: in peace" join peace
STEP=
