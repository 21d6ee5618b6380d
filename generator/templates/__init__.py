"""The texts that renderers fill in: pages, scripts, a messenger's templates.

Owns where they lie. They are read once, when this is imported, so that a renderer reads nothing.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

_NAMES: Final = (
    "NewError.md",
    "RegressedError.md",
    "common.tmpl",
    "home.html",
    "home.js",
    "runbook.html",
    "silence.html",
    "silence.js",
    "site.css",
    "slack.tmpl",
    "telegram.tmpl",
)
TEXTS: Final[Mapping[str, str]] = {name: (files(__name__) / name).read_text(encoding="utf-8") for name in _NAMES}
