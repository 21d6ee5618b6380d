"""Access to /metrics: with the token, from an allowed address.

Fails closed: without a file, with an empty or an unreadable one, no request is allowed. The token is read for each
scrape (one every few seconds), so that a changed secret needs no restart. Addresses are those of the connection: what a
header says of them can be made up.
"""

import hmac
import ipaddress

from lookout_instrumentation.secret_file import read_secret
from lookout_instrumentation.settings import Settings

CHALLENGE = {"WWW-Authenticate": "Bearer"}


def refusal(settings: Settings, authorization: str, address: str) -> tuple[int, str] | None:
    """Why this request may not read the metrics, as status and sentence; None when it may."""
    if settings.metrics_allow and not _is_allowed(settings, address):
        return 403, "this address may not read the metrics"
    scheme, _, given = authorization.partition(" ")
    expected = read_secret(settings.metrics_token_file) or settings.metrics_token.encode()
    known = bool(expected) and hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), expected)
    return None if known and scheme.lower() == "bearer" else (401, "a bearer token is needed")


def locked(settings: Settings) -> str:
    """Why no request can read the metrics although a token is set; otherwise nothing."""
    file = settings.metrics_token_file
    if file is None or settings.metrics_token or read_secret(file):
        return ""
    return f"metrics_token_file: {file} is missing, empty or unreadable, so /metrics is closed to all until it is there"


def _is_allowed(settings: Settings, address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a Unix socket has none
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return any((mapped or parsed) in network for network in settings.metrics_allow)
