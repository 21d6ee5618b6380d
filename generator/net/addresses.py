"""Where an address lies: this machine and its networks, or beyond them; and whether a login stands in it.

Owns the one answer to "may this travel unencrypted?". It looks nothing up: a name says where it lies by its form alone.
"""

import ipaddress
import re
from typing import Final

# What containers and people call the machine itself.
_MACHINE: Final = ("localhost", "host.docker.internal")
# Loopback and link-local, RFC 1918, shared address space (RFC 6598, which private overlays use), and ULA.
_LOCAL: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
                 "::1/128", "fe80::/10", "fc00::/7")
)  # fmt: skip
# 0x7f000001 and 134744072 are addresses to some resolvers, and no names of containers.
_NUMBER: Final = re.compile(r"(?:0x[0-9a-f]*|\d+)", re.IGNORECASE)
# After "://": an authority with an @ in it; or one whose port is none, which a / in a password makes of it.
_LOGIN: Final = re.compile(r"(?<=://)(?:[^/?#\s'\"]*@|[^/?#\s:'\"\[]+:(?!\d{1,5}(?:[/?#\s'\"]|$))[^\s'\"]*@)")


def host_of(address: str) -> str:
    """The host of `host:port`, `[v6]:port` or a host alone, without brackets."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address if address.count(":") > 1 else address.partition(":")[0]


def is_machine(host: str) -> bool:
    """Whether a host is the machine itself."""
    name = host.strip("[]").lower()
    if name in _MACHINE or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and address.is_loopback


def is_container(host: str) -> bool:
    """Whether a host is a name of Docker's networks: one without a dot that is not the machine's."""
    name = host.strip("[]")
    return bool(name) and not re.search(r"[.:]", name) and not _NUMBER.fullmatch(name) and not is_machine(name)


def is_local(address: str) -> bool:
    """Whether `host:port` or a host lies on this machine or its private networks, so that plain text gives nothing
    away: loopback, names without a dot, RFC 1918, ULA, link-local and 100.64/10."""
    host = host_of(address)
    if is_machine(host) or is_container(host):
        return True
    found = _address(host)
    return found is not None and any(found in network for network in _LOCAL if network.version == found.version)


def has_login(text: str) -> bool:
    """Whether a user name or a password stands in an address, with a scheme or without one."""
    return bool(_LOGIN.search(text)) if "://" in text else "@" in text


def without_logins(text: str, mark: str = "…@") -> str:
    """`text` with what stands before the @ of every address in it replaced. A mark of one character is repeated, so
    that nothing after it moves."""
    return _LOGIN.sub(lambda match: mark * len(match[0]) if len(mark) == 1 else mark, text)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is; one of IPv4 in IPv6's form is the one of IPv4."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
