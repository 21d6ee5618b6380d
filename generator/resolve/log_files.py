"""`logs: {file: PATH}`: which files a service writes on the machine, and that no file is read for two services.

Owns what may stand in such a path. A `*` in the file's name stands for anything; all else stands for itself.
"""

import posixpath
import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from generator.resolve.context import Context
from generator.site.model import Service

# A part of a name: one character, `*` for any number of them, or a digit.
_DIGIT: Final = "\0digit"
# What follows the name of a rotated file, as generator.render.collector.records asks for it.
_ROTATED: Final = ((), tuple(".old"), (".", _DIGIT, "*"), ("-", _DIGIT, "*"))


def file_problem(path: str) -> str:
    """Why no log file can be read under this path, in a sentence; empty when it can."""
    folder, _, name = path.rpartition("/")
    if not path.startswith("/"):
        return f"'{path}' is not a path; a path starts with /"
    if re.search(r"[\x00-\x1f\x7f]", path):
        return "a path holds no line breaks and no control characters"
    if "${" in path:
        # The collector would put a variable or a file in for it.
        return "a path cannot hold ${"
    if not name or posixpath.normpath(path) != path or path.startswith("//"):
        return f"'{path}' is not the path of a file; write it without . and .., and with single slashes"
    if not folder:
        return f"'{path}' lies in /, and a log file's whole folder is mounted; write it to a folder of its own"
    if "*" in folder:
        return f"a * can stand in a file's name, and not in its folder: '{folder}' is mounted as it is"
    return ""


def check_shared(context: Context, services: Iterable[Service]) -> None:
    """Report a file that would be read for two services: each of its lines would be stored twice."""
    readers = [service for service in services if service.logs.mode == "file"]
    for index, service in enumerate(readers):
        for other in readers[:index]:
            if _overlap(service.logs.file, other.logs.file):
                message = f"'{service.logs.file}' would be read for '{other.name}' and for '{service.name}'"
                context.problem(
                    "spec/shared-log",
                    message,
                    ("services", service.name, "logs"),
                    hint=f"let each write a file of its own, or give '{service.name}' logs: none",
                )


def _overlap(one: str, other: str) -> bool:
    """Whether a file can have both names, rotated or not."""
    folders, names = zip(*(path.rsplit("/", 1) for path in (one, other)), strict=True)
    if folders[0] != folders[1]:
        return False
    return any(_meet((*names[0], *mine), (*names[1], *theirs)) for mine in _ROTATED for theirs in _ROTATED)


def _meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether some text matches both patterns."""

    @cache
    def meet(i: int, j: int) -> bool:
        if i == len(one) and j == len(other):
            return True
        stars = (i < len(one) and one[i] == "*", j < len(other) and other[j] == "*")
        if any(stars):
            return (i < len(one) and meet(i + 1, j)) or (j < len(other) and meet(i, j + 1))
        if i == len(one) or j == len(other):
            return False
        return _same(one[i], other[j]) and meet(i + 1, j + 1)

    return meet(0, 0)


def _same(one: str, other: str) -> bool:
    if one == _DIGIT or other == _DIGIT:
        return all(part == _DIGIT or part.isdigit() for part in (one, other))
    return one == other
