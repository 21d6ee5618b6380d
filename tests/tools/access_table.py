"""What each endpoint does with a request: the table that the real Caddy is held to, whole and with a line missing.

A row is a sentence, a request, and what comes of it: a status, or the part that it reached with what that part saw.
"""

import base64
from collections.abc import Iterator
from typing import Final

from generator.conventions import DELIVERY_FILE
from tests.tools.caddy_lab import HTTP, HTTPS, PASSWORD, Request

DOMAIN: Final = "mon.acme.dev"
STATUS: Final = f"status.{DOMAIN}"
LOCAL, KUMA, INTERNAL = 8080, 3001, 2020
OWN: Final = {"Origin": "http://localhost:{port}"}
BASIC: Final = {"Authorization": "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()}
WRONG: Final = {"Authorization": "Basic " + base64.b64encode(b"admin:sesame").decode()}
TOKEN: Final = {"Authorization": "Bearer token"}
CLICKED: Final = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
Row = tuple[str, Request, str]

_FOREIGN: Final = (
    ("of another site", {"Origin": "https://evil.example"}),
    ("of a sandboxed page", {"Origin": "null"}),
    ("of another port of this machine", {"Origin": "http://localhost:1"}),
    ("that another site's page embeds", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}),
    ("that a page on another port embeds", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}),
)
_QUERIES: Final = ("query", "query_range", "query_exemplars", "series", "labels", "format_query", "parse_query")
_PROMETHEUS: Final = (
    ("metrics by OTLP", "POST", "/api/v1/otlp/v1/metrics"),
    ("metrics by OTLP, with slashes", "POST", "//api/v1/otlp/v1/metrics"),
    ("metrics by OTLP, in capitals", "POST", "/API/v1/OTLP/v1/metrics"),
    ("metrics by OTLP, past a query", "POST", "/api/v1/query/../otlp/v1/metrics"),
    ("metrics by OTLP, past a query and encoded", "POST", "/api/v1/query/%2e%2e/otlp/v1/metrics"),
    ("metrics by OTLP, past an encoded slash", "POST", "/api/v1/query/..%2fotlp/v1/metrics"),
    ("metrics by remote write", "POST", "/api/v1/write"),
    ("a removal of series", "POST", "/api/v1/admin/tsdb/delete_series"),
    ("a removal by PUT", "PUT", "/api/v1/admin/tsdb/delete_series"),
    ("a removal by DELETE", "DELETE", "/api/v1/series"),
    ("a reload", "POST", "/-/reload"),
    ("a reload by PUT", "PUT", "/-/reload"),
    ("an end", "PUT", "/-/quit"),
    ("an end by GET", "GET", "/-/quit"),
    ("a reload by GET", "GET", "/-/reload"),
    ("a write by GET", "GET", "/api/v1/write"),
    ("an admin's request by GET", "GET", "/api/v1/admin/tsdb/snapshot"),
    ("an end, encoded", "POST", "/%2d/quit"),
    ("a profile", "GET", "/debug/pprof/heap"),
    ("a profile, encoded", "GET", "/%64ebug/pprof/heap"),
    ("a profile, past a page", "GET", "/graph/../debug/pprof/heap"),
    ("a profile by POST", "POST", "/debug/pprof/heap"),
)
_ALERTMANAGER: Final = (
    ("an alert", "POST", "/api/v2/alerts"),
    ("an alert, past a silence", "POST", "/api/v2/silences/../alerts"),
    ("a silence by PUT", "PUT", "/api/v2/silences"),
    ("a removal of what is no silence", "DELETE", "/api/v2/alerts"),
    ("a removal past a silence", "DELETE", "/api/v2/silence/../alerts"),
    ("a silence where one is removed", "POST", "/api/v2/silence/1"),
    ("a reload", "POST", "/-/reload"),
    ("a reload by GET", "GET", "/-/reload"),
    ("a profile", "GET", "/debug/pprof/heap"),
)
_LOKI: Final = (
    ("lines", "POST", "/loki/api/v1/push"),
    ("lines by PUT", "PUT", "/loki/api/v1/push"),
    ("lines by OTLP", "POST", "/otlp/v1/logs"),
    ("a removal of lines", "POST", "/loki/api/v1/delete"),
    ("a removal by DELETE", "DELETE", "/loki/api/v1/delete"),
    ("a rule", "POST", "/loki/api/v1/rules/x"),
    ("an end", "GET", "/ingester/shutdown"),
    ("an end, past what is read", "GET", "/loki/api/v1/../../../ingester/shutdown"),
    ("an end, past what is read and encoded", "GET", "/loki/api/v1/%2e%2e/%2e%2e/%2e%2e/ingester/shutdown"),
    ("an end, past encoded slashes", "GET", "/loki/api/v1/..%2f..%2f..%2fingester/shutdown"),
    ("an end, back into this path", "GET", "/../loki/ingester/shutdown"),
    ("a flush", "POST", "/flush"),
    ("its configuration", "GET", "/config"),
    ("its metrics", "GET", "/metrics"),
)


