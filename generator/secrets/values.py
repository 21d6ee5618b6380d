"""The files in secrets/: the one place where their values are read and written.

Owns a value's text as it is meant, the modes of what is written, and the words for a file that holds no value. No word
holds any part of a value.
"""

import re
from pathlib import Path
from typing import Final

from generator.disk.atomic import write_file

FOLDER: Final = "secrets"
# Other users may not enter the folder, nor read a file in it.
FOLDER_MODE: Final = 0o700
OWNER_ONLY: Final = 0o600
# What editors, spreadsheets and web pages leave around a value, white space aside.
_INVISIBLE: Final = "\ufeff\u200b\u200c\u200d\u2060\u00ad"
_EDGES: Final = "".join(map(chr, range(33))) + "\x85\xa0\u2028\u2029\u3000" + _INVISIBLE
_QUOTES: Final = ('""', "''", "``", "“”", "\u2018\u2019", "„“", "«»")
_LARGEST: Final = 64 * 2**10


class UnreadableSecret(ValueError):
    """Why a secret's file holds nothing that could be used, in words that follow its name."""


class MissingSecret(UnreadableSecret):
    """There is no file, or nothing in it."""


def cleaned(text: str) -> str:
    """A value as it is meant: without what editors leave around it, Windows' line ends, and one pair of quotes."""
    value = re.sub(r"\r\n?", "\n", text).strip(_EDGES)
    if len(value) > 1 and value[0] + value[-1] in _QUOTES:
        value = value[1:-1].strip(_EDGES)
    return value


def decoded(content: bytes) -> str:
    """The text of a secret's file, cleaned; Windows' tools write UTF-16 with a mark before it. Raises
    UnreadableSecret."""
    if len(content) > _LARGEST:
        raise UnreadableSecret(f"is larger than {_LARGEST // 2**10} KiB")
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return cleaned(content.decode("utf-16" if wide else "utf-8-sig"))
    # Not chained: what it came from holds the value.
    except UnicodeDecodeError:
        raise UnreadableSecret("is not UTF-8 text") from None


def read_value(path: Path) -> str:
    """The value in a secret's file, cleaned; empty when there is no file. Raises UnreadableSecret."""
    try:
        return needed_value(path)
    except MissingSecret:
        return ""


def needed_value(path: Path) -> str:
    """The value in a secret's file, cleaned. Raises MissingSecret when there is none, and UnreadableSecret."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise MissingSecret("does not exist") from None
    except OSError as error:
        raise UnreadableSecret(f"cannot be read: {error.strerror}") from None
    value = decoded(content)
    if not value:
        raise MissingSecret("is empty")
    return value


def write_value(path: Path, value: str) -> None:
    """Write secrets/<name> for its owner alone, in a folder that is closed to others. Raises OSError."""
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    write_changed(path, value + "\n", OWNER_ONLY)


def write_changed(path: Path, text: str, mode: int) -> None:
    """Write in one step, nothing when nothing changes: a container never sees half a file. Raises OSError."""
    if path.is_file() and path.stat().st_mode & 0o777 == mode and path.read_bytes() == text.encode():
        return
    write_file(path, text, mode)
