"""How often a rule is evaluated: the longer its windows, the less often, since each evaluation reads them whole.

Owns the choice for one expression. An outage alert is not asked: its pace follows from `detect_within`.
"""

import re
from typing import Final

from generator.units import parse_duration

# Seconds. The longest stays under the five minutes for which Prometheus shows a sample that is not followed by another.
_PACES: Final = (240, 120, 60)
# So many evaluations a window: what comes in between two of them is a sixtieth of what the rule looks at.
_WINDOWS: Final = 60
# An evaluation more or less may make an alert later by a fifth of its own `for`, not by more.
_HOLDS: Final = 5
_RANGE: Final = re.compile(r"\[\s*((?:\d+[smhdwy])+)\s*[\]:]")


def pace(fastest: int, expr: str, hold: int) -> int:
    """Seconds from one evaluation of `expr` to the next, at least `fastest`; `hold` is the `for` of an alert, or 0."""
    windows = [parse_duration(window) for window in _RANGE.findall(expr)]
    if not windows:
        return fastest
    most = min(windows) / _WINDOWS
    if hold:
        most = min(most, hold / _HOLDS)
    return next((seconds for seconds in _PACES if fastest < seconds <= most), fastest)