def _inside(port: int, host: str, name: str, extra: dict[str, str]) -> Iterator[Row]:
    """What holds for the parts behind an endpoint, however it is entered."""

    def ask(method: str, path: str, **headers: str) -> Request:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return Request(port, host, method, path, {**extra, **named})

    yield f"{name}: Prometheus' page is shown", ask("GET", "/prometheus/query"), "prometheus GET /prometheus/query"
    for part in ("prometheus", "alertmanager", "grafana", "runbooks"):
        yield f"{name}: the name of {part} alone leads to its page", ask("GET", f"/{part}"), "308"
    for query in _QUERIES:
        path = f"/prometheus/api/v1/{query}"
        yield f"{name}: POST asks for {query}", ask("POST", path), f"prometheus POST {path}"
    for what, method, path in _PROMETHEUS:
        yield f"{name}: Prometheus takes no {what}", ask(method, f"/prometheus{path}"), "403"
    override = ask("GET", "/prometheus/api/v1/otlp/v1/metrics", X_HTTP_Method_Override="POST")
    yield f"{name}: nor what is a POST by a header", override, "403"
    path = "/alertmanager/api/v2/alerts"
    yield f"{name}: alerts are read", ask("GET", path), f"alertmanager GET {path}"
    path = "/alertmanager/api/v2/silences"
    yield f"{name}: a silence is made", ask("POST", path), f"alertmanager POST {path}"
    path = "/alertmanager/api/v2/silence/1"
    yield f"{name}: a silence is ended", ask("DELETE", path), f"alertmanager DELETE {path}"
    for what, method, path in _ALERTMANAGER:
        yield f"{name}: Alertmanager takes no {what}", ask(method, f"/alertmanager{path}"), "403"
    yield f"{name}: lines are read", ask("GET", "/loki/loki/api/v1/labels"), "loki GET /loki/api/v1/labels"
    yield f"{name}: Loki says whether it is ready", ask("GET", "/loki/ready"), "loki GET /ready"
    yield f"{name}: of lines the head is read", ask("HEAD", "/loki/loki/api/v1/labels"), "200"
    yield f"{name}: of metrics the head is read", ask("HEAD", "/prometheus/query"), "200"
    yield f"{name}: of alerts the head is read", ask("HEAD", "/alertmanager/"), "200"
    for what, method, path in _LOKI:
        yield f"{name}: Loki takes no {what}", ask(method, f"/loki{path}"), "403"
    yield f"{name}: the home page is there", ask("GET", "/"), "200 home"
    yield f"{name}: a service's runbooks are there", ask("GET", "/runbooks/api"), '200 <a id="ServiceDown"></a>'
    yield f"{name}: in their layout", ask("GET", "/runbooks/api.md"), "200 <!doctype html>"
    yield f"{name}: and the list of all", ask("GET", "/runbooks/"), '200 <a href="api.md">'
    yield f"{name}: of a service that is none there are none", ask("GET", "/runbooks/nothing"), "404"
    yield f"{name}: a runbook's old address leads to it", ask("GET", "/runbooks/api/ServiceDown.md"), "308"
    yield f"{name}: the runbooks' layout is no page", ask("GET", "/runbook.html"), "404"
    yield f"{name}: which channels can deliver is said", ask("GET", f"/{DELIVERY_FILE}"), "200 delivery"
    for path in ("/web_password_hash", "/../web_password_hash", f"/{DELIVERY_FILE}/../web_password_hash"):
        yield f"{name}: {path} is not, which lies beside it", ask("GET", path), "404"


