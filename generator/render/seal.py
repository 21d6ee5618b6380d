"""The seal of a configuration: a hash of all that was rendered for a part, standing where the part itself shows it.

A part that has loaded a configuration gives its seal back when it is asked, so that what is loaded can be compared with
what was rendered, whatever kind of field was edited. Owns the form of a seal and how it is made. Where it stands is the
business of each renderer, how it is read back that of generator.apply.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from generator.artifact import Artifact

# Stands in a text until the text is complete. As long as a seal.
OPEN: Final = "sha256-" + "0" * 16
_SEAL: Final = re.compile(r"sha256-[0-9a-f]{16}")


def sealed(text: str, others: Iterable[Artifact] = ()) -> str:
    """`text` with the seal in the place of OPEN. The seal covers `text` itself, and path and content of the others,
    which the part loads with it."""
    digest = hashlib.sha256(text.encode())
    for each in sorted(others, key=lambda artifact: artifact.path):
        digest.update(f"\0{each.path}\0{each.content}".encode())
    return text.replace(OPEN, f"sha256-{digest.hexdigest()[:16]}")


def seal_in(text: str) -> str:
    """The seal in a text; empty when there is none."""
    found = _SEAL.search(text)
    return found[0] if found else ""
