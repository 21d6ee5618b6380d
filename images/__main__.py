"""`python -m images`: has every image that the stack runs, and writes into .env which ones they are.

    python -m images              all of them, Compose included
    python -m images NAME...      some of them; `demo` and `compose` are names too
    python -m images --list       what there is

LOOKOUT_IMAGES=pull or =build allows one way alone. Exit codes: 0 fine, 1 something failed, 2 usage, 3 no Docker.
"""

import argparse
import os
import sys
from collections.abc import Sequence, Set
from typing import Final

from generator.parts.table import PARTS
from images import ROOT, Failed, build, demo, docker, plugin, provide, tracker
from images.alone import alone
from images.dotenv import merge_dotenv, read_dotenv
from images.machine import MODE
from images.pins import Image, load_pins, variable
from images.progress import show, warn

_DOTENV: Final = ROOT / ".env"
_COMPOSE_FILES: Final = "compose.yaml:compose.rendered.yaml"
# Needed by the demo alone.
_OF_THE_DEMO: Final = frozenset({"postgres", "python", "redis"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    try:
        options = _parse(arguments)
    except Failed as error:
        print(f"lookout: {error}", file=sys.stderr)
        return 1
    try:
        docker.ask("info", "--format", "{{.ServerVersion}}")
    except Failed as error:
        print(f"lookout: {error}; scripts/host.sh ensure", file=sys.stderr)
        return 3
    try:
        with alone():
            mode = provide.Mode(os.environ.get(MODE) or provide.Mode.AUTO)
            if options.list:
                return _list(mode)
            return _provide(options.names, mode, options.rebuild)
    except (Failed, OSError) as error:
        print(f"lookout: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the next run goes on from here", file=sys.stderr)
        return 130


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    known = [*load_pins().images, demo.NAME, plugin.NAME]
    parser = argparse.ArgumentParser(prog="python -m images", description="Have the images that the stack runs.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--list", action="store_true", help="show what there is, and get nothing")
    parser.add_argument("--rebuild", action="store_true", help="get the named ones even if they are there")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(known)):
        parser.error(f"no image is called {', '.join(unknown)}: {', '.join(known)}")
    if options.rebuild and not options.names:
        parser.error("--rebuild wants names")
    if os.environ.get(MODE, "auto") not in (*provide.Mode, ""):
        parser.error(f"{MODE} is one of {', '.join(provide.Mode)}")
    return options


def _provide(names: Sequence[str], mode: provide.Mode, rebuild: bool) -> int:
    everything = not names
    with_demo = demo.NAME in names or (everything and demo.is_wanted())
    if everything or plugin.NAME in names:
        plugin.ensure_compose()
    wanted = [image for image in load_pins().images.values() if _is_wanted(image, names, with_demo)]
    before = docker.local_images()
    missing = [image.name for image in wanted if rebuild or provide.present(image, before, mode) is None]
    had, failures = provide.each(wanted, lambda image: provide.provide(image, mode, rebuild), missing)
    if with_demo and (python := had.get("python")):
        try:
            had[demo.NAME] = _demo(python, rebuild)
        except Failed as error:
            failures.append(error)
    failed = {*(image.name for image in wanted), *([demo.NAME] if with_demo else [])} - had.keys()
    merge_dotenv(_DOTENV, _changes(had, everything, failed))
    for failure in failures:
        print(f"lookout: {failure}", file=sys.stderr)
    if everything and not failures and docker.local_images() != before:
        build.sweep()
    return 1 if failures else 0


def _is_wanted(image: Image, names: Sequence[str], with_demo: bool) -> bool:
    if image.name in _OF_THE_DEMO and with_demo:
        return True
    if names:
        return image.name in names
    return tracker.is_wanted(image.name) if image.name in tracker.WANTED_BY else image.name not in _OF_THE_DEMO


def _demo(python: str, rebuild: bool) -> str:
    tag = demo.reference()
    return tag if tag in docker.local_images() and not rebuild else demo.build(python)


def _changes(had: dict[str, str | None], everything: bool, failed: Set[str] = frozenset()) -> dict[str, str | None]:
    """What .env is to say. compose wants a reference for every service, those of a profile that is off included.

    Of what could not be had this time, nothing changes: it may run, as it was had before.
    """
    changes = {variable(name): reference for name, reference in had.items()}
    changes["DOCKER_API"] = docker.api_version()
    changes["DOCKER_ROOT"] = docker.ask("info", "--format", "{{.DockerRootDir}}")
    if not everything:
        return changes
    present = read_dotenv(_DOTENV)
    for image in load_pins().images.values():
        if image.name in _OF_THE_DEMO:
            changes.setdefault(image.variable, image.pulled)
    changes.setdefault(variable(demo.NAME), demo.reference())
    changes["COMPOSE_FILE"] = present.get("COMPOSE_FILE", _COMPOSE_FILES)
    profiles = {part.name: part.profile for part in PARTS if part.profile and not part.image}
    switched = {profile: had.get(name) is not None for name, profile in profiles.items() if name not in failed}
    if not failed & {demo.NAME, *_OF_THE_DEMO}:
        switched["demo"] = demo.NAME in had
    kept = [profile for profile in present.get("COMPOSE_PROFILES", "").split(",") if profile not in ("", *switched)]
    changes["COMPOSE_PROFILES"] = ",".join(sorted({*kept, *(name for name, on in switched.items() if on)}))
    return changes


def _list(mode: provide.Mode) -> int:
    local = docker.local_images()
    show(f"{'name':<20} {'version':<12} {'here':<10} reference")
    for image in load_pins().images.values():
        reference = provide.present(image, local, mode)
        kind = "missing" if reference is None else "registry" if reference == image.pulled else "stand-in"
        version = image.standin_version if kind == "stand-in" else image.version
        show(f"{image.name:<20} {version:<12} {kind:<10} {reference or image.pulled}")
    tag = demo.reference()
    show(f"{demo.NAME:<20} {tag.rsplit(':', 1)[-1]:<12} {'built' if tag in local else 'missing':<10} {tag}")
    if not plugin.is_there():
        warn("docker compose is missing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
