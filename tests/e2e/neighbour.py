"""What a container on the apps' network tries of the stack, and what comes of it. It needs the standard library alone.

An outcome is `no name`, `closed`, `unreachable` or the status of an answer with the first of its body.
"""

import http.client
import json
import socket
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

SHUT: Final = ("no name", "closed", "unreachable")
SECONDS: Final = 2.0


class Attempt(NamedTuple):
    """One thing that is tried, and what `right` is for its outcome to begin with."""

    sentence: str
    host: str
    port: int
    request: str
    right: tuple[str, ...] = SHUT
    body: str = ""
    headers: Mapping[str, str] = {}


_OTLP: Final = '{"resourceMetrics": []}'
_RECORD: Final = {"severityText": "INFO", "body": {"stringValue": "from a neighbour"}}
LINE: Final = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [_RECORD]}]}]})
_SILENCE: Final = "{}"
# Everything that a part offers, on each of its addresses: the name that apps know, and those on `core`.
_PARTS: Final = (
    ("read a data store's metrics", "postgres-exporter-db", 9187, "GET /metrics", ""),
    ("reach another data store", "postgres-exporter-db", 9187, "GET /probe?target=prometheus.core:9090", ""),
    ("read a cache's metrics", "redis-exporter-cache", 9121, "GET /metrics", ""),
    ("reach another cache", "redis-exporter-cache", 9121, "GET /scrape?target=redis://db:5432", ""),
    ("read metrics", "prometheus", 9090, "GET /prometheus/api/v1/query?query=up", ""),
    ("write metrics by OTLP", "prometheus", 9090, "POST /prometheus/api/v1/otlp/v1/metrics", _OTLP),
    ("write metrics by remote write", "prometheus", 9090, "POST /prometheus/api/v1/write", "x"),
    ("remove series", "prometheus", 9090, "POST /prometheus/api/v1/admin/tsdb/delete_series?match[]=up", ""),
    ("stop Prometheus", "prometheus", 9090, "POST /prometheus/-/quit", ""),
    ("read logs", "loki", 3100, "GET /loki/api/v1/labels", ""),
    ("push logs past the collector", "loki", 3100, "POST /loki/api/v1/push", '{"streams": []}'),
    ("remove logs", "loki", 3100, 'POST /loki/api/v1/delete?query={a="b"}', ""),
    ("read alerts", "alertmanager", 9093, "GET /alertmanager/api/v2/alerts", ""),
    ("send an alert", "alertmanager", 9093, "POST /alertmanager/api/v2/alerts", "[]"),
    ("create a silence", "alertmanager", 9093, "POST /alertmanager/api/v2/silences", _SILENCE),
    (
        "ask others through the prober",
        "blackbox-exporter",
        9115,
        "GET /probe?module=http_2xx&target=http://loki:3100",
        "",
    ),
    ("read the prober's modules", "blackbox-exporter", 9115, "GET /config", ""),
    ("read the machine's metrics", "node-exporter", 9100, "GET /metrics", ""),
    ("see Uptime Kuma's login", "uptime-kuma", 3001, "GET /dashboard", ""),
    ("set up Uptime Kuma", "uptime-kuma", 3001, "GET /setup", ""),
    ("read Uptime Kuma's metrics", "uptime-kuma", 3001, "GET /metrics", ""),
    ("see Grafana", "grafana", 3000, "GET /grafana/api/health", ""),
    ("enter by Caddy", "caddy", 8080, "GET /prometheus/api/v1/query?query=up", ""),
    ("enter Uptime Kuma by Caddy", "caddy", 3001, "GET /", ""),
    ("read Caddy's metrics", "caddy", 2020, "GET /metrics", ""),
    ("change Caddy by its admin API", "caddy", 2019, "GET /config/", ""),
    ("read the collector's metrics", "collector", 8888, "GET /metrics", ""),
    ("read the collector's health", "collector", 13133, "GET /", ""),
    ("read the collector's pages", "collector", 55679, "GET /debug/tracez", ""),
    ("profile the collector", "collector", 1777, "GET /debug/pprof/", ""),
    ("push past the token by gRPC", "collector", 4317, "GET /", ""),
    ("list containers", "docker-proxy", 2375, "GET /containers/json", ""),
    ("send a report to the bridge", "bugsink-bridge", 8001, "POST /token", "{}"),
    ("read the bridge's metrics", "bugsink-bridge", 8001, "GET /metrics", ""),
)
# What listens where apps are, and asks who it is.
_ASKED: Final = (
    Attempt("push lines without a token", "collector", 4318, "POST /v1/logs", ("401",), LINE),
    Attempt(
        "push lines with a wrong token",
        "collector",
        4318,
        "POST /v1/logs",
        ("401",),
        LINE,
        {"Authorization": "Bearer x"},
    ),
    Attempt("push spans there", "collector", 4318, "POST /v1/traces", ("404", "401"), "{}"),
    Attempt("push metrics there", "collector", 4318, "POST /v1/metrics", ("404", "401"), _OTLP),
    Attempt("read issues without a login", "bugsink", 8000, "GET /", ("302",)),
    Attempt("see Bugsink's admin pages without a login", "bugsink", 8000, "GET /admin/", ("302", "404")),
    Attempt("use Bugsink's API without a token", "bugsink", 8000, "GET /api/canonical/0/projects/", ("401", "403")),
    Attempt("make an account", "bugsink", 8000, "GET /accounts/signup/", ("302", "404")),
    Attempt(
        "report errors with a key that is none",
        "bugsink",
        8000,
        "POST /api/1/store/?sentry_key=0",
        ("400", "401", "403", "404"),
        "{}",
    ),
)

