"""Which parts this installation asks for by name: images that are had only where they are wanted."""

from collections.abc import Mapping
from typing import Final

import yaml

from generator.parts.table import PARTS
from images import ROOT

# By image: the key under `stack:` that asks for it, which is also compose's profile for it.
WANTED_BY: Final[Mapping[str, str]] = {
    part.name: part.needs for part in PARTS if part.needs and part.profile and not part.image
}


def is_wanted(name: str) -> bool:
    """Does services.yaml say `stack: {errors: bugsink}`? The compiler reports what is wrong with the file."""
    try:
        content = yaml.safe_load((ROOT / "services.yaml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return False
    stack = content.get("stack") if isinstance(content, dict) else None
    return isinstance(stack, dict) and stack.get(WANTED_BY[name]) == name
