"""Log lines by the hundred thousand: written as containers write them, or put into Loki as a history; and counted.

Every line is distinguished by its number, so that what is missing and what is there twice can be said.
"""

import json
import os
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import requests

from tests.support.waiting import until
from tests.tools.log_lab import ContainerLog, Lab, docker

SECOND: Final = 10**9
# As dockerd rotates, by compose.yaml.
ROTATED_BYTES: Final = 10 * 2**20
_TICKS: Final = 10
_ROUTES: Final = ("/orders", "/orders/{order_id}", "/search", "/analyses", "/payments", "/login")
_PUSHED_AT_ONCE: Final = 5000


def uuid7(at: int) -> str:
    """A request id that was made at a time, in ns."""
    value = (at // 10**6) << 80 | 0x7 << 76 | random.getrandbits(12) << 64 | 0b10 << 62 | random.getrandbits(62)
    return str(uuid.UUID(int=value))


def access_line(number: int, at: int, request_id: str = "") -> str:
    """What an instrumented app writes of a request, 420 bytes."""
    seconds, nanos = divmod(at, SECOND)
    fields = {
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanos // 1000:06}Z",
        "level": "error" if number % 97 == 0 else "info",
        "logger": "access",
        "message": "request",
        "request_id": request_id or uuid7(at),
        "user_id": f"{number % 5000:016x}",
        "tenant": f"tenant-{number % 40}",
        "method": "GET",
        "route": _ROUTES[number % len(_ROUTES)],
        "status": 500 if number % 97 == 0 else 200,
        "duration_ms": round(number % 800 / 3.7, 2),
        "client": f"10.0.{number % 250}.{number % 99}",
        "agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
        "seq": number,
    }
    return json.dumps(fields, separators=(",", ":"))


@dataclass
class Writer:
    """Writes numbered lines of one service as a container would, with rotation."""

    log: ContainerLog
    written: int = 0
    _since_rotation: int = field(default=0)

    def write(self, amount: int) -> None:
        """That many more lines."""
        lines = [access_line(self.written + number, time.time_ns()) for number in range(amount)]
        self.log.write(*lines)
        self.written += amount
        self._since_rotation += sum(map(len, lines)) * 3 // 2
        if self._since_rotation > ROTATED_BYTES:
            self.log.rotate(keep=500)
            self._since_rotation = 0

    def at_rate(self, a_minute: int, seconds: float, meanwhile: Callable[[float], None] = lambda _: None) -> float:
        """Lines evenly for a time; `meanwhile` is called with the seconds so far. The seconds that it took."""
        began, start = time.monotonic(), self.written
        total = int(a_minute / 60 * seconds)
        while (done := self.written - start) < total:
            elapsed = time.monotonic() - began
            meanwhile(elapsed)
            due = min(total, int(a_minute / 60 * (elapsed + 1 / _TICKS)))
            self.write(due - done)
            time.sleep(max(0.0, 1 / _TICKS - (time.monotonic() - began - elapsed)))
        return time.monotonic() - began


def stored_numbers(lab: Lab, service: str, since: int) -> Counter[int]:
    """How often each number is in Loki, read in pages: no query gives more than 10,000 lines."""
    seen: Counter[int] = Counter()
    start, end = since, time.time_ns() + SECOND
    url = lab.url("loki", 3100, "/loki/api/v1/query_range")
    query = {"query": f'{{service_name="{service}"}}', "direction": "forward", "limit": "5000"}
    while True:
        answer = requests.get(url, params={**query, "start": str(start), "end": str(end)}, timeout=60)
        assert answer.ok, answer.text
        values = [value for stream in answer.json()["data"]["result"] for value in stream["values"]]
        for _, line in values:
            seen[json.loads(line)["seq"]] += 1
        if not values:
            return seen
        # One container writes each line at a nanosecond of its own.
        start = max(int(at) for at, _ in values) + 1


def counted(lab: Lab, service: str, minutes: int) -> int:
    """How many lines Loki says there are."""
    query = f'sum(count_over_time({{service_name="{service}"}}[{minutes}m]))'
    answer = requests.get(lab.url("loki", 3100, "/loki/api/v1/query"), params={"query": query}, timeout=60)
    assert answer.ok, answer.text
    result = answer.json()["data"]["result"]
    return int(result[0]["value"][1]) if result else 0


def cpu_seconds(lab: Lab, part: str) -> float:
    """What a part has used since its start."""
    pid = docker("inspect", "-f", "{{.State.Pid}}", lab.containers[part])
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:  # noqa: PTH123
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory(lab: Lab, part: str) -> int:
    """The most that a part's process had in memory, in MiB."""
    pid = docker("inspect", "-f", "{{.State.Pid}}", lab.containers[part])
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:  # noqa: PTH123
        (kilobytes,) = (line.split()[1] for line in file if line.startswith("VmHWM"))
    return int(kilobytes) // 1024


# --- history ------------------------------------------------------------------------------------------------


def push_history(lab: Lab, lines: Iterator[tuple[str, int, str]]) -> int:
    """Put (service, ns, line) into Loki with the fields that the collector would set; the number of lines."""
    total = 0
    batch: dict[str, list[list[Any]]] = {}
    for service, at, line in lines:
        data = json.loads(line)
        beside = {name: str(data[name]) for name in ("request_id", "user_id", "tenant", "route", "status")}
        beside["detected_level"] = data["level"]
        batch.setdefault(service, []).append([str(at), line, beside])
        total += 1
        if total % _PUSHED_AT_ONCE == 0:
            _push(lab, batch)
        # A month is written within minutes: in its own time most of it would have left the memory long ago.
        if total % (_PUSHED_AT_ONCE * 8) == 0:
            requests.post(lab.url("loki", 3100, "/flush"), timeout=120)
    _push(lab, batch)
    return total


def _push(lab: Lab, batch: dict[str, list[list[Any]]]) -> None:
    labels = {"environment": "production", "host_name": "server"}
    streams: list[dict[str, Any]] = [
        {"stream": {"service_name": name} | labels, "values": values} for name, values in batch.items()
    ]
    url = lab.url("loki", 3100, "/loki/api/v1/push")

    def taken() -> bool:
        answer = requests.post(url, json={"streams": streams}, timeout=60)
        # Too much at once is not too much a little later.
        assert answer.status_code < 500, answer.text
        if answer.status_code != 204:
            raise ValueError(answer.text)
        return True

    if streams:
        until(taken, "Loki takes the history", 60, every=5)
    batch.clear()
