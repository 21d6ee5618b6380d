"""Whether this installation runs the error tracker: its image is large, and had only where it is wanted."""

from typing import Final

import yaml

from images import ROOT

NAME: Final = "bugsink"
# compose's profile for it, and the key under `stack:` that asks for it.
PROFILE: Final = "errors"


def is_wanted() -> bool:
    """Does services.yaml say `stack: {errors: bugsink}`? What is wrong with the file is for the compiler to tell."""
    try:
        content = yaml.safe_load((ROOT / "services.yaml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return False
    stack = content.get("stack") if isinstance(content, dict) else None
    return isinstance(stack, dict) and stack.get(PROFILE) == NAME
