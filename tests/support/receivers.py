"""One small server that stands in for Slack, Telegram and a dead man's switch, and remembers what it was sent.

In a test: `with Receivers() as receivers: …`. In a container on the stack's network:
`python -m tests.support.receivers --port 8080 --log messages.jsonl`.

    POST /services/T…/B…/…           Slack's incoming webhook
    POST /bot<token>/sendMessage     Telegram's Bot API
    POST or GET /ping/<anything>     a dead man's switch
    GET  /messages[?to=slack]        what arrived, oldest first, as JSON
    DELETE /messages                 forget it
    POST /fail {"to", "status", "times"}   answer the next requests with an error
"""

import argparse
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal
from urllib.parse import parse_qs, urlsplit

from tests.support import slack_stub, telegram_stub
from tests.support.answer import Answer, json_answer

To = Literal["slack", "telegram", "ping"]
_DEFAULT_WAIT: Final = 30.0


@dataclass(frozen=True, slots=True)
class Message:
    """One request as it arrived. `status` is what it was answered with, `text` what people saw of it."""

    to: To
    at: float
    path: str
    status: int
    text: str
    payload: Any

    @property
    def delivered(self) -> bool:
        """Whether the sender got a success."""
        return self.status == 200


class Receivers:
    """The server. It binds to the loopback unless set otherwise, to a free port unless given one."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, log: Path | None = None) -> None:
        self._log = log
        self._changed = threading.Condition()
        self._messages: list[Message] = []
        self._failures: dict[To, list[int]] = defaultdict(list)
        self._server = ThreadingHTTPServer((host, port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> "Receivers":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def serve_forever(self) -> None:
        """Serve in this thread until interrupted."""
        self._server.serve_forever()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def messages(self, to: To | None = None, *, delivered: bool = True) -> list[Message]:
        """What arrived, oldest first; with `delivered`, only what was not answered with an error."""
        with self._changed:
            return [m for m in self._messages if to in (None, m.to) and (m.delivered or not delivered)]

    def wait_for(self, to: To, wanted: Callable[[Message], bool], timeout: float = _DEFAULT_WAIT) -> Message:
        """The first delivered message to `to` that is `wanted`, once it is there. Raises TimeoutError."""
        found: list[Message] = []

        def look() -> bool:
            found.extend(m for m in self._messages if m.to == to and m.delivered and wanted(m))
            return bool(found)

        with self._changed:
            if not self._changed.wait_for(look, timeout):
                texts = [f"{m.status} {m.text!r}" for m in self._messages if m.to == to]
                raise TimeoutError(f"no such message to {to} within {timeout:.0f} s; there were {texts}")
        return found[0]

    def fail(self, to: To, status: int, times: int = 1) -> None:
        """Answer the next `times` requests to `to` with an error."""
        with self._changed:
            self._failures[to] = [status] * times

    def clear(self) -> None:
        """Forget every message and every failure that is still to come."""
        with self._changed:
            self._messages.clear()
            self._failures.clear()

    def receive(self, to: To, path: str, body: bytes) -> Answer:
        """Answer one request and remember it."""
        with self._changed:
            planned = self._failures[to].pop() if self._failures[to] else 0
            answer = _refused(to, planned) if planned else _accepted(to, path, body)
            message = Message(to, time.time(), path, answer.status, answer.text, _payload(body))
            self._messages.append(message)
            if self._log:
                with self._log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(message), ensure_ascii=False) + "\n")
            self._changed.notify_all()
        return answer


def recipient(path: str) -> To | None:
    """Whose address `path` is."""
    for prefix, to in _PREFIXES.items():
        if path.startswith(prefix):
            return to
    return None


_PREFIXES: Final[Mapping[str, To]] = {"/services/": "slack", "/bot": "telegram", "/ping": "ping"}


def _accepted(to: To, path: str, body: bytes) -> Answer:
    if to == "slack":
        return slack_stub.answer(path, body)
    return telegram_stub.answer(path, body) if to == "telegram" else Answer(200, "OK")


def _refused(to: To, status: int) -> Answer:
    if to == "slack":
        return slack_stub.refusal(status)
    return telegram_stub.refusal(status) if to == "telegram" else Answer(status, "refused")


def _payload(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def _handler(receivers: Receivers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._respond()

        def do_POST(self) -> None:
            self._respond()

        def do_DELETE(self) -> None:
            self._respond()

        def _respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = urlsplit(self.path)
            to = recipient(url.path)
            if to and (self.command == "POST" or to == "ping"):
                answer = receivers.receive(to, url.path, body)
            else:
                answer = _control(receivers, self.command, url.path, url.query, body)
            content = answer.body.encode()
            self.send_response(answer.status)
            headers = {"Content-Type": answer.content_type, "Content-Length": str(len(content)), **answer.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: what arrived is read from the messages."""

    return Handler


def _control(receivers: Receivers, command: str, path: str, query: str, body: bytes) -> Answer:
    """The server's own pages."""
    if (command, path) == ("GET", "/messages"):
        to = next(iter(parse_qs(query).get("to", [])), None)
        every = receivers.messages(delivered=False)
        return json_answer(200, [asdict(message) for message in every if to in (None, message.to)])
    if (command, path) == ("DELETE", "/messages"):
        receivers.clear()
        return json_answer(200, {})
    if (command, path) == ("POST", "/fail"):
        order = json.loads(body)
        receivers.fail(order["to"], order["status"], order.get("times", 1))
        return json_answer(200, {})
    if (command, path) == ("GET", "/"):
        return Answer(200, "receivers")
    return Answer(404, "not found")


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description="Stand in for Slack, Telegram and a dead man's switch.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--log", type=Path, help="append every message to this file, one JSON object a line")
    options = parser.parse_args()
    Receivers(options.host, options.port, options.log).serve_forever()


if __name__ == "__main__":
    main()
