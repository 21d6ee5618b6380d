"""Sends the demo API a steady, bounded stream of requests: `python3 -m demo.traffic`.

Plays the product's users, so that dashboards show something. It outlives the API: while nobody
answers it tries ever more slowly, and says so once.
"""

import asyncio
import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import structlog
import uuid_utils
from lookout_instrumentation import Lookout, Settings, SettingsError

from demo import catalogue

MAX_IN_FLIGHT: Final = 20
TIMEOUT_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 5.0

_QUERIES: Final = ("oak", "lamp", "small desk", "copper bowl", "wool rug", "glass", "nothing like it")
_SENTENCES: Final = (
    "The lamp arrived on Tuesday and works well.",
    "Delivery took longer than promised, but support was kind.",
    "Would buy again!",
    "Is the larger desk available in oak?",
)

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("demo.traffic")


@dataclass(frozen=True)
class Options:
    """How much traffic goes where."""

    url: str
    rate: float
    heartbeat: Path | None


class Traffic:
    """Sends requests and remembers whether anybody answers."""

    def __init__(self, options: Options, client: httpx2.AsyncClient) -> None:
        self._options = options
        self._client = client
        self._failures = 0
        self._reachable: bool | None = None
        self._analyses: list[str] = []
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def pause_seconds(self) -> float:
        """How long to wait before the next request: doubles with each failure, up to a few seconds."""
        steady = 1 / self._options.rate
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
        """Send one request, chosen at random, and note whether it was answered."""
        method, path, arguments = self._choose()
        try:
            response = await self._client.request(
                method, path, headers={"X-Request-ID": f"traffic-{uuid_utils.uuid7()}"}, **arguments
            )
            if path == "/analyze" and response.is_success:
                self._analyses = [*self._analyses[-9:], response.json()["id"]]
        except (httpx2.HTTPError, ValueError, KeyError) as error:
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

    def _choose(self) -> tuple[str, str, dict[str, Any]]:
        dice = random.random()
        if dice < 0.60:
            # Few items are asked for often, most seldom: real demand, and what makes a cache pay.
            item = min(int(random.paretovariate(0.8)), len(catalogue.ITEMS))
            return "GET", f"/items/{item}", {}
        if dice < 0.80:
            return "GET", "/search", {"params": {"q": random.choice(_QUERIES)}}
        if dice < 0.92:
            return "POST", "/analyze", {"json": {"text": " ".join(random.choices(_SENTENCES, k=8))}}
        if dice < 0.97 and self._analyses:
            return "GET", f"/analyses/{random.choice(self._analyses)}", {}
        return "GET", f"/items/{len(catalogue.ITEMS) + 1}", {}


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


def main() -> int:
    """Read the environment and send traffic; return the exit code."""
    heartbeat = os.environ.get("TRAFFIC_HEARTBEAT_FILE")
    try:
        rate = float(os.environ.get("TRAFFIC_RATE") or 5)
    except ValueError:
        rate = 0
    if not 0 < rate <= 200:
        print("TRAFFIC_RATE must be requests per second, above 0 and at most 200", file=sys.stderr)
        return 2
    options = Options(
        url=os.environ.get("TRAFFIC_URL") or "http://api:8000",
        rate=rate,
        heartbeat=Path(heartbeat) if heartbeat else None,
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