THINGS: Final = (*(row[0] for row in _PARTS), *(row.sentence for row in _ASKED))


def attempts(addresses: Mapping[str, list[str]]) -> list[Attempt]:
    """All that must not work. `addresses`: of each part, every address that it has on any network."""
    rows = list(_ASKED)
    for host in addresses["bugsink"]:
        rows.append(
            Attempt(f"use Bugsink under another name, {host}", host, 8000, "GET /accounts/login/", ("400", *SHUT))
        )
    for sentence, part, port, request, body in _PARTS:
        for host in (part, f"{part}.core", f"{part}.scrape", *addresses.get(part, [])):
            rows.append(Attempt(f"{sentence} at {host}", host, port, request, SHUT, body))
    for gateway in addresses["gateway"]:
        for port in (2375, 2376, 2019, 9090, *map(int, addresses["ports"])):
            rows.append(Attempt(f"enter by the machine's {gateway}:{port}", gateway, port, "GET /", SHUT))
    return rows


def tried(attempt: Attempt) -> str:
    """What comes of an attempt."""
    method, _, path = attempt.request.partition(" ")
    connection = http.client.HTTPConnection(attempt.host, attempt.port, timeout=SECONDS)
    try:
        headers = {"Content-Type": "application/json", **attempt.headers}
        if attempt.port in (8080, 3001):
            headers["Host"] = "localhost"
        connection.request(method, path.replace('"', "%22"), attempt.body or None, headers)
        answer = connection.getresponse()
        return f"{answer.status} {answer.read(200).decode(errors='replace')}"
    except socket.gaierror:
        return "no name"
    except ConnectionRefusedError:
        return "closed"
    except OSError as error:
        return f"unreachable ({error})"
    finally:
        connection.close()


def main() -> None:
    """Try what stdin says, a JSON list of attempts; print the outcomes in its order."""
    rows = [Attempt(*row) for row in json.load(sys.stdin)]
    with ThreadPoolExecutor(max_workers=64) as pool:
        json.dump(list(pool.map(tried, rows)), sys.stdout)


if __name__ == "__main__":
    main()
