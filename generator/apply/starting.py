"""Parts that read files only when they start: one whose files are younger than itself is started again.

What they read is in generator.parts.table. compose recreates a container whose settings changed, the hash of a
rendered file among them (generator.render.compose); this is for what no setting says: a secret, our own programs, a
file that was edited by hand, read at a start, and restored.
"""

from collections.abc import Callable, Mapping

from generator.apply.marks import mark
from generator.apply.reloading import changed_since
from generator.apply.running import Running
from generator.clients.docker import compose, started
from generator.diagnostics import Diagnostic
from generator.parts.part import Part
from generator.parts.table import PARTS
from generator.render.instrumentation import FOLDER as APPS_FOLDER
from generator.render.instrumentation import instrumented
from generator.secrets.credentials import exporters
from generator.secrets.files import MOUNTED
from generator.secrets.values import FOLDER

# By service its container and when that was started, as generator.clients.docker has it.
Since = Mapping[str, tuple[str, float]]


def start_stale_parts(running: Running, say: Callable[[str], None]) -> list[Diagnostic]:
    """Start them again."""
    stale = stale_parts(running, started(running.root))
    for name, (_, path) in stale.items():
        say(f"{name}: is started again, for {path} changed")
    if not stale:
        return []
    mark(running.root, (container for container, _ in stale.values()))
    done = compose(running.root, "restart", *stale)
    if done.returncode:
        return [Diagnostic("apply/not-loaded", f"{', '.join(stale)} could not be started again: {done.stderr.strip()}")]
    return []


def apps_to_restart(running: Running, since: Since) -> list[str]:
    """The apps of this compose project that run on what services.yaml said of them before. When an app starts again is
    its owner's choice; those of other projects are not seen from here."""
    files = {service.name: f"{APPS_FOLDER}/{service.name}.json" for service in instrumented(running.site)}
    return [
        f"{name}: reads {path} when it starts, and has not since it changed: docker compose restart {name}"
        for name, path in sorted(files.items())
        if name in since and changed_since(running.root, (path,), since[name][1])
    ]


def _reads(part: Part) -> tuple[str, ...]:
    return (*part.reads, *([f"{FOLDER}/{MOUNTED}/{part.name}"] if part.reads_secrets else []))


def stale_parts(running: Running, since: Since) -> dict[str, tuple[str, str]]:
    """By part that runs on what it read before a file changed, its container and the first such file. Reads only."""
    reads = {part.name: _reads(part) for part in PARTS}
    reads |= {exporter.name: (f"{FOLDER}/{MOUNTED}/{exporter.name}",) for exporter in exporters(running.site)}
    found = {}
    for name, (container, moment) in sorted(since.items()):
        if name in reads and (paths := changed_since(running.root, reads[name], moment)):
            found[name] = (container, paths[0])
    return found
