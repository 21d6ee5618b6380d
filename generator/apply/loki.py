"""Loki: the limits that it reads again by itself while it runs. What it reads at its start is in
generator.apply.starting.
"""

import hashlib
import re
import time
from collections.abc import Mapping
from typing import Final

import yaml

from generator.apply.running import Reconciler, Running
from generator.artifact import Artifact
from generator.diagnostics import Diagnostic
from generator.parts.table import PORTS
from generator.render.loki import LIMITS_FILE
from generator.source.plain import load_plain

# Loki reads its limits again every ten seconds.
LIMITS_WAIT: Final = 25.0
_LOKI: Final = f"http://loki:{PORTS['loki']}/metrics"


def compare_loki(artifacts: Mapping[str, Artifact], metrics: str) -> list[str]:
    """Whether Loki has read the rendered limits: its metrics carry a hash of them, as it prints them itself."""
    limits = yaml.safe_dump(load_plain(artifacts[LIMITS_FILE].content), indent=4, allow_unicode=True)
    read = re.findall(r'^loki_runtime_config_hash\{[^}]*sha256="([0-9a-f]+)"\} 1', metrics, re.MULTILINE)
    return [] if read == [hashlib.sha256(limits.encode()).hexdigest()] else ["its limits are not the rendered ones"]


def drift(running: Running) -> list[str]:
    """Whether the limits that Loki reads while it runs are the rendered ones."""
    return compare_loki(running.artifacts, running.inside(_LOKI))


def apply(running: Running) -> list[Diagnostic]:
    """Wait until Loki has read its limits again."""
    deadline = time.monotonic() + LIMITS_WAIT
    while (left := drift(running)) and time.monotonic() < deadline:
        time.sleep(1)
    return [Diagnostic("apply/not-loaded", f"loki did not load: {each}") for each in left]


RECONCILER: Final = Reconciler("loki", "loki", drift, apply)
