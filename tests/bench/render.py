"""Compile and write a site of N services in a process of its own, and print what it took as JSON.

Every figure is CPU time of this process, from its start: what an interpreter takes to begin and to import counts.
"""

import gc
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.sites import FULL, PLAIN, services_yaml


def measure(count: int, full: bool = False) -> dict[str, float]:
    """CPU seconds of each stage, seconds of the whole, files, alerts, and the process' peak memory in MiB."""
    text = services_yaml(count, FULL if full else PLAIN)
    begin = time.perf_counter()
    from generator.cli import GARBAGE_THRESHOLD
    from generator.pipeline import compile_text
    from generator.render.grafana import dashboard  # noqa: F401  # with Grafana's SDK, which rendering imports when it begins
    from generator.store.plan import plan_tree, write_plan

    gc.set_threshold(GARBAGE_THRESHOLD)
    imported = time.process_time()
    compiled = compile_text(text, "services.yaml")
    rendered = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        write_plan(plan_tree(compiled.artifacts, Path(folder)))
        written = time.process_time()
    return {
        "services": count,
        "import": imported,
        "compile": rendered - imported,
        "write": written - rendered,
        "total": written,
        "wall": time.perf_counter() - begin,
        "files": len(compiled.artifacts),
        "alerts": len(compiled.site.alerts),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), full="full" in sys.argv)))
