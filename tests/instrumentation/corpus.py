"""Secrets as apps really log them, and what only looks like secrets: what every store of log lines is searched for.

`PLANTED` and `LOOK_ALIKES` are lists of log calls; `say` makes one, `Call.raw` is the line that an app without the
library would write. The `secret` of a planted call is a text that nothing else contains: finding it is a leak.
"""

from typing import Final

from tests.instrumentation.calls import Call, say
from tests.instrumentation.look_alikes import look_alikes
from tests.instrumentation.planted_names import named, reported_by_their_place
from tests.instrumentation.planted_shapes import card, cards, people, shaped

__all__ = ["LOOK_ALIKES", "PLANTED", "Call", "card", "say"]

PLANTED: Final = [*named(), *reported_by_their_place(), *shaped(), *cards(), *people()]
LOOK_ALIKES: Final = list(look_alikes())
