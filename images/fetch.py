"""`lookout tools`: single command-line programs of the stack, where its images are not there and not needed.

Owns the choice: out of the image where a registry can be reached, else compiled by this machine's own Go, else
as `make up` gets it. What is compiled is verified by the go.sum of images/go.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from images import CACHE, Failed, docker, machine, provide, registry
from images.alone import alone
from images.build import MODULES
from images.pins import Image, load_pins
from images.progress import log_of, run_logged, step
from images.recipes import GoModule, recipe_of
from images.tools import Tool, install_tools, place_of, tool_named
from images.whole import made_whole

# What check-pack needs.
USUAL: Final = ("promtool",)
# The first that fetches the pinned compiler by itself.
_OLDEST_GO: Final = (1, 21)


def fetch_tools(names: Sequence[str]) -> list[Path]:
    """Have these tools on this machine; where they are. Raises Failed."""
    wanted = [tool_named(name) for name in names or USUAL]
    with alone():
        return [_fetch(tool) for tool in wanted]


def _fetch(tool: Tool) -> Path:
    path = place_of(tool)
    if path.is_file():
        return path
    image = load_pins().images[tool.image]
    has_docker, part = _has_docker(), _module_of(tool)
    if has_docker and registry.pull(image):
        install_tools(image, image.pulled)
    elif part and _has_go():
        _compile(tool, part, image, path)
    elif has_docker:
        provide.provide(image, provide.Mode.AUTO)
    else:
        oldest = ".".join(map(str, _OLDEST_GO))
        raise Failed(f"{tool.name} {image.version}: this needs Docker, or Go {oldest} or newer, on this machine")
    return path


def _has_docker() -> bool:
    try:
        docker.ask("info", "--format", "{{.ServerVersion}}")
    except Failed:
        return False
    return True


def _has_go() -> bool:
    """Whether this machine has a Go that gets the pinned one."""
    try:
        said = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return False
    found = re.match(r"go(\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) >= _OLDEST_GO


def _module_of(tool: Tool) -> GoModule | None:
    """What the tool is compiled from, where the module can be compiled as it is."""
    parts = [part for part in recipe_of(tool.image).parts if isinstance(part, GoModule) and part.whole is None]
    return next((part for part in parts if _package(tool, part)), None)


def _package(tool: Tool, part: GoModule) -> str:
    return next((package for package in part.programs if package.rsplit("/", 1)[-1] == tool.name), "")


def _compile(tool: Tool, part: GoModule, image: Image, path: Path) -> None:
    """The one program, static as in the stand-in."""
    stamp = f"-s -w -X {part.stamp}={part.stamp_prefix}{image.version}"
    settings = {
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "go" + load_pins().builders["go"],
        "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false -modcacherw",
        "GOMODCACHE": str(CACHE / "go" / "mod"),
        "GOCACHE": str(CACHE / "go" / "build"),
    }
    log_of(tool.name).unlink(missing_ok=True)
    with step(f"{tool.name} {image.version}", "compiling"), made_whole(path) as half:
        options = ["-C", str(MODULES / part.module), "-o", str(half), "-ldflags", stamp]
        run_logged(
            tool.name, ["go", "build", *options, _package(tool, part)], {**os.environ, **settings, **machine.proxies()}
        )
    # Gigabytes that only compiling needs.
    shutil.rmtree(CACHE / "go", ignore_errors=True)
