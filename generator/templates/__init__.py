"""The texts that renderers fill in: pages, scripts, a messenger's templates.

Owns where they lie. They are read once, when this is imported, so that a renderer reads nothing.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

TEXTS: Final[Mapping[str, str]] = {
    file.name: file.read_text(encoding="utf-8")
    for file in sorted(files(__name__).iterdir(), key=lambda each: each.name)
    if file.is_file() and not file.name.endswith((".py", ".pyc"))
}
