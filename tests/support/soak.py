"""`make soak`: the numbers that `make test` takes small, and what they are there."""

import os
from typing import Final

SOAK: Final = os.environ.get("LOOKOUT_SOAK") == "1"


def size(small: int, full: int) -> int:
    """How many: in `make test`, and in `make soak`. What is drawn at random is seeded, so the small one is a part."""
    return full if SOAK else small
