"""The stack's own command-line programs on this machine, in the versions that the stack runs."""

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from images import CACHE, Failed, docker
from images.build import built_folder
from images.pins import Image, load_pins
from images.recipes import GoModule, recipe_of
from images.whole import made_whole

FOLDER: Final = CACHE / "tools"


@dataclass(frozen=True, slots=True)
class Tool:
    """A program, the image that brings it, and where it is in there; what asks it for its version."""

    name: str
    image: str
    inside: str | None
    version: str = "--version"


TOOLS: Final = (
    Tool("promtool", "prometheus", "/bin/promtool"),
    Tool("amtool", "alertmanager", "/bin/amtool"),
    Tool("loki", "loki", "/usr/bin/loki"),
    Tool("lokitool", "loki", None, "version"),  # compiled with the stand-in; no official image holds it
    Tool("otelcol-contrib", "collector", "/otelcol-contrib"),
    Tool("caddy", "caddy", "/usr/bin/caddy", "version"),
)


def tool_named(name: str) -> Tool:
    """The tool of this name. Raises Failed when there is none."""
    tool = next((tool for tool in TOOLS if tool.name == name), None)
    if tool is None:
        raise Failed(f"no tool is called '{name}': {', '.join(tool.name for tool in TOOLS)}")
    return tool


def tool_path(name: str) -> Path:
    """Where a tool is. Raises Failed when it is not on this machine."""
    path = place_of(tool_named(name))
    if not path.is_file():
        raise Failed(f"{path.parent.name} is not on this machine: lookout tools {name}")
    return path


def install_tools(image: Image, reference: str) -> None:
    """Put the tools that `image` brings where `tool_path` finds them, unless they are there."""
    for tool in TOOLS:
        path = place_of(tool)
        if tool.image == image.name and not path.is_file():
            _install(tool, image, reference, path)


def place_of(tool: Tool) -> Path:
    """Where the tool is once it is on this machine."""
    return FOLDER / f"{tool.name}-{load_pins().images[tool.image].version}" / tool.name


def _install(tool: Tool, image: Image, reference: str, path: Path) -> None:
    compiled = _compiled(tool, image) if reference == image.standin else None
    if not (compiled or tool.inside):
        return
    with made_whole(path) as half:
        if compiled:
            _link(compiled, half)
        elif tool.inside:
            docker.copy_out(reference, tool.inside, half)
        half.chmod(0o755)
        if tool.inside and not _runs(half, tool):
            half.write_text(_wrapper(tool, reference), encoding="utf-8")


def _compiled(tool: Tool, image: Image) -> Path | None:
    """The tool as it was compiled here, if it was."""
    for part in recipe_of(image.name).parts:
        if isinstance(part, GoModule) and (path := built_folder(part, image.version) / tool.name).is_file():
            return path
    return None


def _link(source: Path, target: Path) -> None:
    """The same bytes under a second name; they cost no space where the file system can do that."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _runs(path: Path, tool: Tool) -> bool:
    """Does the program start here, or does it want another C library than this machine's?"""
    try:
        return subprocess.run([str(path), tool.version], capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _wrapper(tool: Tool, reference: str) -> str:
    """A script that runs the tool in its image, in the same folder; for programs that do not run here."""
    settings = CACHE / "docker.env"
    return f"""#!/bin/sh
# {tool.name} does not run on this machine's C library: run it in its image.
if [ -f {shlex.quote(str(settings))} ]; then set -a; . {shlex.quote(str(settings))}; set +a; fi
exec docker run --rm --interactive --network none --user "$(id -u):$(id -g)" --volume "$PWD:$PWD" --workdir "$PWD" \\
    --entrypoint {tool.inside} {reference} "$@"
"""
