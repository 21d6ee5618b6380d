"""An HTTP server for the probes of a process that serves nothing else, such as a worker.

Owns the listening socket. It answers PROBES and nothing more, each in a thread of its own.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from lookout_instrumentation.http import bounded_method, log_access
from lookout_instrumentation.probes import CHECKED, PROBES, Probes, as_json
from lookout_instrumentation.settings import Settings

# A client that says nothing for so long is let go.
TIMEOUT_SECONDS: Final = 10.0
# Between two tries to listen on an address that is taken.
RETRY_SECONDS: Final = 5.0


class ProbeServer:
    """Answers probes from `start` to `stop`; `before_scrape` is called before each answer to /metrics.

    While the address cannot be listened on, as the process before this one still does, it is tried again and again;
    `report` gets one sentence about it.
    """

    def __init__(
        self, settings: Settings, probes: Probes, before_scrape: Callable[[], None], report: Callable[[str], None]
    ) -> None:
        class Handler(_Handler):
            owner = self

        self.probes = probes
        self.before_scrape = before_scrape
        self._handler = Handler
        self._address = (settings.metrics_host, settings.metrics_port)
        self._stopped = threading.Event()
        self._server: _Server | None = None
        try:
            self._server = _Server(self._address, Handler)
        except (OSError, OverflowError) as error:
            place = f"{settings.metrics_host}:{settings.metrics_port}"
            report(
                f"LOOKOUT_METRICS_PORT: {place} cannot be listened on: {getattr(error, 'strerror', error)}; "
                f"no probe is answered until it can, which is tried every {RETRY_SECONDS:g} s"
            )

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_address[1] if self._server else self._address[1])

    def start(self) -> None:
        """Answer from now on."""
        threading.Thread(target=self._run, name="lookout-probes", daemon=True).start()

    def _run(self) -> None:
        while self._server is None:
            if self._stopped.wait(RETRY_SECONDS):
                return
            with suppress(OSError, OverflowError):
                self._server = _Server(self._address, self._handler)
        if not self._stopped.is_set():
            self._server.serve_forever()

    def stop(self) -> None:
        """Answer no more."""
        self._stopped.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def let_go(self) -> None:
        """Close what a fork inherited, or the port would stay taken for as long as the child lives."""
        self._stopped.set()
        if self._server is not None:
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
