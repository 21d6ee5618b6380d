"""`plan` and `apply` over a running stack: which parts follow, which do not, and making them."""

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from generator.apply.marks import mark_up, preview_containers
from generator.apply.mounts import open_mounts
from generator.apply.profiles import follow_profile, profile_changes
from generator.apply.reconcilers import RECONCILERS
from generator.apply.running import Reconciler, Running
from generator.apply.starting import apps_to_restart, stale_parts, start_stale_parts
from generator.artifact import Artifact
from generator.bugsink import BugsinkError
from generator.changes.containers import compose_changes
from generator.changes.programs import had, pinned, program_changes
from generator.clients.docker import (
    compose,
    docker_environment,
    dotenv,
    local_url,
    running_services,
    running_stack_name,
    started,
)
from generator.conventions import KUMA_PORT, LOCAL_PORT
from generator.diagnostics import Diagnostic, Problems
from generator.disk.locks import running_lock
from generator.kuma import KumaError
from generator.render.compose import COMPOSE_FILE
from generator.secrets.files import ensure_secrets
from generator.site.model import Site


def running_stack(root: Path, site: Site, artifacts: Iterable[Artifact], force: bool = False) -> Running:
    """The stack of `root`. Its two local ports come from the environment or `.env`, as compose reads them."""
    return Running(
        root=root,
        site=site,
        artifacts={artifact.path: artifact for artifact in artifacts},
        local_url=local_url(root, "LOOKOUT_PORT", LOCAL_PORT),
        kuma_url=local_url(root, "LOOKOUT_KUMA_PORT", KUMA_PORT),
        force=force,
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """What runs from a tree: the services that do, what compose would do to containers, and since when each runs."""

    alive: frozenset[str]
    preview: list[tuple[str, str]] = field(default_factory=list)
    since: Mapping[str, tuple[str, float]] = field(default_factory=dict)


def look(root: Path) -> Seen:
    """What of a running stack depends on the tree on the disk alone, and can be asked while services.yaml is compiled.
    Reads only."""
    alive = running_services(root)
    if not alive:
        return Seen(alive)
    with ThreadPoolExecutor(max_workers=2) as pool:
        preview, since = pool.submit(preview_containers, root), pool.submit(started, root)
        return Seen(alive, preview.result(), since.result())


def plan_running(running: Running, seen: Seen) -> tuple[list[str], list[Diagnostic]]:
    """What apply would change in the running stack, a sentence each, and what could not be asked. Reads only."""
    if not seen.alive:
        return ["the stack is not running; `make up` starts it"], []
    # Each waits for an answer most of its time. What is said keeps its order.
    with ThreadPoolExecutor(max_workers=len(RECONCILERS)) as pool:
        drifts = [*pool.map(lambda reconciler: _drift(reconciler, running, seen.alive), _wanted(running))]
    lines = [*container_changes(running), *_program_changes(running)]
    lines += [f"compose: {name} {action}" for name, action in seen.preview]
    lines += profile_changes(running)
    stale = stale_parts(running, seen.since).items()
    lines += [f"{name}: is started again, for {path} changed" for name, (_, path) in stale]
    lines += apps_to_restart(running, seen.since)
    problems: list[Diagnostic] = []
    for reconciler, (drift, problem) in zip(_wanted(running), drifts, strict=True):
        lines += [f"{reconciler.name}: {sentence}" for sentence in drift]
        problems += problem
    return lines, problems


def apply_running(running: Running, say: Callable[[str], None]) -> list[Diagnostic]:
    """Make the running stack follow the files on disk; a problem in one part does not keep the others back.

    One run at a time on this machine, from whichever tree and by whichever user. Raises Problems.
    """
    with running_lock(running_stack_name(running.root), say):
        return _apply_running(running, say)


def _apply_running(running: Running, say: Callable[[str], None]) -> list[Diagnostic]:
    ensure_secrets(running.site, running.root)
    if not running_services(running.root):
        say("the stack is not running; `make up` starts it")
        return []
    if problems := follow_profile(running, say) or open_mounts(running.root):
        return problems
    say("compose: containers follow")
    mark_up(running.root)
    up = compose(running.root, "up", "--detach", "--wait", "--no-build", "--remove-orphans")
    if up.returncode:
        notes = tuple(up.stderr.strip().splitlines()[-8:])
        return [Diagnostic("apply/not-loaded", "docker compose could not bring the containers up", notes=notes)]
    problems = start_stale_parts(running, say)
    for reconciler in _wanted(running):
        found = _apply(reconciler, running)
        say(f"{reconciler.name}: {'follows' if not found else found[0].message}")
        problems += found
    for line in apps_to_restart(running, started(running.root)):
        say(line)
    ensure_secrets(running.site, running.root)
    return problems


def _wanted(running: Running) -> list[Reconciler]:
    return [reconciler for reconciler in RECONCILERS if reconciler.wanted(running.site)]


def container_changes(running: Running) -> list[str]:
    """The containers that restart, are added or are removed after the rendered compose file is written: no others
    are."""
    before = _text(running.root / COMPOSE_FILE)
    return compose_changes(before, running.artifacts[COMPOSE_FILE].content)


def _program_changes(running: Running) -> list[str]:
    """The programs of which versions.yaml names another version than .env, which `make up` writes."""
    versions = _text(running.root / "versions.yaml")
    env = {**dotenv(running.root), **docker_environment(running.root)}
    composed = (_text(running.root / "compose.yaml"), running.artifacts[COMPOSE_FILE].content)
    profiles = env.get("COMPOSE_PROFILES", "").split(",")
    return program_changes(had(versions, env), pinned(versions), composed, profiles)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _drift(reconciler: Reconciler, running: Running, alive: Collection[str]) -> tuple[list[str], list[Diagnostic]]:
    if reconciler.service not in alive:
        return ["not running"], []
    try:
        return reconciler.drift(running), []
    except KumaError as error:
        return [], [Diagnostic("apply/kuma", str(error), hint=error.hint, level="warning")]
    except BugsinkError as error:
        return [], [Diagnostic("apply/bugsink", error.message, hint=error.hint, level="warning")]
    except Problems as problems:
        return [], list(problems.diagnostics)
    except OSError as error:
        return [], [_unreachable(reconciler, error)]


def _apply(reconciler: Reconciler, running: Running) -> list[Diagnostic]:
    try:
        return reconciler.apply(running)
    except Problems as problems:
        return list(problems.diagnostics)
    except OSError as error:
        return [_unreachable(reconciler, error)]


def _unreachable(reconciler: Reconciler, error: OSError) -> Diagnostic:
    return Diagnostic("apply/unreachable", f"{reconciler.name} does not answer: {type(error).__name__}")
