"""Parts that load their configuration again without a restart: how each is queried, reloaded, and verified.

A part follows when it gives back the seal of what was rendered, has refused nothing since, and none of the files that
it reads is younger than its last load. The last holds for what no seal covers: rule files of the user's own, secrets,
and a file that was edited by hand, loaded and restored.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.apply.readback import LastLoad
from generator.apply.running import Reconciler, Running
from generator.clients.docker import compose
from generator.diagnostics import Diagnostic

WAIT: Final = 30.0
_PAUSE: Final = 0.3
# How the parts say in their logs that they refuse what they were given; the first line is the one with the reason.
_REFUSAL: Final = re.compile(
    r'level=ERROR .*msg="[^"]*(?:config|groups|template)[^"]*".*? err=(?P<why>"(?:[^"\\]|\\.)*"|\S+)'
)


@dataclass(frozen=True, slots=True)
class Reloadable:
    """A part that loads again.

    `differs` says what of its loaded configuration is not the rendered one, `loaded` when that was loaded,
    `reads` are the files and folders that it reads when it loads, below the root."""

    service: str
    differs: Callable[[Running], list[str]]
    loaded: Callable[[Running], LastLoad | None]
    reload: Callable[[Running], list[Diagnostic]]
    reads: tuple[str, ...] = ()


def reconciler(name: str, part: Reloadable) -> Reconciler:
    """The reconciler of a part."""
    return Reconciler(name, part.service, lambda running: drift(part, running), lambda running: follow(part, running))


def drift(part: Reloadable, running: Running) -> list[str]:
    """Where the part is not what was rendered, a sentence each. Raises Problems."""
    return _look(part, running)[0]


def follow(part: Reloadable, running: Running) -> list[Diagnostic]:
    """Have the part load again where there is drift, and wait until there is none or it refuses."""
    if not drift(part, running):
        return []
    began = time.time()
    if problems := part.reload(running):
        return problems
    while True:
        left, last = _look(part, running)
        if not left:
            return []
        if last and last.refused and (why := _refusal(running, part.service, began)):
            return [Diagnostic("apply/not-loaded", f"{part.service} refused its configuration: {why}")]
        if time.time() > began + WAIT:
            logs = _logs(running, part.service, "--tail", "5")
            return [Diagnostic("apply/not-loaded", f"{part.service} did not load: {each}", notes=logs) for each in left]
        time.sleep(_PAUSE)


def changed_since(root: Path, reads: tuple[str, ...], moment: float) -> list[str]:
    """Files of `reads` that were written after the moment, and folders out of which one went. Sorted."""
    return sorted(str(path.relative_to(root)) for name in reads for path in _younger(root / name, moment))


def _younger(path: Path, moment: float) -> Iterator[Path]:
    """Of a file the time of its last change of any kind, as a copy may keep the time of writing; of a folder the time
    of its last entry."""
    if path.is_dir():
        inside = [each for child in sorted(path.iterdir()) for each in _younger(child, moment)]
        yield from inside or ([path] if path.stat().st_mtime > moment else [])
    elif path.is_file() and path.stat().st_ctime > moment:
        yield path


def _look(part: Reloadable, running: Running) -> tuple[list[str], LastLoad | None]:
    found, last = part.differs(running), part.loaded(running)
    if last and last.refused:
        found.append("it refused the configuration that it was last given")
    elif last and not found:
        found += [f"{path} changed since it was loaded" for path in changed_since(running.root, part.reads, last.at)]
    return found, last


def _refusal(running: Running, service: str, since: float) -> str:
    """The part's own sentence about what it refuses; empty when it has said nothing since."""
    for line in _logs(running, service, "--since", f"{since:.6f}"):
        if match := _REFUSAL.search(line):
            return unquoted(match["why"])
    return ""


def unquoted(text: str) -> str:
    """A part's own sentence out of its log, on one line."""
    if not text.startswith('"'):
        return text
    return " ".join(re.sub(r"\\(.)", lambda match: " " if match[1] in "nt" else match[1], text[1:-1]).split())


def _logs(running: Running, service: str, *options: str) -> tuple[str, ...]:
    done = compose(running.root, "logs", "--no-log-prefix", *options, service, timeout=30)
    return tuple(done.stdout.splitlines())


def signal(service: str) -> Callable[[Running], list[Diagnostic]]:
    """How a part is asked to load again that takes SIGHUP for it."""

    def reload(running: Running) -> list[Diagnostic]:
        sent = compose(running.root, "kill", "-s", "SIGHUP", service)
        if sent.returncode == 0:
            return []
        message = f"{service} could not be asked to reload: {sent.stderr.strip()}"
        return [Diagnostic("apply/unreachable", message)]

    return reload
