#!/usr/bin/env bash
# `make docs`: docs/reference/ and the tables of instrumentation/, out of packs and models. They are about the product and
# do not depend on services.yaml, so `make render` leaves them alone.
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

python=$(venv_python)
"$python" -m generator.reference
page=$(PYTHONPATH=instrumentation "$python" -m lookout_instrumentation.reference)
printf '%s\n' "$page" >docs/reference/app-metrics.md
