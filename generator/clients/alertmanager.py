"""Questions to the running Alertmanager. Reads only; what an answer means is the caller's business."""

from typing import Final

from generator.clients.http import Server

_NAME: Final = "Alertmanager"


def loaded_config(url: str) -> str:
    """The configuration that it runs with, in its own words, secrets blanked. Raises Problems."""
    server = Server(_NAME, url)
    response = server.get("/api/v2/status")
    try:
        return str(response.json()["config"]["original"])
    except (ValueError, KeyError, TypeError) as error:
        raise server.not_it() from error


def own_metrics(url: str) -> str:
    """Its own metrics. Raises Problems."""
    return Server(_NAME, url).text("/metrics")
