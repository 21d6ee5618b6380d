"""Builds the demo product's image, tagged with what it is made of: another content is another tag."""

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from images import CACHE, ROOT, docker, machine
from images.progress import log_of, step

NAME: Final = "demo"
APPS: Final = ROOT / "apps"
# The library that makes an app observable; the demo has it installed, as any app would.
LIBRARY: Final = ROOT / "instrumentation"
_SERVICES: Final = ROOT / "services.yaml"
# The first line of the committed services.yaml; `lookout init` replaces the file.
_MARK: Final = "# The demo:"
# Caches, and what is rendered for each service: that is mounted, and another threshold makes no other image.
_LEFT_OUT: Final = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", "build", "services"})


def is_wanted() -> bool:
    """Is the demo what this installation watches?"""
    if not (APPS / "Dockerfile").is_file() or not _SERVICES.is_file():
        return False
    return _SERVICES.read_bytes().startswith(_MARK.encode())


def reference(*folders: Path) -> str:
    """The image's name and tag: what these folders hold, by default the demo and its library."""
    digest = hashlib.sha256()
    for folder in folders or (APPS, LIBRARY):
        for path in _files(folder):
            name = path.relative_to(folder).as_posix()
            digest.update(f"{name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return f"lookout/{NAME}:{digest.hexdigest()[:12]}"


def _files(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if not _is_left_out(path.relative_to(folder).parts))


def _is_left_out(parts: Iterable[str]) -> bool:
    return any(part in _LEFT_OUT or part.endswith(".egg-info") for part in parts)


def build(base: str) -> str:
    """Build the image on the given Python image, and remove those of earlier contents; its name and tag."""
    tag = reference()
    log_of(NAME).unlink(missing_ok=True)
    with step(NAME, "building the image"):
        arguments = {"BASE": base, **machine.pip_settings(), **machine.proxies()}
        bundle = machine.ca_bundle()
        if bundle and machine.own_certificates():
            arguments |= {"BASE": _trusting(base, bundle), "PIP_CERT": machine.BUNDLE_INSIDE}
        context = CACHE / "work" / NAME
        shutil.rmtree(context, ignore_errors=True)
        for folder, target in ((APPS, context), (LIBRARY, context / LIBRARY.name)):
            shutil.copytree(folder, target, ignore=lambda _folder, names: {n for n in names if _is_left_out([n])})
        docker.build(NAME, context, tag, arguments)
        shutil.rmtree(context)
    for other in docker.local_images():
        if other.startswith(f"lookout/{NAME}:") and other != tag:
            docker.try_to("image", "rm", other)
    return tag


def _trusting(base: str, bundle: Path) -> str:
    """`base` with this machine's certificates: pip has to get through whatever sits between it and its index."""
    context = CACHE / "work" / "trusting"
    context.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(bundle, context / "bundle.crt")
    (context / "Dockerfile").write_text(
        f"ARG BASE\nFROM ${{BASE}}\nCOPY bundle.crt {machine.BUNDLE_INSIDE}\n", encoding="utf-8"
    )
    tag = "lookout/trusting-python:local"
    docker.build(NAME, context, tag, {"BASE": base})
    return tag
