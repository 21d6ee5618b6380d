#!/usr/bin/env bash
# `make picture`: docs/pictures/ as headless Chromium draws it; tests/docs/picture.py says of what.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

python=$(venv_python)
PYTHONPATH=apps:instrumentation "$python" -m tests.docs.picture
