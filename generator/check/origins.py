"""From a line of a rendered file back to the line of the pack or of services.yaml that caused it."""

import re
from collections.abc import Mapping
from typing import Final

from generator.artifact import Artifact
from generator.diagnostics import Span

_POSITION: Final = re.compile(r"(?P<path>[\w./-]+\.(?:ya?ml|json)):\s*(?:line )?(?P<line>\d+)")
_NAMED: Final = re.compile(r"^\s*-?\s*(?:alert|record|name|job_name):\s*(?P<name>\S+)")


def origin_of(message: str, artifacts: Mapping[str, Artifact]) -> Span | None:
    """The place that a tool's message leads to: by file and line where it names them, else by a name that it quotes.

    `artifacts` are those that the tool was given. A bare word is no name: `up` and `api` stand in any sentence.
    """
    match = _POSITION.search(message)
    path = next((p for p in artifacts if match and match["path"].endswith(p)), None) if match else None
    if match and path:
        artifact = artifacts[path]
        return _named_above(artifact, int(match["line"])) or Span(path, int(match["line"]), 1, 1)
    for artifact in artifacts.values():
        for name, span in artifact.origins.items():
            if re.search(rf"""(["'`]){re.escape(name)}\1""", message):
                return span
    return None


def _named_above(artifact: Artifact, line: int) -> Span | None:
    """The origin of the nearest named thing at or above `line` of the rendered file."""
    rows = artifact.content.splitlines()[:line]
    for row in reversed(rows):
        match = _NAMED.match(row)
        if match and match["name"] in artifact.origins:
            return artifact.origins[match["name"]]
    return None
