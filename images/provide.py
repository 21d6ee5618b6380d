"""Decides, image by image, what is used: what is there, what can be pulled, what has to be built, what is left out."""

from collections.abc import Callable, Container, Iterable
from enum import StrEnum
from functools import cache

from images import Failed, docker, registry
from images.build import build_image
from images.pins import Image, load_pins
from images.progress import log_of, step, warn
from images.tools import install_tools


class Mode(StrEnum):
    """Where images may come from: LOOKOUT_IMAGES."""

    AUTO = "auto"
    PULL = "pull"
    BUILD = "build"


# The smallest, and surely there: asked for to learn whether a registry answers.
_PROBE = "node-exporter"


def present(image: Image, local: Container[str], mode: Mode) -> str | None:
    """The reference of the image if it is on this machine in a form that the mode allows."""
    allowed = {Mode.AUTO: (image.pulled, image.standin), Mode.PULL: (image.pulled,), Mode.BUILD: (image.standin,)}
    return next((reference for reference in allowed[mode] if reference and reference in local), None)


def provide(image: Image, mode: Mode, rebuild: bool = False) -> str | None:
    """Have the image, and the tools that it brings: its reference, or nothing when it is left out. Raises Failed."""
    reference = None if rebuild else present(image, docker.local_images(), mode)
    if reference is None:
        reference = _get(image, mode)
    if reference is not None:
        install_tools(image, reference)
    return reference


def _get(image: Image, mode: Mode) -> str | None:
    if mode is Mode.PULL or (mode is Mode.AUTO and registry_answers()):
        try:
            return _pull(image)
        except Failed as error:
            if mode is Mode.PULL or image.standin is None:
                raise
            warn(f"{image.title} cannot be pulled, its stand-in is built: {str(error).splitlines()[0]}")
    if image.standin is None:
        warn(f"{image.title} IS LEFT OUT: no image registry answers, and no package registry has it.")
        return None
    if image.standin_version != image.version:
        warn(f"{image.name}: {image.standin_version} stands in for {image.version}, which no package registry has.")
    build_image(image)
    return image.standin


def _pull(image: Image) -> str:
    log_of(image.name).unlink(missing_ok=True)
    with step(image.title, "pulling"):
        docker.pull(image.name, image.pulled)
    return image.pulled


@cache
def registry_answers() -> bool:
    """Asked once a run, and only when something is missing."""
    return registry.answers(load_pins().images[_PROBE])


def each(images: Iterable[Image], get: Callable[[Image], str | None]) -> tuple[dict[str, str | None], list[Failed]]:
    """Do all that can be done: what was had by name, and what failed."""
    had: dict[str, str | None] = {}
    failures = []
    for image in images:
        try:
            had[image.name] = get(image)
        except Failed as error:
            failures.append(error)
    return had, failures
