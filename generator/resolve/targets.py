"""What stands in `targets:` and `url:`: scrape targets and probes, read from their text."""

import re
import zlib
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from generator.net.addresses import has_login
from generator.site.model import Probe, UrlQuery

_HOST: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:]+\]"
# What may stand in an address; all else is written with % (RFC 3986). No tool on the way gives these a meaning.
_ADDRESS: Final = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*")
_PROBE_SCHEMES: Final = ("http", "https", "tcp", "tls", "dns")


class LoginInAddress(ValueError):
    """A user name or a password stands in an address. The text is no part of the error."""

    def __init__(self) -> None:
        super().__init__("a user name or a password does not belong into an address")


@dataclass(frozen=True, slots=True)
class Scrape:
    """Where a /metrics is: scheme, host:port, and the path and the query if the target names them."""

    scheme: Literal["http", "https"]
    address: str
    path: str = ""
    query: UrlQuery = ()


def parse_scrape(text: str) -> Scrape:
    """A scrape target: `api:8000`, `http://host:port/path` or `https://host`. Raises ValueError."""
    if "://" not in text:
        if not has_login(text) and re.fullmatch(rf"(?:{_HOST}):\d{{1,5}}[/?].*", text):
            raise ValueError(f"'{text}' has a path and needs its scheme; write http://{text}")
        return Scrape("http", parse_address(text))
    url = _split(text)
    if url.scheme not in ("http", "https"):
        raise ValueError(f"'{text}' cannot be scraped; write host:port, or an address that starts with https://")
    port = url.port or (443 if url.scheme == "https" else 80)
    path, query = _parse_place("" if url.path in ("", "/") else url.path, url.query, url.fragment)
    return Scrape("https" if url.scheme == "https" else "http", f"{_host(url)}:{port}", path, query)


def parse_metrics_path(text: str) -> tuple[str, UrlQuery]:
    """The path and the query of `metrics: {path: …}`. Raises ValueError."""
    rest, _, fragment = text.partition("#")
    path, _, query = rest.partition("?")
    return _parse_place(path, query, fragment)


def _parse_place(path: str, query: str, fragment: str) -> tuple[str, UrlQuery]:
    """A path and a query as they stand in an address, decoded: Prometheus encodes both. Raises ValueError."""
    if fragment:
        raise ValueError(f"'#{fragment}' never reaches a server; leave it out, or write %23 for a # of the path")
    if re.search(r"%(?![0-9A-Fa-f]{2})", path + query):
        raise ValueError("a % in an address is followed by the two digits of a character; write %25 for a % itself")
    if re.search(r"%2F", path, re.IGNORECASE):
        raise ValueError("Prometheus cannot ask for %2F within a path; let the app answer under another one")
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, errors="surrogateescape"):
        if not name:
            raise ValueError(f"'?{query}' has a value without a name; write ?name=value")
        found.setdefault(_readable(name), []).append(_readable(value))
    decoded = _readable(unquote(path, errors="surrogateescape"))
    return decoded, tuple((name, tuple(values)) for name, values in sorted(found.items()))


def _readable(text: str) -> str:
    """What was percent-encoded, when it is text. Raises ValueError."""
    if re.search("[\x00-\x1f\x7f\ud800-\udfff]", text):
        raise ValueError("what is percent-encoded in it is no text")
    return text


def parse_address(text: str) -> str:
    """`host:port`, checked. Raises ValueError."""
    if has_login(text):
        raise LoginInAddress
    match = re.fullmatch(rf"({_HOST}):(\d{{1,5}})", text)
    if not match:
        raise ValueError(f"'{text}' is not an address; write host:port, such as api:8000")
    if not 0 < int(match[2]) < 65536:
        raise ValueError(f"{match[2]} is not a port; ports go from 1 to 65535")
    return text


def parse_probe(service: str, text: str) -> Probe:
    """A probe's target: https://…, tcp://host:port, tls://host:port or dns://resolver/name?type=A.

    Raises ValueError.
    """
    url = _split(text)
    if url.scheme not in _PROBE_SCHEMES:
        known = ", ".join(f"{scheme}://" for scheme in _PROBE_SCHEMES)
        raise ValueError(f"'{text}' cannot be probed; it must start with one of {known}")
    if url.scheme in ("http", "https"):
        return Probe(service, "http_2xx", "http", text)
    if url.scheme in ("tcp", "tls"):
        address = parse_address(url.netloc)
        if url.path not in ("", "/") or url.query or url.fragment:
            raise ValueError(f"a {url.scheme} probe only connects; write {url.scheme}://{address}")
        return Probe(service, url.scheme, "tls" if url.scheme == "tls" else "tcp", address)
    return _dns_probe(service, url, text)


def _dns_probe(service: str, url: SplitResult, text: str) -> Probe:
    name = url.path.strip("/")
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        raise ValueError(
            f"'{text}' names nothing to look up; write dns://resolver/name, such as dns://9.9.9.9/acme.dev"
        )
    kind = re.fullmatch(r"type=(A|AAAA|MX|NS|TXT|CNAME|SOA)", url.query or "type=A")
    if not kind:
        raise ValueError(f"'{url.query}' is not a record type; write ?type=A, AAAA, MX, NS, TXT, CNAME or SOA")
    module = re.sub(r"[^a-z0-9]+", "_", f"dns_{name}_{kind[1]}".lower())
    if re.search(r"[_-]", name):
        # a-b.dev and a.b.dev are two names, and must not become one.
        module = f"{module}_{zlib.crc32(name.lower().encode()):08x}"
    resolver = url.netloc if url.port else f"{url.netloc}:53"
    return Probe(service, module, "dns", parse_address(resolver), name, kind[1])


def _split(text: str) -> SplitResult:
    """The parts of a URL whose host is plausible. Raises ValueError."""
    if has_login(text):
        raise LoginInAddress
    end = len(text) - len(_ADDRESS.sub("", text, count=1))
    if end < len(text):
        coded = "".join(f"%{byte:02X}" for byte in text[end].encode("utf-8", "replace"))
        raise ValueError(f"{text[end]!r} has no place in an address; write {coded}")
    url = urlsplit(text)
    if not url.netloc or not re.fullmatch(_HOST, _host(url)):
        raise ValueError(f"'{text}' is not an address that can be watched")
    if url.port == 0:
        raise ValueError("0 is not a port; ports go from 1 to 65535")
    return url


def _host(url: SplitResult) -> str:
    host = url.hostname or ""
    return f"[{host}]" if ":" in host else host
