"""A docker command that answers out of files, and what a registry may say to it."""

from pathlib import Path

from images.pins import Image, load_pins

# Answers as docker does, out of files beside it: `images` is what is local, `registry` what a pull says.
FAKE_DOCKER = """#!/bin/sh
here=$(dirname "$0")
echo "$*" >>"$here/calls"
case "$1 $2" in
    "image ls") cat "$here/images" ;;
    "info "*) echo /var/lib/docker ;;
    "version "*) echo 1.41 ;;
    "compose version") echo 2.40.3 ;;
    "create "*) echo container ;;
    "cp "*) for target; do :; done; cp "$here/program" "$target" ;;
    "pull "*) . "$here/registry" ;;
esac
"""
SILENT = "sleep 30\n"
REFUSES = "echo no such host >&2; exit 1\n"
ANSWERS = 'echo "v1: Pulling from somewhere"; echo "$2" >>"$here/images"\n'
KNOWS_ONE = f'case $2 in *node*) {ANSWERS.strip()} ;; *) echo "manifest unknown" >&2; exit 1 ;; esac\n'


class Docker:
    """The fake docker of a test: what it was asked, and what it has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.holds()
        self.registry(REFUSES)
        (folder / "docker").write_text(FAKE_DOCKER)
        (folder / "docker").chmod(0o755)

    def holds(self, *references: str) -> None:
        (self.folder / "images").write_text("".join(f"{name}\n" for name in references))

    def registry(self, behaviour: str) -> None:
        (self.folder / "registry").write_text(behaviour)

    def program(self, script: str) -> None:
        (self.folder / "program").write_text(script)
        (self.folder / "program").chmod(0o755)

    def calls(self, verb: str) -> list[str]:
        calls = self.folder / "calls"
        lines = calls.read_text().splitlines() if calls.is_file() else []
        return [line for line in lines if line.startswith(verb)]


def command(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def image(name: str) -> Image:
    return load_pins().images[name]
