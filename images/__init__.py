"""Gets the container images that the stack runs: pulled, or built out of package registries when none can be
reached.

It knows nothing of services.yaml but whether that is the demo's and asks for the error tracker, and imports nothing of
the generator.
"""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
CACHE: Final = Path.home() / ".cache" / "lookout"


class Failed(Exception):
    """Something could not be had; the message says what, why, and where to read on. It is shown as it is."""
