"""Containers that Lookout restarts are marked: a metric for each, by which alerts distinguish it from one that does not
stay up.

The metric is written before the container is touched, so that no scrape sees a restart without it.
"""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from generator.clients.docker import compose
from generator.clients.textfile import TextfileMetric, textfile_folder, write_metric

MARK: Final = "lookout_restarted_timestamp_seconds"
# As compose's dry run says it, and what it is called here.
_ACTIONS: Final = {"Create": "Create", "Creating": "Create", "Recreate": "Recreate", "Removed": "Removed"}


def preview_containers(root: Path) -> list[tuple[str, str]]:
    """What compose would do to which container, from its dry run, sorted by name."""
    done = compose(root, "--dry-run", "up", "--detach", "--no-build", "--remove-orphans", timeout=120)
    rows = (line.split() for line in done.stderr.splitlines() if line.strip().startswith("DRY-RUN MODE"))
    return sorted({(words[-2], _ACTIONS[words[-1]]) for words in rows if words and words[-1] in _ACTIONS})


def mark_up(root: Path) -> None:
    """Mark the containers that compose is about to create or to recreate. Raises Problems."""
    mark(root, (name for name, action in preview_containers(root) if action != "Removed"))


def mark(root: Path, containers: Iterable[str]) -> None:
    """Record that these containers are started again now. Raises Problems."""
    now = time.time()
    for name in containers:
        write_metric(TextfileMetric(MARK, round(now), {"container": name}, every=0), textfile_folder(root), now)
