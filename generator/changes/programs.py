"""Which programs get another version, and which containers start again for it.

Owns the words, and how a reference of an image is read. It sees texts and values, and reads nothing itself.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from generator.changes.picture import read_yaml

# In a compose file, the variable of .env that names a service's image.
_IMAGE: Final = re.compile(r"^\$\{IMAGE_(\w+)\b")


def pinned(text: str) -> dict[str, str]:
    """The version of each image in a versions.yaml, by the image's name."""
    return {name: str(entry.get("version", "")) for name, entry in _images(text).items()}


def had(text: str, references: Mapping[str, str]) -> dict[str, str]:
    """The versions that the references of .env name, of the images in `text`, a versions.yaml. One that is pinned there
    has its version; one from another repository, such as a mirror's, is left out."""
    found = {}
    for name, entry in _images(text).items():
        reference = references.get(_variable(name), "")
        pins = [str(entry[key]) for key in ("image", "standin") if ":" in str(entry.get(key))]
        if reference in pins:
            found[name] = str(entry.get("version", ""))
        elif any(_split(reference)[0] == _split(pin)[0] for pin in pins):
            found[name] = _split(reference)[1].removeprefix("v")
    return found


def program_changes(
    before: Mapping[str, str], after: Mapping[str, str], compose: Iterable[str], profiles: Collection[str]
) -> list[str]:
    """A sentence for each program whose version differs. `compose` are the texts of the compose files; only what runs
    with these `profiles` is named."""
    containers = _containers(compose, profiles)
    return [
        f"{name} {before[name]} → {after[name]}: {_restart(containers[_variable(name)])} with `make up`"
        for name in sorted(before.keys() & after.keys())
        if before[name] != after[name] and _variable(name) in containers
    ]


def _restart(names: list[str]) -> str:
    return f"{', '.join(names)} {'restarts' if len(names) == 1 else 'restart'}"


def _containers(compose: Iterable[str], profiles: Collection[str]) -> dict[str, list[str]]:
    """The services of each image's variable, by name."""
    found: dict[str, list[str]] = {}
    services = {name: service for text in compose for name, service in _services(text) if "image" in service}
    for name, service in sorted(services.items()):
        variable = _IMAGE.match(str(service["image"]))
        if variable and set(service.get("profiles", profiles)) <= set(profiles):
            found.setdefault(f"IMAGE_{variable[1]}", []).append(name)
    return found


def _services(text: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    services: Mapping[str, Mapping[str, Any]] = read_yaml(text).get("services") or {}
    return services.items()


def _images(text: str) -> dict[str, Mapping[str, Any]]:
    return {name: entry for name, entry in read_yaml(text).items() if isinstance(entry, dict) and "image" in entry}


def _variable(name: str) -> str:
    return "IMAGE_" + name.upper().replace("-", "_")


def _split(reference: str) -> tuple[str, str]:
    """Repository and tag."""
    repository, _, tag = reference.rpartition(":")
    return repository, tag
