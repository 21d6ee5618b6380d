"""An HTTP server for the probes of a process that serves nothing else, such as a worker.

Owns the listening socket. It answers PROBES and nothing more, each in a thread of its own.
"""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from lookout_instrumentation.http import bounded_method, log_access
from lookout_instrumentation.probes import CHECKED, PROBES, Probes, as_json
from lookout_instrumentation.settings import Settings, SettingsError

# A client that says nothing for so long is let go.
TIMEOUT_SECONDS: Final = 10.0


class ProbeServer:
    """Answers probes from `start` to `stop`; `before_scrape` is called before each answer to /metrics."""

    def __init__(self, settings: Settings, probes: Probes, before_scrape: Callable[[], None]) -> None:
        """Raises SettingsError when the address cannot be listened on."""

        class Handler(_Handler):
            owner = self

        self.probes = probes
        self.before_scrape = before_scrape
        address = (settings.metrics_host, settings.metrics_port)
        try:
            self._server = _Server(address, Handler)
        except OSError as error:
            raise SettingsError(
                f"LOOKOUT_METRICS_PORT: {address[0]}:{address[1]} cannot be listened on: {error.strerror}"
            ) from error

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Answer from now on."""
        threading.Thread(target=self._server.serve_forever, name="lookout-probes", daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    def let_go(self) -> None:
        """Close what a fork inherited, or the port would stay taken for as long as the child lives."""
        self._server.socket.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    owner: ProbeServer
    timeout = TIMEOUT_SECONDS

    def do_GET(self) -> None:
        """Answer a probe."""
        self._answer()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what there is to say of a probe is said by `log_access`."""

    def _answer(self) -> None:
        began = time.perf_counter()
        path, probes = self.path.partition("?")[0], self.owner.probes
        if path not in PROBES:
            answer = as_json(404, {"detail": "only probes are answered here"})
        else:
            if path == "/metrics":
                self.owner.before_scrape()
            results = probes.health.results_now() if path in CHECKED else {}
            authorization = self.headers.get("Authorization", "")
            answer = probes.answer(self.command, path, authorization, self.client_address[0], results)
            log_access(bounded_method(self.command), path, answer.status, time.perf_counter() - began, probe=True)
        self.send_response(answer.status)
        for name, value in answer.headers():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
