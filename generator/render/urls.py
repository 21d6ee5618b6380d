"""Which addresses a person's browser can open."""

from urllib.parse import urlsplit

from generator.net.addresses import is_container


def is_browsable(url: str) -> bool:
    """Whether an address means something outside the containers' own network, where `http://api:8000` means nothing."""
    host = urlsplit(url).hostname or ""
    return bool(host) and not is_container(host)
