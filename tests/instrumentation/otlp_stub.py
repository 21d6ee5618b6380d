"""A receiver of OTLP over HTTP, such as the collector or a store of traces: keeps the spans that it is sent."""

import gzip
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Received:
    """One span as it arrived."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: int
    status: int
    attributes: dict[str, Any]
    resource: dict[str, Any]
    events: list[dict[str, Any]]


class OtlpStub:
    """Answers /v1/traces with `status` and remembers."""

    def __init__(self) -> None:
        self.status = 200
        self.delay = 0.0
        self.bodies: list[bytes] = []
        self._server: ThreadingHTTPServer | None = None
        self.port = 0

    def __enter__(self) -> Self:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                time.sleep(stub.delay)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                packed = self.headers.get("Content-Encoding") == "gzip"
                if stub.status == 200 and self.path == "/v1/traces":
                    stub.bodies.append(gzip.decompress(body) if packed else body)
                self.send_response(stub.status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: the tests ask for what arrived."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    @property
    def endpoint(self) -> str:
        """What an app is stated."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def spans(self) -> list[Received]:
        """All that arrived."""
        return [span for body in list(self.bodies) for span in _spans(body)]


def _spans(body: bytes) -> list[Received]:
    found = []
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _attributes(group.resource.attributes)
        for span in (each for scope in group.scope_spans for each in scope.spans):
            ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
            events = [{"name": event.name, **_attributes(event.attributes)} for event in span.events]
            stated = (_attributes(span.attributes), resource, events)
            found.append(Received(span.name, *ids, span.kind, span.status.code, *stated))
    return found


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return getattr(value, kind) if kind else None
