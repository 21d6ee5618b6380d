"""Addresses as people paste them, and which of them a person's browser can open."""

from urllib.parse import quote, urlencode, urlsplit

from generator.net.addresses import is_container
from generator.site.model import ScrapeJob


def is_browsable(url: str) -> bool:
    """Whether an address means something outside the containers' own network, where `http://api:8000` means nothing."""
    host = urlsplit(url).hostname or ""
    return bool(host) and not is_container(host)


def url_of(job: ScrapeJob, address: str) -> str:
    """What a scrape job asks of one of its addresses, as Prometheus writes it."""
    query = urlencode(job.query, doseq=True)
    path = quote(job.path, safe="/-._~!$&'()*+,;=:@")
    return f"{job.scheme}://{address}{path}" + (f"?{query}" if query else "")
