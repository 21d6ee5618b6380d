"""What may stand in `targets:` and `url:`."""

import pytest

from generator.net.addresses import is_local
from generator.resolve.targets import Scrape, parse_address, parse_probe, parse_scrape
from generator.site.model import Probe


@pytest.mark.parametrize(
    ("text", "scrape"),
    [
        ("api:8000", Scrape("http", "api:8000", "")),
        ("host.docker.internal:9000", Scrape("http", "host.docker.internal:9000", "")),
        ("http://api:8000/internal/metrics", Scrape("http", "api:8000", "/internal/metrics")),
        ("https://api.acme.dev", Scrape("https", "api.acme.dev:443", "")),
        ("https://api.acme.dev:8443/", Scrape("https", "api.acme.dev:8443", "")),
        ("[::1]:8000", Scrape("http", "[::1]:8000", "")),
        ("https://[fd00::1]:8443/m", Scrape("https", "[fd00::1]:8443", "/m")),
    ],
)
def test_a_scrape_target_is_read(text: str, scrape: Scrape) -> None:
    assert parse_scrape(text) == scrape


@pytest.mark.parametrize(
    "text",
    ["api", "api:", ":8000", "api:0", "api:65536", "api:80:80", "ftp://api:1", "https://", "https://user:pw@api",
     "a b:1", "https://a b/", "http://api:99999/", "//api:8000", "-api:8000", "https://[zz]/"],
)  # fmt: skip
def test_what_is_no_scrape_target_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_scrape(text)


@pytest.mark.parametrize(
    ("text", "probe"),
    [
        ("https://acme.dev/health", Probe("s", "http_2xx", "http", "https://acme.dev/health")),
        ("tcp://db:5432", Probe("s", "tcp", "tcp", "db:5432")),
        ("tls://acme.dev:443", Probe("s", "tls", "tls", "acme.dev:443")),
        ("dns://9.9.9.9/acme.dev", Probe("s", "dns_acme_dev_a", "dns", "9.9.9.9:53", "acme.dev", "A")),
        ("dns://9.9.9.9:5353/acme.dev?type=MX", Probe("s", "dns_acme_dev_mx", "dns", "9.9.9.9:5353", "acme.dev", "MX")),
    ],
)
def test_a_probes_target_is_read(text: str, probe: Probe) -> None:
    assert parse_probe("s", text) == probe


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("acme.dev", "must start with|not an address"),
        ("gopher://acme.dev", "must start with"),
        ("tcp://db", "write host:port"),
        ("dns://9.9.9.9", "names nothing to look up"),
        ("dns://9.9.9.9/acme.dev?type=ZZ", "not a record type"),
        ("dns://9.9.9.9/acme dev", "no place in an address; write %20"),
    ],
)
def test_what_cannot_be_probed_is_refused_in_words(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_probe("s", text)


@pytest.mark.parametrize(
    "address", ["api:8000", "10.0.0.7:1", "127.0.0.1:1", "host.docker.internal:1", "[::1]:1", "x.localhost:1"]
)
def test_an_address_that_stays_here_is_local(address: str) -> None:
    assert is_local(address)


@pytest.mark.parametrize("address", ["api.acme.dev:80", "8.8.8.8:80", "[2606:4700::1]:80"])
def test_an_address_elsewhere_is_not(address: str) -> None:
    assert not is_local(address)


def test_every_name_that_is_looked_up_has_a_module_of_its_own() -> None:
    names = ("a.b.dev", "a-b.dev", "a_b.dev", "_a.b.dev")
    assert len({parse_probe("s", f"dns://9.9.9.9/{name}").module for name in names}) == len(names)


def test_ports_have_bounds() -> None:
    assert parse_address("a:1") == "a:1"
    assert parse_address("a:65535") == "a:65535"
