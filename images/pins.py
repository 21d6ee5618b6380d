"""Reads versions.yaml, where every version is pinned once. It decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from images import ROOT, Failed

VERSIONS: Final = ROOT / "versions.yaml"


@dataclass(frozen=True, slots=True)
class Image:
    """A pinned program: what is pulled, and what stands in for it where nothing can be pulled."""

    name: str
    version: str
    pulled: str
    standin: str | None
    standin_version: str

    @property
    def variable(self) -> str:
        """The key in .env by which compose.yaml knows it."""
        return variable(self.name)

    @property
    def title(self) -> str:
        """Name and version, as progress lines show them."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class Pins:
    """versions.yaml: the images in their order, and the versions of what the stand-ins are built with."""

    images: Mapping[str, Image]
    builders: Mapping[str, str]


def variable(name: str) -> str:
    """The key in .env for the image called `name`."""
    return "IMAGE_" + name.upper().replace("-", "_")


@cache
def load_pins(path: Path = VERSIONS) -> Pins:
    """Read the pins. Raises Failed when the file is not what it should be."""
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        images = {name: _image(name, entry) for name, entry in entries.items() if "image" in entry}
        builders = {name: str(entry["version"]) for name, entry in entries.items() if "image" not in entry}
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise Failed(f"{path.name}: cannot be read: {error}") from error
    return Pins(images, builders)


def _image(name: str, entry: Mapping[str, object]) -> Image:
    version = str(entry["version"])
    standin = entry["standin"]
    return Image(
        name=name,
        version=version,
        pulled=str(entry["image"]),
        standin=None if standin is None else str(standin),
        standin_version=str(entry.get("standin_version", version)),
    )
