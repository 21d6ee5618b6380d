"""Parts that come and go with a word under `stack:`, the error tracker and the store of traces: compose's profiles.

.env switches them. It is written by `python -m images`, which also has the images there; this asks it to when file and
.env disagree. A store whose image cannot be had stays a change that is waiting.
"""

import subprocess
import sys
from collections.abc import Callable
from typing import Final

from generator.apply.running import Running
from generator.clients.docker import compose, docker_environment, dotenv
from generator.diagnostics import Diagnostic
from generator.parts.part import Word
from generator.parts.table import profiles

_TIMEOUT: Final = 1800


def profile_changes(running: Running) -> list[str]:
    """What follow_profile would do, a sentence each. Reads only."""
    on = _switched_on(running)
    return [
        f"compose: profile {profile} is switched {'on' if wanted else 'off'}"
        for profile, wanted in _wanted(running).items()
        if wanted != (profile in on)
    ]


def follow_profile(running: Running, say: Callable[[str], None]) -> list[Diagnostic]:
    """Have images and profiles that the site wants; stop the containers of others, and keep what they have stored."""
    on = _switched_on(running)
    for profile, wanted in _wanted(running).items():
        if not wanted and profile in on:
            _remove(running, profile, say)
    changes = profile_changes(running)
    for line in changes:
        say(line)
    if not changes:
        return []
    command = [sys.executable, "-m", "images"]
    done = subprocess.run(command, cwd=running.root, env=docker_environment(running.root), capture_output=True,
                          text=True, timeout=_TIMEOUT, check=False)  # fmt: skip
    if done.returncode:
        notes = tuple(done.stderr.strip().splitlines()[-5:])
        return [Diagnostic("apply/not-loaded", "an image that services.yaml asks for could not be had", notes=notes)]
    return []


def _wanted(running: Running) -> dict[Word, bool]:
    return {profile: profile in running.site.stack.words for profile in profiles()}


def _switched_on(running: Running) -> set[str]:
    profiles = docker_environment(running.root).get("COMPOSE_PROFILES")
    return set((dotenv(running.root).get("COMPOSE_PROFILES", "") if profiles is None else profiles).split(","))


def _remove(running: Running, profile: Word, say: Callable[[str], None]) -> None:
    """Containers of a profile that is off are no orphans to compose: they would go on."""
    there = compose(running.root, "--profile", profile, "ps", "--all", "--services", timeout=60).stdout.split()
    if left := sorted(set(there) & profiles()[profile]):
        say(f"compose: {', '.join(left)} go; what is stored stays")
        compose(running.root, "--profile", profile, "rm", "--stop", "--force", *left)
