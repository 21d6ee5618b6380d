"""Which containers start again when the rendered compose file changes, and why.

Owns the words. Of what compose itself compares, it sees the rendered file alone.
"""

from collections.abc import Mapping
from typing import Any

from generator.changes.picture import read_yaml


def compose_changes(before: str, after: str) -> list[str]:
    """The containers that restart, are added or are removed between two texts of the rendered compose file."""
    old, new = (dict(read_yaml(text).get("services") or {}) for text in (before, after))
    lines = [f"compose: {name} goes" for name in sorted(set(old) - set(new))]
    for name in sorted(new):
        if name not in old:
            lines.append(f"compose: {name} is added")
        elif old[name] != new[name]:
            lines.append(f"compose: {name} restarts, because {_why(old[name], new[name])}")
    return lines


def _why(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What changes. A step of memory changes a limit and the program's setting for it, and nothing else."""
    differs = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    if "mem_limit" in differs and differs <= {"mem_limit", "environment", "labels"}:
        return f"its memory limit changes from {before.get('mem_limit')} to {after.get('mem_limit')}"
    return "its settings change"
