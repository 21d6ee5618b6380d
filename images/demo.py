"""Builds the demo product's image, tagged with what it is made of: another content is another tag."""

import hashlib
import shutil
from pathlib import Path
from typing import Final

from images import CACHE, ROOT, docker, machine
from images.progress import log_of, step

NAME: Final = "demo"
APPS: Final = ROOT / "apps"
_SERVICES: Final = ROOT / "services.yaml"
# The first line of the committed services.yaml; `lookout init` replaces the file.
_MARK: Final = "# The demo:"
_LEFT_OUT: Final = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"})


def is_wanted() -> bool:
    """Is the demo what this installation watches?"""
    if not (APPS / "Dockerfile").is_file() or not _SERVICES.is_file():
        return False
    return _SERVICES.read_bytes().startswith(_MARK.encode())


def reference(folder: Path = APPS) -> str:
    """The image's name and tag."""
    digest = hashlib.sha256()
    for path in _files(folder):
        digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return f"lookout/{NAME}:{digest.hexdigest()[:12]}"


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not _LEFT_OUT & set(path.parts))


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
        shutil.copytree(APPS, context, ignore=shutil.ignore_patterns(*_LEFT_OUT))
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
