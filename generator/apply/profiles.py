"""Bugsink's two containers come and go with `stack.errors`: compose's profile of that name, which .env switches.

.env is written by `python -m images`, which also has the image there; this asks it to when file and .env disagree.
"""

import subprocess
import sys
from collections.abc import Callable

from generator.apply.reconcilers import Running
from generator.conventions import ERROR_PORTS, ERRORS_PROFILE
from generator.diagnostics import Diagnostic
from generator.docker import compose, docker_environment, dotenv

_PATIENCE = 1800


def profile_changes(running: Running) -> list[str]:
    """What follow_profile would do, a sentence each. Reads only."""
    return (
        []
        if _is_on(running) == running.site.stack.errors
        else [f"compose: profile {ERRORS_PROFILE} is switched {'on' if running.site.stack.errors else 'off'}"]
    )


def follow_profile(running: Running, say: Callable[[str], None]) -> list[Diagnostic]:
    """Have image and profile when the site wants them; else stop the containers, and keep what they have stored."""
    if not running.site.stack.errors:
        _remove(running, say)
    for line in profile_changes(running):
        say(line)
        command = [sys.executable, "-m", "images"]
        done = subprocess.run(command, cwd=running.root, env=docker_environment(running.root), capture_output=True,
                              text=True, timeout=_PATIENCE, check=False)  # fmt: skip
        if done.returncode:
            notes = tuple(done.stderr.strip().splitlines()[-5:])
            return [Diagnostic("apply/not-loaded", "the error tracker's image could not be had", notes=notes)]
    return []


def _is_on(running: Running) -> bool:
    profiles = docker_environment(running.root).get("COMPOSE_PROFILES")
    return ERRORS_PROFILE in (
        profiles if profiles is not None else dotenv(running.root).get("COMPOSE_PROFILES", "")
    ).split(",")


def _remove(running: Running, say: Callable[[str], None]) -> None:
    """Containers of a profile that is off are no orphans to compose: they would go on."""
    there = compose(running.root, "--profile", ERRORS_PROFILE, "ps", "--all", "--services", timeout=60).stdout.split()
    if left := sorted(set(there) & set(ERROR_PORTS)):
        say(f"compose: {', '.join(left)} go; what Bugsink has stored stays")
        compose(running.root, "--profile", ERRORS_PROFILE, "rm", "--stop", "--force", *left)
