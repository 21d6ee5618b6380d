"""Running promtool, amtool, loki, otelcol and caddy at their pinned versions."""

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from generator.diagnostics import Diagnostic, Problems

TIMEOUT: Final = 300
_REPOSITORY: Final = Path(__file__).resolve().parents[2]
# Which image each tool is copied out of.
_IMAGE_OF: Final = {
    "promtool": "prometheus",
    "amtool": "alertmanager",
    "loki": "loki",
    "lokitool": "loki",
    "otelcol-contrib": "collector",
    "caddy": "caddy",
}


@dataclass(frozen=True, slots=True)
class ToolRun:
    """How a tool ended, and all that it printed, in its order."""

    code: int
    output: str


class ToolMissing(Problems):
    """Raised in place of a judgement: a tool is not on this machine. `tool` is its name, and its version where it is
    pinned."""

    def __init__(self, tool: str) -> None:
        self.tool = tool
        super().__init__([tools_missing([tool])])


def tools_missing(tools: Iterable[str]) -> Diagnostic:
    """The one line that says which tools are missing, however many, and what to run."""
    names = sorted(set(tools))
    verb = "is" if len(names) == 1 else "are"
    alone = all(name.startswith("promtool") for name in names)
    hint = "run `lookout tools`, which fetches it" if alone else "run `make up`, which fetches what is missing"
    return Diagnostic("check/tool-missing", f"{', '.join(names)} {verb} not on this machine", hint=hint)


@cache
def tool_path(name: str) -> Path:
    """The tool's binary. Raises ToolMissing when it is not on this machine."""
    versions = yaml.safe_load((_REPOSITORY / "versions.yaml").read_text(encoding="utf-8"))
    version = versions[_IMAGE_OF[name]]["version"]
    path = Path.home() / ".cache" / "lookout" / "tools" / f"{name}-{version}" / name
    if not path.is_file():
        raise ToolMissing(f"{name} {version}")
    return path


def run_tool(
    name: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> ToolRun:
    """Run a tool inside `folder`. Raises Problems when it is missing or does not end in time."""
    command = [str(tool_path(name)), *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"{name} did not end within {TIMEOUT} s"
        raise Problems([Diagnostic("check/failed", message)]) from error
    except OSError as error:
        message = f"{name} cannot be run here: {error.strerror}"
        raise Problems([Diagnostic("check/tool-missing", message)]) from error
    return ToolRun(done.returncode, done.stdout)
