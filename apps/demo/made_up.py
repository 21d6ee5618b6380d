"""What the parts of the demo have agreed on: tenants, items, the card that is declined, the code that is refused.

Data alone, without libraries: the traffic generator needs it too, and is to stay small.
"""

import itertools
from collections.abc import Iterator
from typing import Any, Final

TENANTS: Final = ("acme", "borealis", "cinder", "dovetail", "ember", "fjord", "gantry", "harbour")
DECLINED_CARD: Final = "tok_declined"
REFUSED_CODE: Final = "denied"

_FINISHES: Final = ("oak", "steel", "linen", "slate", "copper", "cork", "glass", "wool")
_THINGS: Final = ("lamp", "desk", "chair", "shelf", "clock", "bowl", "rug", "mirror", "stool", "vase")
_SIZES: Final = ("small", "medium", "large")
ITEM_COUNT: Final = len(_FINISHES) * len(_THINGS) * len(_SIZES)


def items() -> Iterator[dict[str, Any]]:
    """Every item, as a row of the table."""
    for number, (finish, thing, size) in enumerate(itertools.product(_FINISHES, _THINGS, _SIZES), start=1):
        yield {"id": number, "name": f"{size} {finish} {thing}", "price_cents": 900 + number * 37 % 9000}


def tenants() -> Iterator[dict[str, Any]]:
    """Every tenant, as a row of the table."""
    for number, slug in enumerate(TENANTS):
        yield {"slug": slug, "sites": 1 + number % 4}
