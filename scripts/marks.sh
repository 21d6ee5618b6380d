#!/usr/bin/env bash
# `make marks`: writes generator/prove/marks.txt, once promtool has run each proof.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

python=$(venv_python)
exec nice "$python" -m tests.support.marks
