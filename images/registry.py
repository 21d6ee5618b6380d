"""Asks whether an image registry answers. It pulls through the daemon, since the daemon's mirrors and proxy count."""

import subprocess
import time
from typing import Final

from images import CACHE, docker
from images.pins import Image

PATIENCE_SECONDS: Final = 8.0
SILENT: Final = CACHE / "registry.silent"
_REMEMBERED_SECONDS: Final = 3600.0


def answers(image: Image) -> bool:
    """Does a registry know `image`? That none does is remembered for an hour, so that only one run waits for it."""
    if SILENT.is_file() and time.time() - SILENT.stat().st_mtime < _REMEMBERED_SECONDS:
        return False
    heard = _hears(image.pulled)
    if heard:
        SILENT.unlink(missing_ok=True)
    else:
        SILENT.parent.mkdir(parents=True, exist_ok=True)
        SILENT.touch()
    return heard


def _hears(reference: str) -> bool:
    """Start to pull; the registry has answered once the daemon names what it pulls or is done."""
    command = ["timeout", f"{PATIENCE_SECONDS:.0f}", "docker", "pull", reference]
    with subprocess.Popen(
        command, env=docker.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        for line in process.stdout or ():
            if "Pulling from" in line:
                process.terminate()
                return True
        return process.wait() == 0
