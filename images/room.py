"""Is there room to build? Looked at before the first minute of compiling is spent.

Owns the limits, which were measured (README.md), and how they are compared with this machine.
"""

import shutil
from pathlib import Path
from typing import Final

from images import CACHE, docker
from images.build import built_folder
from images.pins import Image
from images.recipes import RECIPES, GoModule

GIB: Final = 1024**3
# Sources and the compiler's cache, while all is compiled; without compiling, packages alone.
CACHE_TO_COMPILE: Final = 11 * GIB
CACHE_TO_BUILD: Final = 1 * GIB
# The images themselves, and what their making leaves until it is swept.
DOCKER_TO_BUILD: Final = 4 * GIB
# Linking Loki, the largest of them, beside what runs already.
MEMORY_TO_COMPILE: Final = 3 * GIB
_MEMORY: Final = Path("/proc/meminfo")


def shortages(image: Image) -> list[str]:
    """What building `image`, and what is missing with it, lacks on this machine: a line each."""
    compiles = _compiles(image)
    root = Path(docker.ask("info", "--format", "{{.DockerRootDir}}"))
    wanted: dict[Path, int] = {_existing(CACHE): CACHE_TO_COMPILE if compiles else CACHE_TO_BUILD}
    places = {place.stat().st_dev: place for place in wanted}
    # Docker may run on another machine: then its folder is none of this one.
    if root.is_dir():
        place = places.get(root.stat().st_dev, root)
        wanted[place] = wanted.get(place, 0) + DOCKER_TO_BUILD
    found = [
        f"{_gib(need)} of disk at {place}, where {_gib(free)} are free"
        for place, need in wanted.items()
        if (free := shutil.disk_usage(place).free) < need
    ]
    memory = _free_memory()
    if compiles and memory is not None and memory < MEMORY_TO_COMPILE:
        found.append(f"{_gib(MEMORY_TO_COMPILE)} of memory, where {_gib(memory)} are free, swap included")
    return found


def _compiles(image: Image) -> bool:
    """Whether a program of the image is still to be compiled."""
    parts = [part for recipe in RECIPES if recipe.name == image.name for part in recipe.parts]
    return any(isinstance(part, GoModule) and not built_folder(part, image.version).is_dir() for part in parts)


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.is_dir())


def _free_memory() -> int | None:
    """Bytes that can be had, with what can be swapped out; None where the kernel does not say."""
    try:
        rows = (line.split() for line in _MEMORY.read_text(encoding="utf-8").splitlines())
        sizes = {row[0]: int(row[1]) * 1024 for row in rows if len(row) > 1 and row[1].isdigit()}
    except OSError:
        return None
    return sizes["MemAvailable:"] + sizes.get("SwapFree:", 0) if "MemAvailable:" in sizes else None


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"
