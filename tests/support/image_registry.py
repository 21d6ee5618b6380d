"""An image registry on the loopback: enough of the HTTP API v2 for `docker pull` to have one tiny image, or to be
refused in each of the ways in which registries refuse. The daemon takes one on 127.0.0.1 without TLS.
"""

import gzip
import hashlib
import io
import json
import platform
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

NAME: Final = "acme/tiny"
TAG: Final = "1"
_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a registry answers in place of a manifest: a status, a code of the API with its message, or a page."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


def refusal(status: int, code: str, message: str, **headers: str) -> Refusal:
    """One in the API's own words."""
    body = json.dumps({"errors": [{"code": code, "message": message}]})
    return Refusal(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


REFUSALS: Final[dict[str, Refusal]] = {
    "rate limit": refusal(429, "TOOMANYREQUESTS", "You have reached your pull rate limit."),
    "login": refusal(401, "UNAUTHORIZED", "authentication required", WWW_Authenticate='Basic realm="acme"'),
    "denied": refusal(403, "DENIED", "requested access to the resource is denied"),
    "unknown": refusal(404, "MANIFEST_UNKNOWN", "manifest unknown"),
    "broken": Refusal(500, "{}"),
    "page": Refusal(200, "<html>Sign in to the hotel's network</html>", {"Content-Type": "text/html"}),
}


@dataclass
class Registry:
    """A running one: where it is, how it behaves, and what it was asked."""

    port: int
    blobs: dict[str, tuple[str, bytes]]
    refusal: Refusal | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def reference(self) -> str:
        """The tiny image, as `docker pull` takes it."""
        return f"127.0.0.1:{self.port}/{NAME}:{TAG}"

    def answer(self, path: str) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body for a path."""
        self.asked.append(path)
        if path == "/v2/":
            return 200, {}, b"{}"
        if self.refusal:
            return self.refusal.status, self.refusal.headers, self.refusal.body.encode()
        kind, content = self.blobs.get(path.rpartition("/")[2], ("", b""))
        if not kind:
            return 404, {}, b'{"errors": [{"code": "NAME_UNKNOWN", "message": "name unknown"}]}'
        return 200, {"Content-Type": kind, "Docker-Content-Digest": _digest(content)}, content


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _tiny_image() -> dict[str, tuple[str, bytes]]:
    """The image's blobs by digest, its manifest by its tag too."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("hello")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"hello"))
    layer = gzip.compress(packed.getvalue(), mtime=0)
    machine = platform.machine()
    config = json.dumps({
        "architecture": _ARCHITECTURES.get(machine, machine), "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [_digest(packed.getvalue())]}, "history": [],
    }).encode()  # fmt: skip
    parts = {"image.rootfs.diff.tar.gzip": layer, "container.image.v1+json": config}
    described = {
        kind: {"mediaType": f"application/vnd.docker.{kind}", "size": len(part), "digest": _digest(part)}
        for kind, part in parts.items()
    }
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": _MANIFEST, "config": described["container.image.v1+json"],
        "layers": [described["image.rootfs.diff.tar.gzip"]],
    }).encode()  # fmt: skip
    blobs = {_digest(part): (f"application/vnd.docker.{kind}", part) for kind, part in parts.items()}
    return {**blobs, TAG: (_MANIFEST, manifest), _digest(manifest): (_MANIFEST, manifest)}


@contextmanager
def image_registry() -> Iterator[Registry]:
    """A registry that has the tiny image, until the end of the block."""
    running: list[Registry] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Silence: a test asks the registry itself."""

        def do_GET(self) -> None:
            status, headers, body = running[0].answer(self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running.append(Registry(server.server_address[1], _tiny_image()))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield running[0]
        finally:
            server.shutdown()
            thread.join()
