"""The bridge's HTTP side: reports come in at a path that only Bugsink knows; /metrics and /healthz are for everybody.

What comes in is limited in size and time, is never echoed and never logged: a report holds people's data.
"""

import hmac
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from .alerts import Unknown, alert_of
from .delivery import Delivery
from .outgoing import NoAnswer, status_of

MAX_BODY: Final = 64 * 1024
_PROBE_TIMEOUT: Final = 2.0
_HELP: Final[Mapping[str, str]] = {
    "bridge_reports_total": "Reports from Bugsink by result.",
    "bridge_deliveries_total": "Attempts to hand an alert to Alertmanager by their result.",
}


class Bridge:
    """What all requests share: the token, the projects, the way to Alertmanager, and the counts."""

    def __init__(
        self, token: str, projects: Callable[[], Mapping[str, Any]], delivery: Delivery, up: Callable[[], bool]
    ) -> None:
        if not token:
            raise ValueError("without a token anybody could raise alerts")
        self._path = f"/{token}".encode()
        self._projects, self.delivery, self._up = projects, delivery, up
        self.reports: Counter[str] = Counter(accepted=0, unknown=0, refused=0, overflow=0)

    def opens(self, path: str) -> bool:
        """Whether the request has the right path; in constant time."""
        return hmac.compare_digest(path.encode(), self._path)

    def take(self, body: bytes) -> int:
        """What a report is answered with."""
        try:
            alert = alert_of(json.loads(body), self._projects())
        except ValueError:
            return self._count("refused", 400)
        except Unknown:
            # A test message, or a project that was made by hand.
            return self._count("unknown", 202)
        if not self.delivery.put(alert):
            return self._count("overflow", 503)
        _log("an error became an alert", alert["labels"])
        return self._count("accepted", 202)

    def refuse(self, status: int) -> int:
        """Count what is not even read."""
        return self._count("refused", status)

    def metrics(self) -> str:
        """In Prometheus' text format."""
        lines: list[str] = []
        counters = {"bridge_reports_total": self.reports, "bridge_deliveries_total": self.delivery.results}
        for name, counts in counters.items():
            lines += [f"# HELP {name} {_HELP[name]}", f"# TYPE {name} counter"]
            lines += [f'{name}{{result="{result}"}} {count}' for result, count in sorted(counts.items())]
        lines += _gauge("bridge_queue_length", "Alerts that wait for Alertmanager.", self.delivery.waiting)
        lines += _gauge("bugsink_up", "1 when Bugsink answers.", int(self._up()))
        return "\n".join(lines) + "\n"

    def _count(self, result: str, status: int) -> int:
        self.reports[result] += 1
        return status


def _gauge(name: str, text: str, value: int) -> Iterator[str]:
    yield from (f"# HELP {name} {text}", f"# TYPE {name} gauge", f"{name} {value}")


def _log(message: str, labels: Mapping[str, str]) -> None:
    """One JSON line, of labels alone."""
    line = {"timestamp": datetime.now(UTC).isoformat(), "level": "info", "message": message, **labels}
    print(json.dumps({**line, "service": "bugsink-bridge", "about": labels["service"]}), file=sys.stdout, flush=True)


def prober(url: str) -> Callable[[], bool]:
    """Asks whether Bugsink answers."""

    def up() -> bool:
        try:
            return status_of(url, _PROBE_TIMEOUT) == 200
        except NoAnswer:
            return False

    return up


def handler(bridge: Bridge) -> type[BaseHTTPRequestHandler]:
    """The handler class of one bridge."""

    class Handler(BaseHTTPRequestHandler):
        """Three addresses, and nothing for anybody else."""

        timeout = 5
        server_version, sys_version = "bridge", ""

        def do_GET(self) -> None:
            """Metrics and health."""
            if self.path == "/metrics":
                self._answer(200, bridge.metrics())
            elif self.path == "/healthz":
                self._answer(200 if bridge.delivery.alive else 503)
            else:
                self._answer(404)

        def do_POST(self) -> None:
            """A report."""
            length = self.headers.get("Content-Length", "")
            if not bridge.opens(self.path):
                self._answer(bridge.refuse(404))
            elif not length.isdecimal():
                self._answer(bridge.refuse(411))
            elif int(length) > MAX_BODY:
                self._answer(bridge.refuse(413))
            else:
                self._answer(bridge.take(self.rfile.read(int(length))))

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the path is a secret."""

        def _answer(self, status: int, text: str = "") -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

    return Handler


class Server(ThreadingHTTPServer):
    """A thread a request; none of them keeps the process alive."""

    daemon_threads = True
