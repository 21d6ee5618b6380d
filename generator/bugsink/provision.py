"""The two doors of this package: what would change in Bugsink, and change it.

Owns what is wanted of Bugsink and the way in: inside.py, run in Bugsink's container with all that it has to know on its
standard input, so that no secret stands in a command line. It prints nothing and shows no secret.
"""

import json
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from generator.conventions import (
    BUGSINK_ADMIN,
    BUGSINK_PASSWORD,
    BUGSINK_WEBHOOK,
)
from generator.parts.table import PORTS
from generator.secrets.values import UnreadableSecret, needed_value
from generator.site.model import Errors, Site

_SCRIPT: Final = Path(__file__).with_name("inside.py")
_MARK: Final = "Lookout:"
_SHELL: Final = ("bugsink-manage", "shell", "--no-imports", "-c")
# Runs a command in Bugsink's container with a text on its standard input.
Inside = Callable[[tuple[str, ...], str], subprocess.CompletedProcess[str]]


class BugsinkError(Exception):
    """Something a user has to know: `message` says what, `hint` what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Outcome:
    """The changes to make or made, and notes for the user; a sentence each."""

    changes: tuple[str, ...]
    notes: tuple[str, ...]


def plan(site: Site, secrets_dir: Path, inside: Inside) -> Outcome:
    """What apply would do. Reads only. Raises BugsinkError."""
    return _run(site, secrets_dir, inside, apply=False)


def apply(site: Site, secrets_dir: Path, inside: Inside) -> Outcome:
    """Make Bugsink hold what the site wants, and read back that it does. Raises BugsinkError."""
    done = _run(site, secrets_dir, inside, apply=True)
    if done.changes and (left := _run(site, secrets_dir, inside, apply=False).changes):
        raise BugsinkError(f"Bugsink did not keep the changes: {', '.join(left)}", "is another user editing it?")
    return done


def webhook_url(token: str) -> str:
    """Where Bugsink sends its reports: the bridge, at a secret path."""
    return f"http://bugsink-bridge:{PORTS['bugsink-bridge']}/{token}"


def _run(site: Site, secrets_dir: Path, inside: Inside, *, apply: bool) -> Outcome:
    notes: list[str] = []
    wanted = {"apply": apply, **_wanted(site, secrets_dir, notes)}
    done = inside((*_SHELL, _SCRIPT.read_text(encoding="utf-8")), json.dumps(wanted))
    answer = next((line for line in reversed(done.stdout.splitlines()) if line.startswith(_MARK)), None)
    if done.returncode or answer is None:
        lines = done.stderr.strip().splitlines()
        # Of a traceback the last line; it never quotes what came in.
        reason = lines[-1] if lines else "no answer"
        raise BugsinkError(f"Bugsink could not be set up: {reason}", "make logs SERVICE=bugsink")
    outcome: Mapping[str, list[str]] = json.loads(answer.removeprefix(_MARK))
    return Outcome(tuple(outcome["changes"]), (*notes, *outcome["notes"]))


def _wanted(site: Site, secrets_dir: Path, notes: list[str]) -> dict[str, Any]:
    projects = []
    for service in site.services:
        if service.errors and service.errors.project:
            key = _key(service.errors, _read(secrets_dir, service.errors.dsn.name))
            if key:
                projects.append({"id": service.errors.project, "name": service.name, "key": key})
            else:
                name = service.errors.dsn.name
                notes.append(f"secrets/{name} is no address of this Bugsink; for another one write errors: {{dsn: …}}")
    return {
        "admin": BUGSINK_ADMIN,
        "password": _read(secrets_dir, BUGSINK_PASSWORD),
        "webhook": webhook_url(_read(secrets_dir, BUGSINK_WEBHOOK)),
        "projects": projects,
    }


def _key(errors: Errors, dsn: str) -> str:
    """The key in a DSN of ours; empty when it is another project's or another tracker's."""
    before, _, after = errors.address.partition("{key}")
    found = re.fullmatch(f"{re.escape(before)}([0-9a-f]{{32}}){re.escape(after)}", dsn)
    return found[1] if found else ""


def _read(secrets_dir: Path, name: str) -> str:
    try:
        return needed_value(secrets_dir / name)
    except UnreadableSecret as error:
        raise BugsinkError(f"{secrets_dir / name} {error}", "make secrets") from None
