"""A bot that asks a Telegram-like API for updates: it has no framework, and exports metrics like any app."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

import pytest
import structlog
from lookout_instrumentation import context
from lookout_instrumentation.logs import Logging
from lookout_instrumentation.process import Process, init

from tests.instrumentation.apps import AUTHORIZED, settings_in

BOT = "123456:AAHsecretsecretsecretsecretsecretse"


class Telegram(BaseHTTPRequestHandler):
    """getUpdates hands out what is in `updates`, sendMessage takes everything but what `refuses`."""

    updates: ClassVar[list[dict[str, Any]]]
    sent: ClassVar[list[dict[str, Any]]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        if self.path.endswith("/getUpdates"):
            waiting, self.updates[:] = list(self.updates), []
            self._answer(200, {"ok": True, "result": waiting})
        elif body["text"] == "too many":
            self._answer(429, {"ok": False})
        else:
            self.sent.append(body)
            self._answer(200, {"ok": True})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


class Bot:
    """Answers each message with itself, and breaks on `break`."""

    def __init__(self, process: Process, api: str) -> None:
        self._process = process
        self._api = f"{api}/bot{BOT}"
        self._lookout = process.lookout

    def run_once(self) -> None:
        """Ask for updates and work on each; one that fails does not end the bot."""
        for update in self._call("getUpdates", {})["result"]:
            try:
                with self._process.working("telegram"):
                    self._handle(update)
            except ValueError:
                continue

    def _handle(self, update: dict[str, Any]) -> None:
        context.bind(user=update["from"], action="message")
        structlog.get_logger("bot").info("message", url=f"{self._api}/sendMessage")
        if update["text"] == "break":
            raise ValueError("cannot answer")
        try:
            with self._lookout.messages.sending("telegram"):
                self._call("sendMessage", {"chat_id": update["from"], "text": update["text"]})
        except OSError:
            structlog.get_logger("bot").warning("not sent")

    def _call(self, method: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(f"{self._api}/{method}", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())


@pytest.fixture
def telegram() -> Iterator[tuple[str, type[Telegram]]]:
    class Stub(Telegram):
        updates: ClassVar[list[dict[str, Any]]] = []
        sent: ClassVar[list[dict[str, Any]]] = []

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", Stub
    server.shutdown()
    server.server_close()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    process = init(
        {"telegram": lambda: None},
        settings=settings_in(tmp_path, metrics_host="127.0.0.1", metrics_port=0),
        logging=False,
    )
    yield process
    process.close()


def ask(process: Process, path: str) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{process.port}{path}", headers=AUTHORIZED)
    with urllib.request.urlopen(request, timeout=60) as answer:
        text: str = answer.read().decode()
        return text


def test_a_bot_is_counted_logged_and_asked_like_any_app(process: Process, telegram: tuple[str, type[Telegram]]) -> None:
    api, stub = telegram
    stub.updates += [{"from": 7, "text": text} for text in ("hello", "break", "too many", "bye")]
    stream = StringIO()
    logs = Logging(process.lookout.settings, process.lookout.metrics, stream)
    logs.start()
    Bot(process, api).run_once()
    logs.stop()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]

    assert [message["text"] for message in stub.sent] == ["hello", "bye"]
    metrics = ask(process, "/metrics").splitlines()
    assert 'webhooks_total{result="processed",source="telegram"} 3.0' in metrics
    assert 'webhooks_total{result="failed",source="telegram"} 1.0' in metrics
    assert 'messages_total{channel="telegram",result="sent"} 2.0' in metrics
    assert 'messages_total{channel="telegram",result="failed"} 1.0' in metrics
    assert json.loads(ask(process, "/ready"))["checks"]["telegram"]["status"] == "up"

    works = [line for line in lines if line["logger"] in ("lookout.work", "lookout.error")]
    assert [line["message"] for line in works] == ["worked", "unhandled exception", "worked", "worked"]
    assert works[1]["error_type"] == "ValueError"
    assert len({line["request_id"] for line in works}) == 4, "each update has an id of its own"
    for line in works:
        own = [each for each in lines if each["request_id"] == line["request_id"]]
        assert own[0]["logger"] == "bot" and len({each["user_id"] for each in own}) == 1
    assert BOT not in stream.getvalue() and '"7"' not in stream.getvalue()


def test_what_a_client_did_wrong_is_rejected_and_no_fault(process: Process) -> None:
    class Refused(Exception):
        status_code = 403

    with pytest.raises(Refused), process.working("queue", "given-1"):
        raise Refused
    assert 'webhooks_total{result="rejected",source="queue"} 1.0' in ask(process, "/metrics").splitlines()
