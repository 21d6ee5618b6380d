#!/usr/bin/env bash
# `make mutants [PACK=name]`: makes every alert wrong in every way that counts; its proof has to notice.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

python=$(venv_python)
exec nice "$python" -m generator.prove.mutants "$@"
