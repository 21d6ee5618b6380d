"""Docker Compose v2 as a plugin of the docker command, for machines whose distribution has none."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from images import CACHE, Failed, docker
from images.build import place
from images.pins import load_pins
from images.recipes import COMPOSE
from images.whole import made_whole

NAME: Final = "compose"
PLUGIN: Final = Path.home() / ".docker" / "cli-plugins" / "docker-compose"


def is_there() -> bool:
    """Does `docker compose` answer, as version 2 or later?"""
    try:
        return int(docker.ask("compose", "version", "--short").lstrip("v").split(".", 1)[0]) >= 2
    except (Failed, ValueError):
        return False


def ensure_compose() -> None:
    """Install the pinned version unless one is there: out of Debian's package, or compiled where that does not run."""
    if is_there():
        return
    version = load_pins().builders[NAME]
    root = CACHE / "work" / NAME
    root.mkdir(parents=True, exist_ok=True)
    program = root / "docker-compose"
    place(COMPOSE, NAME, version, root)
    if not _runs(program) and COMPOSE.otherwise:
        place(COMPOSE.otherwise, NAME, version, root)
    with made_whole(PLUGIN) as half:
        shutil.copyfile(program, half)
        half.chmod(0o755)
    shutil.rmtree(root)
    if not is_there():
        raise Failed(f"{PLUGIN} is there, but `docker compose version` does not work")


def _runs(program: Path) -> bool:
    try:
        return subprocess.run([str(program), "version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False
