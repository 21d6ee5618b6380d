"""Sends the demo API a bounded stream of requests: `python3 -m demo.traffic`.

Plays the product's users, so that dashboards show something: busy at noon, quiet at night, a day being ten minutes. It
outlives the API: without answers it tries more and more slowly, and logs it once.
"""

import asyncio
import os
import random
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx2
import structlog
import uuid_utils
from lookout_instrumentation import Lookout, Settings, SettingsError

from demo.days import DEFAULT_DAY_SECONDS, Calendar
from demo.journeys import Crowd, Request

MAX_IN_FLIGHT: Final = 20
TIMEOUT_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 5.0
MAX_RATE: Final = 200.0

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("demo.traffic")


@dataclass(frozen=True)
class Options:
    """How much traffic goes where; `rate` is that of an average hour."""

    url: str
    rate: float
    heartbeat: Path | None
    calendar: Calendar | None = field(default_factory=Calendar)


class Traffic:
    """Sends requests and remembers whether anybody answers."""

    def __init__(self, options: Options, client: httpx2.AsyncClient, dice: random.Random | None = None) -> None:
        self._options = options
        self._client = client
        self._crowd = Crowd(dice or random.Random())
        self._failures = 0
        self._reachable: bool | None = None
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def pause_seconds(self) -> float:
        """How long to wait before the next request: doubles with each failure, up to a few seconds."""
        calendar = self._options.calendar
        steady = 1 / (self._options.rate * (calendar.daylight(time.time()) if calendar else 1))
        if not self._failures:
            return steady
        return max(steady, min(0.1 * 2.0 ** min(self._failures, 10), LONGEST_PAUSE_SECONDS))

    async def run(self) -> None:
        """Send until cancelled."""
        due = time.monotonic()
        while True:
            if self._options.heartbeat is not None:
                self._options.heartbeat.touch()
            if len(self._sending) < MAX_IN_FLIGHT:
                task = asyncio.create_task(self.send_one())
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)
            # Against a clock and not a sleep after each, so that slow answers do not lower the rate.
            due = max(due + self.pause_seconds, time.monotonic() - 1)
            await asyncio.sleep(max(due - time.monotonic(), 0))

    async def send_one(self) -> None:
        """Send the next request of a user, and note whether it was answered."""
        request = self._crowd.next()
        try:
            response = await self._client.request(
                request.method,
                request.path,
                json=request.body,
                params=request.query,
                headers=_headers(request),
            )
            if response.is_success:
                request.note(response.json() if response.content else None)
            elif response.status_code == httpx2.codes.UNAUTHORIZED:
                self._crowd.expired(request.person)
        except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
            self._failures += 1
            self._note(False, error_type=type(error).__name__)
        else:
            self._failures = 0
            self._note(True)

    def _note(self, reachable: bool, **details: str) -> None:
        if reachable != self._reachable:
            self._reachable = reachable
            (log.info if reachable else log.warning)(
                "api answers" if reachable else "api does not answer", url=self._options.url, **details
            )


def _headers(request: Request) -> dict[str, str]:
    headers = {"X-Request-ID": f"traffic-{uuid_utils.uuid7()}"}
    if request.person is not None and request.person.token:
        headers["Authorization"] = f"Bearer {request.person.token}"
    return headers


async def send_until_signalled(options: Options) -> None:
    """Send traffic until SIGTERM or SIGINT."""
    limits = httpx2.Limits(max_connections=MAX_IN_FLIGHT)
    async with httpx2.AsyncClient(base_url=options.url, timeout=TIMEOUT_SECONDS, limits=limits) as client:
        sending = asyncio.create_task(Traffic(options, client).run())
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, sending.cancel)
        await asyncio.wait([sending])
        if not sending.cancelled():
            sending.result()


def _number(name: str, default: float, highest: float) -> float:
    """The variable's value, or 0 for one that cannot be used."""
    try:
        value = float(os.environ.get(name) or default)
    except ValueError:
        return 0
    return value if 0 < value <= highest else 0


def main() -> int:
    """Read the environment and send traffic; return the exit code."""
    heartbeat = os.environ.get("TRAFFIC_HEARTBEAT_FILE")
    rate = _number("TRAFFIC_RATE", 5, MAX_RATE)
    day = _number("DEMO_DAY_SECONDS", DEFAULT_DAY_SECONDS, 86_400)
    if not rate or not day:
        print(f"TRAFFIC_RATE is requests a second, up to {MAX_RATE:.0f}; DEMO_DAY_SECONDS is positive", file=sys.stderr)
        return 2
    options = Options(
        url=os.environ.get("TRAFFIC_URL") or "http://api:8000",
        rate=rate,
        heartbeat=Path(heartbeat) if heartbeat else None,
        calendar=Calendar(day),
    )
    try:
        Lookout(Settings.load())
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    asyncio.run(send_until_signalled(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
