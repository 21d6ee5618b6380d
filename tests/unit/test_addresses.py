"""Where an address lies, and what of it is never shown."""

import pytest

from generator.net.addresses import has_login, host_of, is_container, is_local, is_machine, without_logins

LOCAL = {
    "loopback": ("127.0.0.1:6379", "127.8.9.1:1", "[::1]:6379", "::1", "localhost:1", "LOCALHOST:1", "a.localhost:1"),
    "the machine as containers call it": ("host.docker.internal:5432",),
    "names without a dot": ("db:5432", "my_db-2:1", "db"),
    "RFC 1918": ("10.0.0.5:5432", "172.16.0.1:1", "172.31.255.255:1", "192.168.1.1:1"),
    "ULA": ("[fd00::4]:5432", "fc00::1"),
    "link-local": ("169.254.1.1:1", "[fe80::1]:1", "[fe80::1%eth0]:1"),
    "100.64.0.0/10": ("100.64.0.1:1", "100.127.255.254:1"),
    "IPv4 in IPv6's form": ("[::ffff:10.0.0.5]:1", "[::ffff:127.0.0.1]:1"),
}
ELSEWHERE = (
    "db.acme.dev:5432", "8.8.8.8:1", "172.32.0.1:1", "172.15.0.1:1", "192.169.0.1:1", "100.128.0.1:1", "100.63.0.1:1",
    "192.0.2.1:1", "198.18.0.1:1", "0.0.0.0:1", "[2606:4700::1]:1", "2606:4700::1", "[::ffff:8.8.8.8]:1", "[::]:1",
    "db.internal:5432", "db.local:1", "10.0.0.5.nip.io:1", "134744072:1", "0x08080808:1", "localhost.acme.dev:1", "",
)  # fmt: skip


@pytest.mark.parametrize("address", [each for group in LOCAL.values() for each in group])
def test_what_stays_on_the_machine_and_its_networks_is_local(address: str) -> None:
    assert is_local(address)


@pytest.mark.parametrize("address", ELSEWHERE)
def test_all_else_is_not(address: str) -> None:
    assert not is_local(address)


def test_a_host_is_the_machine_or_a_container_or_neither() -> None:
    assert [is_machine(host) for host in ("localhost", "[::1]", "127.0.0.2", "db", "10.0.0.1")] == [True] * 3 + [
        False
    ] * 2
    assert [is_container(host) for host in ("db", "db.acme.dev", "localhost", "fd00::4", "123")] == [True] + [False] * 4
    assert [host_of(text) for text in ("db:1", "db", "[::1]:2", "::1")] == ["db", "db", "::1", "::1"]


@pytest.mark.parametrize(
    "text",
    ["https://scraper:hunter2@edge.acme.dev/metrics", "https://hunter2@edge", "scraper:hunter2@edge:80",
     "rediss://default:hunter2@redis.acme.dev:6380/0", "https://u:hunter2/x@edge", "https://u:hunt@er2@edge/a",
     "http://u:hunter2#@edge"],
)  # fmt: skip
def test_a_login_in_an_address_is_seen(text: str) -> None:
    assert has_login(text)
    assert "://" not in text or "hunt" not in without_logins(f"'{text}' is wrong")
    assert len(without_logins(text, "*")) == len(text)


@pytest.mark.parametrize(
    "text",
    ["https://acme.dev/@ana", "api:8000", "https://acme.dev:8443/a?b=c@d", "https://[::1]:8443/@x", "redis://c:1"],
)
def test_an_at_sign_elsewhere_is_no_login(text: str) -> None:
    assert not has_login(text)
    assert without_logins(text) == text
