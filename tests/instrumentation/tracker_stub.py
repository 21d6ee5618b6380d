"""An error tracker as the SDK sees one: it answers the envelope endpoint, as it is stated to, and keeps what it
took."""

import gzip
import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class TrackerStub:
    """A tracker on a port of its own; `stop` and `start` are an outage."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: Mapping[str, str] = {}
        self.bodies: list[bytes] = []
        self.refused = 0
        self._port = 0
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    @property
    def dsn(self) -> str:
        """Where an app reports to."""
        return f"http://publickey@127.0.0.1:{self._port}/1"

    @property
    def events(self) -> list[dict[str, Any]]:
        """What arrived, each report as the SDK made it."""
        return [json.loads(body.split(b"\n")[2]) for body in list(self.bodies)]

    def start(self) -> None:
        """Answer, on the same port as before."""
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                stub.take(gzip.decompress(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(stub.status)
                for name, value in stub.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: the tests ask for what arrived."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def take(self, body: bytes) -> None:
        """One report, kept when it is answered with 2xx."""
        if self.status < 300:
            self.bodies.append(body)
        else:
            self.refused += 1

    def stop(self) -> None:
        """Be away: connections are refused."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
