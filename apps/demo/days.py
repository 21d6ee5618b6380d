"""Time as the demo's business lives it: a day of it is ten minutes, so that a month's figures move within hours.

Owns the length of a day and what follows from it. Technical metrics know nothing of it.
"""

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

DEFAULT_DAY_SECONDS: Final = 600.0
MONTH_DAYS: Final = 30


@dataclass(frozen=True)
class Calendar:
    """The demo's days, counted from the epoch."""

    day_seconds: float = DEFAULT_DAY_SECONDS

    def days_ago(self, days: float, now: datetime) -> datetime:
        """The moment so many demo days before `now`."""
        return now - timedelta(seconds=days * self.day_seconds)

    def month_start(self, now: datetime) -> datetime:
        """When the demo month began that `now` is in."""
        month = MONTH_DAYS * self.day_seconds
        return datetime.fromtimestamp(now.timestamp() // month * month, UTC)

    def daylight(self, moment: float) -> float:
        """How busy it is at `moment` (seconds since the epoch): 0.4 at night, 1.6 at noon, 1 over the whole day."""
        return 1 - 0.6 * math.cos(2 * math.pi * (moment % self.day_seconds) / self.day_seconds)


def now() -> datetime:
    """The time, as the tables hold it."""
    return datetime.fromtimestamp(time.time(), UTC)
