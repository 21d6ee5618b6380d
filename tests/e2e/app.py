"""Someone's own app, as small as can be: /metrics behind a bearer token, one JSON log line a request.

Run as a program on three roads: in another compose project, as a process on the host, and behind TLS under a public
name. The standard library alone, so that any Python image runs it.
"""

import argparse
import hmac
import http.server
import json
import ssl
import sys
import time
import uuid
from pathlib import Path

METRICS = """\
# HELP http_requests_total Requests by method, handler and status.
# TYPE http_requests_total counter
http_requests_total{{method="GET",handler="/",status="200"}} {count}
http_requests_total{{method="GET",handler="/",status="500"}} 0
# HELP http_request_duration_seconds Duration of requests.
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{{method="GET",handler="/",le="0.1"}} {count}
http_request_duration_seconds_bucket{{method="GET",handler="/",le="0.5"}} {count}
http_request_duration_seconds_bucket{{method="GET",handler="/",le="+Inf"}} {count}
http_request_duration_seconds_sum{{method="GET",handler="/"}} {seconds}
http_request_duration_seconds_count{{method="GET",handler="/"}} {count}
"""


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers / and /metrics; counts and logs what it answers."""

    token = ""
    count = 0

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "")
        if self.path == "/metrics" and not hmac.compare_digest(given, f"Bearer {self.token}"):
            self._answer(401, "no")
            return
        Handler.count += 1
        text = METRICS.format(count=Handler.count, seconds=Handler.count * 0.01) if self.path == "/metrics" else "ok\n"
        self._answer(200, text)

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        line = {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "level": "info",
            "message": "request",
            "request_id": str(uuid.uuid4()),
            "route": self.path,
        }
        print(json.dumps(line), flush=True)


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token-file", type=Path, required=True)
    parser.add_argument("--certificate", type=Path)
    options = parser.parse_args()
    Handler.token = options.token_file.read_text().strip()
    server = http.server.ThreadingHTTPServer((options.host, options.port), Handler)
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(f"listening on {options.port}", file=sys.stderr, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
