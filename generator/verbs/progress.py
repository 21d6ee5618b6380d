"""What a slow verb shows while it runs: lines that stay, and one that is redrawn in place on a terminal.

Owns how that is shown. Elsewhere than on a terminal the line that passes is printed now and then. Nothing goes to
stdout.
"""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import click

if TYPE_CHECKING:
    from rich.status import Status

# Seconds between two lines where none can be redrawn.
PAUSE: Final = 10.0


class Progress:
    """A context manager. `silent` for machines: nothing is said."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._last = time.monotonic()
        self._status: Status | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    def say(self, line: str) -> None:
        """A line that stays."""
        if not self._silent:
            click.echo(f"  {line}", err=True)

    def passing(self, line: str) -> None:
        """A line that takes the place of the one before."""
        if self._silent:
            return
        if sys.stderr.isatty():
            self._redraw(line)
        elif time.monotonic() - self._last >= PAUSE:
            self._last = time.monotonic()
            self.say(line)

    def _redraw(self, line: str) -> None:
        if self._status is None:
            # It takes a tenth of a second to import, which only those who wait for longer spend.
            from rich.console import Console

            self._status = Console(stderr=True, highlight=False, markup=False).status("")
            self._status.start()
        self._status.update(line)
