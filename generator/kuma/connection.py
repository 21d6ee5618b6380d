"""A Socket.IO connection to Uptime Kuma: calls that are answered, and the lists that it pushes.

Owns the traps of the wire (seen on 2.0.0-dev.0 and 2.5.3) and knows no event of the application:
- A call that arrives before the server has registered its handlers is lost without an answer: wait for the
  first `info`, and let the first call be one that may be asked again.
- The library handles every push in a thread of its own, so the order of pushes means nothing.
- An error's text may quote an SQL statement, values included: every secret that was sent is cut out of it.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

import requests
import socketio  # type: ignore[import-untyped]
from pydantic import SecretStr

from generator.clients import http
from generator.clients.http import Server
from generator.kuma.errors import KumaError, NoAnswer

CALL_SECONDS: Final = 30.0
_CONNECT_SECONDS: Final = 5
_LISTS: Final = ("monitorList", "notificationList", "apiKeyList", "statusPageList")
_SHOWN: Final = 200
# "insert into `monitor` (…) values (…) - SQLITE_CONSTRAINT: …": only the end is worth reading.
_STATEMENT: Final = re.compile(r"^(?:insert|update|delete|select)\b.* - (?=\w+:)", re.IGNORECASE | re.DOTALL)


class Connection:
    """One connection, a context manager. `lists` holds the newest content of every list that was pushed."""

    def __init__(self, url: str, *, startup_timeout: float = 0.0, call_seconds: float = CALL_SECONDS) -> None:
        """`startup_timeout`: for how many seconds a starting server is tried again."""
        self.url = url.rstrip("/")
        self.version = ""
        self.lists: dict[str, Any] = {}
        self.news = threading.Condition()
        self.pushes: dict[str, int] = {}
        self._startup_timeout, self._call_seconds = startup_timeout, call_seconds
        self._secrets: set[str] = set()
        self._greeted = False
        self._sio = socketio.Client(reconnection=False, logger=False, engineio_logger=False,
                                    websocket_extra_options={"redirect_limit": 0})  # fmt: skip
        self._sio.on("info", self._on_info)
        for name in _LISTS:
            self._sio.on(name, self._list_handler(name))
        self._sio.on("updateMonitorIntoList", self._on_monitors_changed)
        self._sio.on("deleteMonitorFromList", self._on_monitor_deleted)

    def __enter__(self) -> Self:
        deadline = time.monotonic() + self._startup_timeout
        while not self._connected():
            if time.monotonic() >= deadline:
                raise NoAnswer(f"Uptime Kuma does not answer at {self.url}", "is it running? `make status` shows it")
            time.sleep(0.5)
        try:
            self.wait_for(lambda: self._greeted, "its first message")
        except NoAnswer:
            self._sio.disconnect()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sio.disconnect()

    def _connected(self) -> bool:
        try:
            self._sio.connect(self.url, transports=["websocket"], wait_timeout=_CONNECT_SECONDS)
        except socketio.exceptions.ConnectionError:
            return False
        return True

    def ask(self, event: str, *arguments: Any, timeout: float | None = None) -> Any:
        """Emit and return the answer, whatever it is."""
        try:
            return self._sio.call(event, arguments or None, timeout=timeout or self._call_seconds)
        except socketio.exceptions.TimeoutError:
            raise NoAnswer(f"Uptime Kuma did not answer {event} in time", "look at its log") from None
        except socketio.exceptions.SocketIOError:
            raise NoAnswer(f"the connection to Uptime Kuma broke at {event}", "look at its log") from None

    def call(self, event: str, *arguments: Any) -> dict[str, Any]:
        """Emit, wait for the answer, and insist that it says ok."""
        reply = self.ask(event, *arguments)
        if isinstance(reply, dict) and reply.get("ok"):
            return reply
        said = reply.get("msg") if isinstance(reply, dict) else reply
        raise KumaError(f"Uptime Kuma refused {event}: {self._redact(str(said))}")

    def get(self, path: str, auth: tuple[str, str] | None = None) -> requests.Response:
        """A plain HTTP GET of the same server."""
        try:
            return Server("Uptime Kuma", self.url).get(path, timeout=self._call_seconds, login=auth)
        except http.NoAnswer as error:
            raise NoAnswer(error.message, "look at its log") from None

    def wait_for(self, ready: Callable[[], bool], what: str) -> None:
        """Block until the pushes have made `ready` true."""
        with self.news:
            if not self.news.wait_for(ready, timeout=self._call_seconds):
                raise NoAnswer(f"Uptime Kuma at {self.url} did not send {what}", "look at its log")

    def wait_for_lists(self) -> None:
        """Block until every list has been pushed once, which a login makes the server do."""
        self.wait_for(lambda: all(name in self.lists for name in _LISTS), "its lists")

    def uncover(self, secret: SecretStr) -> str:
        """The secret's text, for sending; from now on it is cut out of what the server says."""
        value = secret.get_secret_value()
        self._secrets |= {value, json.dumps(value)[1:-1]}
        return value

    def _redact(self, text: str) -> str:
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        text = _STATEMENT.sub("", text)
        first_line = (text.splitlines() or ["no reason given"])[0]
        return first_line if len(first_line) <= _SHOWN else first_line[:_SHOWN] + "…"

    # Pushes: each of these runs in a thread of the library.

    def _on_info(self, info: Mapping[str, Any]) -> None:
        """Sent twice: on connection without, after login with the version."""
        with self.news:
            self._greeted = True
            self.version = str(info.get("version") or self.version)
            self.news.notify_all()

    def _list_handler(self, name: str) -> Callable[[Any], None]:
        def keep(content: Any) -> None:
            with self.news:
                self.lists[name] = content
                self.pushes[name] = self.pushes.get(name, 0) + 1
                self.news.notify_all()

        return keep

    def _on_monitors_changed(self, changed: Mapping[str, Any]) -> None:
        """2.x: only what changed, by id."""
        with self.news:
            self.lists.setdefault("monitorList", {}).update(changed)

    def _on_monitor_deleted(self, monitor_id: int) -> None:
        with self.news:
            self.lists.get("monitorList", {}).pop(str(monitor_id), None)