def _browser(port: int, host: str, own: str, name: str, path: str, seen: str, extra: dict[str, str]) -> Iterator[Row]:
    """What holds for an endpoint that a browser reaches: pages of its own, and none of others."""

    def ask(method: str, headers: dict[str, str]) -> Request:
        return Request(port, host, method, path, {**extra, **headers})

    part, _, where = seen.partition(" ")
    yield f"{name}: a page of its own asks", ask("POST", {"Origin": own}), f"{part} POST {where}"
    same = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    yield f"{name}: a page of its own fetches", ask("POST", same), f"{part} POST {where}"
    typed = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}
    yield f"{name}: an address is typed in", ask("GET", typed), f"{part} GET {where}"
    yield f"{name}: a link of another site is followed", ask("GET", CLICKED), f"{part} GET {where}"
    yield f"{name}: what a followed link shows has a head", ask("HEAD", CLICKED), "200"
    yield f"{name}: a form of another site is refused", ask("POST", CLICKED), "403"
    for what, headers in _FOREIGN:
        yield f"{name}: a request {what} is refused", ask("POST", headers), "403"
        if "Origin" not in headers:
            yield f"{name}: so is a GET {what}", ask("GET", headers), "403"
    yield f"{name}: a GET of another site's script is refused", ask("GET", {"Origin": "https://evil.example"}), "403"


def _grafana(port: int, host: str, name: str) -> Iterator[Row]:
    """Grafana has a login of its own, so that no other stands before it."""

    def ask(path: str, headers: dict[str, str]) -> Request:
        return Request(port, host, "GET", path, headers)

    yield f"{name}: Grafana is reached", ask("/grafana/d/x", {}), "grafana GET /grafana/d/x"
    yield f"{name}: this login is not Grafana's", ask("/grafana/", BASIC), "grafana GET /grafana/"
    yield f"{name}: Grafana's token is", ask("/grafana/", TOKEN), "grafana GET /grafana/ Authorization"
    for path in ("/metrics", "/metrics/", "//metrics", "/x/../metrics", "/%6detrics", "/debug/pprof/heap"):
        yield f"{name}: Grafana's {path} is closed", ask(f"/grafana{path}", {}), "403"


