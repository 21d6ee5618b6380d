"""Decides, image by image, what is used: what is there, what can be pulled, what has to be built, what is left out."""

from collections.abc import Callable, Collection, Container, Iterable
from enum import StrEnum
from functools import cache

from images import Failed, docker, registry, room
from images.build import build_image
from images.machine import MODE
from images.pins import Image
from images.progress import counted, log_of, warn
from images.tools import install_tools


class Mode(StrEnum):
    """Where images may come from: LOOKOUT_IMAGES."""

    AUTO = "auto"
    PULL = "pull"
    BUILD = "build"


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
    """Pulled if a registry can be reached. Built only where none can, or when asked: that a registry refuses is for a
    person to know, and no reason to compile for half an hour."""
    if mode is not Mode.BUILD and registry.pull(image):
        return image.pulled
    sentence = registry.asked().unreachable
    if mode is Mode.PULL:
        raise registry.Refused(f"{image.title} cannot be pulled: {sentence}\n    full log: {log_of(image.name)}")
    if sentence:
        _say_unreachable(sentence)
    if image.standin is None:
        warn(f"{image.title} IS LEFT OUT: no image registry can be reached, and no package registry has it.")
        return None
    if image.standin_version != image.version:
        warn(f"{image.name}: {image.standin_version} stands in for {image.version}, which no package registry has.")
    _look_for_room(image, mode)
    build_image(image)
    return image.standin


@cache
def _say_unreachable(sentence: str) -> None:
    """Once a run."""
    warn(f"no image registry can be reached, so what is missing is built: {sentence}")


def _look_for_room(image: Image, mode: Mode) -> None:
    """Too little disk or memory stops a build that was not requested; a requested build is tried."""
    for lack in room.shortages(image):
        text = f"{image.title}: building needs {lack}"
        if mode is not Mode.BUILD:
            raise Failed(f"{text}\n    with less it may be tried: {MODE}=build make up")
        warn(text)


def each(
    images: Iterable[Image], get: Callable[[Image], str | None], missing: Collection[str] = ()
) -> tuple[dict[str, str | None], list[Failed]]:
    """Do all that can be done: what was had by name, and what failed. What a registry refuses to give at all is said
    once, with the names of the others that were to be pulled. `missing` are those that take time."""
    had: dict[str, str | None] = {}
    failures: list[Failed] = []
    refused: list[str] = []
    with counted(len(missing)) as count:
        for image in images:
            try:
                had[image.name] = get(image)
            except registry.Refused as error:
                if not refused:
                    failures.append(error)
                refused.append(image.title)
            except Failed as error:
                failures.append(error)
            if image.name in missing:
                count()
    if refused[1:]:
        failures.append(Failed(f"not pulled for the same reason: {', '.join(refused[1:])}"))
    return had, failures
