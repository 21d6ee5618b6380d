"""Keeps .env, where compose reads what is particular to this machine. Keys of others and comments stay as they are."""

from collections.abc import Mapping
from pathlib import Path

from generator.disk.atomic import write_file

_HEADER = "# Written by `make up` for this machine; keys that it does not know are yours.\n"


def read_dotenv(path: Path) -> dict[str, str]:
    """The file's keys and values; nothing when there is no file."""
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {key.strip(): value.strip() for key, value in pairs}


def merge_dotenv(path: Path, changes: Mapping[str, str | None]) -> bool:
    """Set keys, or remove those whose value is None, in one atomic step; True when the file changed."""
    before = path.read_text(encoding="utf-8") if path.is_file() else _HEADER
    left = dict(changes)
    lines = []
    for line in before.splitlines():
        key = line.split("=", 1)[0].strip()
        if "=" not in line or key not in changes:
            lines.append(line)
        elif (value := left.pop(key, None)) is not None:
            lines.append(f"{key}={value}")
    lines += [f"{key}={value}" for key, value in left.items() if value is not None]
    after = "\n".join(lines) + "\n"
    if path.is_file() and after == before:
        return False
    write_file(path, after, path.stat().st_mode & 0o777 if path.is_file() else 0o644)
    return True
