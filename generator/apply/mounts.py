"""The files of this tree that containers mount are readable for their users, with any owner and any umask of the clone.

Which folders and files these are is what compose says it mounts, so that none can be forgotten. Secrets are left alone:
their folder is closed, and their shares have modes of their own (generator.secrets.files).
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from generator.clients.docker import compose, dotenv
from generator.clients.textfile import textfile_folder
from generator.diagnostics import Diagnostic
from generator.secrets.values import FOLDER

_READ: Final = 0o444
_ENTER: Final = 0o111


def open_mounts(root: Path) -> list[Diagnostic]:
    """Let everybody read what the containers of `root` mount of it; what could not be opened, or asked."""
    textfiles = textfile_folder(root)
    textfiles.mkdir(parents=True, exist_ok=True)
    done = compose(root, "--profile", "*", "config", "--format", "json", timeout=60)
    if done.returncode:
        notes = tuple(done.stderr.strip().splitlines()[-5:])
        return [Diagnostic("apply/not-loaded", "docker compose does not accept its files", notes=notes)]
    return [problem for path in mounted(json.loads(done.stdout), root, textfiles) for problem in _open(path)]


def mounted(config: Mapping[str, Any], root: Path, textfiles: Path) -> list[Path]:
    """The folders and files that containers mount of the tree at `root`, and the folder of textfile metrics. Sorted,
    without secrets."""
    secrets = [(root / FOLDER).resolve(), *_other_secrets(root)]
    sources = {
        Path(volume["source"])
        for service in config["services"].values()
        for volume in service.get("volumes") or ()
        if volume["type"] == "bind"
    }
    return sorted(
        source
        for source in sources
        if (source.resolve().is_relative_to(root.resolve()) or source.resolve() == textfiles.resolve())
        and not any(source.resolve().is_relative_to(each) for each in secrets)
    )


def _other_secrets(root: Path) -> list[Path]:
    named = {**dotenv(root), **os.environ}.get("LOOKOUT_SECRETS")
    return [(root / named).resolve()] if named else []


def _open(path: Path) -> Iterator[Diagnostic]:
    """What is open already is not touched: a change of modes would look like a change of what is in it."""
    for each in _inside(path):
        mode = each.stat().st_mode & 0o7777
        wanted = mode | _READ | (_ENTER if each.is_dir() or mode & _ENTER else 0)
        if mode == wanted:
            continue
        try:
            each.chmod(wanted)
        except OSError as error:
            message = f"{each} cannot be opened to the containers that read it: {error.strerror}"
            yield Diagnostic("apply/not-loaded", message, hint="run it as the owner of these files")


def _inside(path: Path) -> Iterator[Path]:
    """The path and everything below it; where a link leads is not ours to open."""
    if path.is_symlink() or not path.exists():
        return
    yield path
    if path.is_dir():
        for child in sorted(path.iterdir()):
            yield from _inside(child)