def _reports(port: int, host: str, name: str) -> Iterator[Row]:
    """Error reports come from pages of any site; the rest of Bugsink has a login of its own."""

    def ask(method: str, path: str, headers: dict[str, str] | None = None, size: int = 0) -> Request:
        return Request(port, host, method, path, headers or {}, size=size)

    page = {"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    for kind in ("envelope", "store", "security"):
        path = f"/api/1/{kind}/"
        yield f"{name}: a page reports by {kind}", ask("POST", f"/bugsink{path}", page), f"bugsink POST {path}"
    path = "/api/1/envelope/"
    yield f"{name}: its browser asks first", ask("OPTIONS", f"/bugsink{path}", page), f"bugsink OPTIONS {path}"
    yield f"{name}: reports are not read", ask("GET", f"/bugsink{path}", page), "403"
    for path in ("/api/canonical/0/", "/api/1/envelope/../../../admin/", "/x/api/1/envelope/", "/api/1/envelope/x/"):
        yield f"{name}: a page does not reach {path}", ask("POST", f"/bugsink{path}", page), "403"
    if port != HTTPS:
        yield f"{name}: a report has an end", ask("POST", "/bugsink/api/1/store/", page, 20 * 2**20 + 1024), "413"
    yield f"{name}: Bugsink is reached", ask("GET", "/bugsink/issues/", BASIC), "bugsink GET /issues/ X-Real-IP"
    reported = "bugsink GET /issues/ Authorization X-Real-IP"
    yield f"{name}: with a token of its own", ask("GET", "/bugsink/issues/", TOKEN), reported
    yield f"{name}: its name alone leads to it", ask("GET", "/bugsink"), "308"


def _names(port: int, path: str, seen: str, name: str) -> Iterator[Row]:
    """What is on 127.0.0.1 answers to the names of 127.0.0.1."""
    for host in ("localhost", "127.0.0.1", "[::1]", "LOCALHOST"):
        yield f"{name}: {host} is its name", Request(port, host, "GET", path), seen
    for host in (
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "caddy",
        "0.0.0.0",
        DOMAIN,
        "10.0.0.1",
    ):
        yield f"{name}: {host} is not", Request(port, host, "GET", path), "421"


def local_rows() -> list[Row]:
    """The endpoints on 127.0.0.1, which every site has."""
    path = "/alertmanager/api/v2/silences"
    rows = [*_names(LOCAL, "/prometheus/query", "prometheus GET /prometheus/query", "local")]
    rows += _inside(LOCAL, "localhost", "local", {})
    rows += _browser(LOCAL, "localhost", OWN["Origin"], "local", path, f"alertmanager {path}", {})
    rows += [*_grafana(LOCAL, "localhost", "local"), *_reports(LOCAL, "localhost", "local")]
    pushed = Request(LOCAL, "localhost", "POST", "/otlp/v1/logs", TOKEN)
    rows += [("local: lines are pushed with their token", pushed, "collector POST /v1/logs Authorization")]
    elsewhere = Request(LOCAL, "evil.example", "POST", "/bugsink/api/1/store/")
    rows += [("local: a report comes under its name as well", elsewhere, "421")]
    for name, where in (("Prometheus", "prometheus/query"), ("Alertmanager", "alertmanager/")):
        reported = f"{name.lower()} GET /{where}"
        rows += [
            (
                f"local: a login is not handed on to {name}",
                Request(LOCAL, "localhost", "GET", f"/{where}", BASIC),
                reported,
            )
        ]
    ready = Request(LOCAL, "localhost", "GET", "/loki/ready", BASIC)
    rows += [("local: a login is not handed on to Loki", ready, "loki GET /ready")]
    rows += _names(KUMA, "/", "uptime-kuma GET /", "Kuma")
    rows += _browser(KUMA, "localhost", OWN["Origin"], "Kuma", "/socket.io/", "uptime-kuma /socket.io/", {})
    rows += [("internal: Caddy says that it runs", Request(INTERNAL, "caddy", "GET", "/healthz"), "200")]
    return rows


def public_rows() -> list[Row]:
    """The endpoints under the domain's names, in addition."""

    def ask(host: str, method: str, path: str, headers: dict[str, str] | None = None, name: str = "") -> Request:
        return Request(HTTPS, host, method, path, headers or {}, name)

    path = "/alertmanager/api/v2/silences"
    rows: list[Row] = [*_inside(HTTPS, DOMAIN, "public", BASIC)]
    rows += _browser(HTTPS, DOMAIN, f"https://{DOMAIN}", "public", path, f"alertmanager {path}", BASIC)
    rows += [*_grafana(HTTPS, DOMAIN, "public"), *_reports(HTTPS, DOMAIN, "public")]
    closed = ("/", "/prometheus/query", "/alertmanager/", "/loki/loki/api/v1/labels", "/loki/ready", "/runbooks/a")
    for path in closed:
        for what, headers in (("no login", {}), ("a wrong login", WRONG)):
            rows += [(f"public: {path} with {what}", ask(DOMAIN, "GET", path, headers), "401")]
    pushed = ask(DOMAIN, "POST", "/otlp/v1/logs", TOKEN)
    rows += [("public: lines are pushed with their token", pushed, "collector POST /v1/logs Authorization")]
    rows += [("public: spans are not", ask(DOMAIN, "POST", "/otlp/v1/traces", TOKEN), "401")]
    seen = "uptime-kuma /socket.io/"
    rows += _browser(HTTPS, STATUS, f"https://{STATUS}", "status", "/socket.io/", seen, {})
    rows += [("status: the page is open", ask(STATUS, "GET", "/status/acme"), "uptime-kuma GET /status/acme")]
    for path in ("/metrics", "//metrics", "/%6detrics", "/x/../metrics"):
        rows += [(f"status: {path} is closed", ask(STATUS, "GET", path), "403")]
    for host in ("evil.example", "grafana", f"x.{DOMAIN}", "localhost"):
        rows += [(f"public: {host} behind its certificate", ask(host, "GET", "/", BASIC, DOMAIN), "421")]
        rows += [(f"clear: {host} is not its name", Request(HTTP, host, "GET", "/"), "421")]
    rows += [("public: a name without a certificate", ask("evil.example", "GET", "/"), "0")]
    for host in (DOMAIN, STATUS):
        rows += [(f"clear: {host} leads to TLS", Request(HTTP, host, "GET", "/prometheus/query"), "308")]
    rows += [("clear: a token is refused", Request(HTTP, DOMAIN, "POST", "/otlp/v1/logs", TOKEN), "403")]
    return rows
