"""The real Caddy with a rendered Caddyfile, on loopback ports, before parts that say what reached them.

Owns how a Caddyfile is loaded into it and how a request is sent byte for byte: no client may tidy up a path here. Of
what was rendered only addresses are changed: where Caddy listens, where a part is, where files are.
"""

import http.client
import json
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import bcrypt

from generator.conventions import SECRETS_MOUNT, WEB_HASH
from tests.support.servers import free_port
from tests.support.tools import tool
from tests.support.waiting import until

PASSWORD: Final = "open sesame"
_UPSTREAM: Final = re.compile(r"^(\t+reverse_proxy )([a-z-]+):([0-9]+)", re.MULTILINE)
_LISTENER: Final = re.compile(r"^(https?://[^\n:]*):(\d+) \{$", re.MULTILINE)
# The endpoints of a rendered file, and those of Caddy's own ports.
HTTP, HTTPS = 80, 443


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it goes over the wire: to the endpoint at a rendered port, under a name, with headers.

    In a header, {port} is where the lab listens. `size` is that of the body, in bytes: not over
    TLS, where one thread cannot read while another one writes.
    """

    port: int
    host: str
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    server_name: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Response:
    """`seen` is what the part that was reached says of the request: part, method, path, and headers that matter."""

    status: int
    headers: Mapping[str, str]
    seen: str = ""
    body: str = ""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Caddy ends a connection when a body is too large."""


class _Part(BaseHTTPRequestHandler):
    """Answers every request with what arrived."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer
    part = ""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        reported = [name for name in ("Authorization", "X-Real-IP") if self.headers.get(name)]
        body = json.dumps(" ".join([self.part, self.command, self.path, *reported])).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Server", "part")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _answer

    def log_message(self, *_: Any) -> None:
        """Nothing: answers are read, not logs."""


@dataclass
class CaddyLab:
    """A running Caddy, its folder, and the ports that stand for those of the rendered file."""

    folder: Path
    ports: dict[int, int] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)
    servers: list[_Server] = field(default_factory=list)

    def port(self, rendered: int) -> int:
        """The port on which the lab listens in place of a rendered one."""
        if rendered not in self.ports:
            self.ports[rendered] = free_port()
        return self.ports[rendered]

    def part(self, name: str) -> int:
        """The port of a part, which is started when it is first asked for."""
        if name not in self.parts:
            handler = type(f"Part{len(self.parts)}", (_Part,), {"part": name})
            server = _Server(("127.0.0.1", 0), handler)
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            self.servers.append(server)
            self.parts[name] = server.server_address[1]
        return self.parts[name]

    def moved(self, text: str) -> str:
        """The Caddyfile with addresses of this lab."""
        text = _UPSTREAM.sub(lambda found: f"{found[1]}127.0.0.1:{self.part(found[2])}", text)
        text = _LISTENER.sub(lambda found: f"{found[1]}:{self.port(int(found[2]))} {{", text)
        text = text.replace("unix//tmp/admin.sock", f"unix/{self.folder}/admin.sock")
        text = text.replace(SECRETS_MOUNT, str(self.folder)).replace("/srv", str(self.folder / "srv"))
        own = f"\thttp_port {self.port(HTTP)}\n\thttps_port {self.port(HTTPS)}\n\tskip_install_trust\n\tlocal_certs\n"
        return text.replace("{\n", f"{{\n{own}", 1)

    def load(self, text: str) -> str:
        """Load a rendered Caddyfile in place of the one before; what Caddy has against it, nothing when it took it."""
        connection = _UnixConnection(str(self.folder / "admin.sock"))
        try:
            connection.request("POST", "/load", self.moved(text).encode(), {"Content-Type": "text/caddyfile"})
            answer = connection.getresponse()
            body = answer.read().decode()
        finally:
            connection.close()
        return "" if answer.status == 200 else body

    def send(self, request: Request) -> Response:
        """Send a request as it is written. Status 0: no connection, or one that is cut."""
        try:
            with self._connected(request) as sock:
                return _exchange(sock, request, self.port(request.port))
        except (ssl.SSLError, ConnectionError):
            return Response(0, {})

    @contextmanager
    def _connected(self, request: Request) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port(request.port)), timeout=60) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if request.port != HTTPS:
                yield plain
                return
            with _TLS.wrap_socket(plain, server_hostname=request.server_name or request.host) as encrypted:
                yield encrypted


def _send_zeros(sock: socket.socket, size: int) -> None:
    with suppress(OSError):
        sock.sendall(bytes(size))


def _exchange(sock: socket.socket, request: Request, port: int) -> Response:
    host = request.host if request.port in (HTTP, HTTPS) else f"{request.host}:{port}"
    lines = [f"{request.method} {request.path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"{name}: {value.format(port=port)}" for name, value in request.headers.items()]
    lines += [] if request.method in ("GET", "HEAD") else [f"Content-Length: {request.size}"]
    sock.sendall("\r\n".join([*lines, "", ""]).encode())
    # A body that is too large is refused before all of it was sent, and the connection is cut soon after.
    sender = threading.Thread(target=_send_zeros, args=(sock, request.size))
    if request.size:
        sender.start()
    answer = http.client.HTTPResponse(sock, method=request.method)
    answer.begin()
    body = answer.read()
    if request.size:
        sender.join()
    seen = json.loads(body) if body.startswith(b'"') else ""
    return Response(answer.status, dict(answer.getheaders()), seen, body.decode())


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self._path)


def _context() -> ssl.SSLContext:
    """Whose certificate it is is not the question here, and Caddy's own authority is no one's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


_TLS: Final = _context()


@contextmanager
def caddy_lab(folder: Path) -> Iterator[CaddyLab]:
    """A running Caddy that has nothing loaded yet."""
    lab = CaddyLab(folder)
    (folder / WEB_HASH).write_text(bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode())
    empty = folder / "empty"
    empty.write_text(f"{{\n\tadmin unix/{folder}/admin.sock\n\tpersist_config off\n}}\n")
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    command = [str(tool("caddy")), "run", "--config", str(empty), "--adapter", "caddyfile"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd="/", env=home, stdout=log, stderr=subprocess.STDOUT)
    try:
        until(lambda: (folder / "admin.sock").exists() or process.poll() is not None, "Caddy's admin endpoint")
        assert process.poll() is None, (folder / "log").read_text()
        yield lab
    finally:
        process.terminate()
        process.wait(timeout=10)
        for server in lab.servers:
            server.shutdown()
            server.server_close()
