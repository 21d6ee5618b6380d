#!/usr/bin/env bash
# The command line of Lookout in its own Python environment: images/lookout.sh VERB..., as `python -m generator VERB`.
# `secrets` is no verb of it, but a step of installing.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

load_docker
python=$(venv_python)
if [[ ${1:-} == secrets ]]; then
    exec "$python" -m generator.secrets "${@:2}"
fi
exec "$python" -m generator "$@"
