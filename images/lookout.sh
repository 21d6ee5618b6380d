#!/usr/bin/env bash
# The command line of Lookout in its own Python environment: images/lookout.sh VERB..., as `python -m generator VERB`.
# `secrets` is no verb of it, but a step of installing.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

python=$(images/host.sh python)
ensure_venv "$python"
load_docker
venv=$(venv_path "$python")
if [[ ${1:-} == secrets ]]; then
    exec "$venv/bin/python" -m generator.secrets "${@:2}"
fi
exec "$venv/bin/python" -m generator "$@"
