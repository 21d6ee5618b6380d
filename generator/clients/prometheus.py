"""Questions to a running Prometheus and its answers. Reads only.

Owns the paths of its API and what it says of a question that was too large; the caller interprets an answer.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import requests

from generator.clients.docker import local_url
from generator.clients.http import TIMEOUT, Server, TooLarge
from generator.conventions import LOCAL_PORT, PROMETHEUS_PATH

# What Prometheus says of a question that was too large, rather than wrong.
_TOO_LARGE: Final = ("too many samples", "timed out", "exceeded maximum resolution", "context deadline")
# An expression may be longer than an address.
_POSTED: Final = ("query", "query_range")

Read = TypeVar("Read")


def prometheus_url(root: Path) -> str:
    """Where Prometheus is reached: $PROMETHEUS_URL, or the local endpoint of the stack in `root`."""
    given = os.environ.get("PROMETHEUS_URL", "").rstrip("/")
    return given or local_prometheus(root)


def local_prometheus(root: Path) -> str:
    """The Prometheus of the stack in `root`."""
    return f"{local_url(root, 'LOOKOUT_PORT', LOCAL_PORT)}{PROMETHEUS_PATH}"


def ask(url: str, path: str, parameters: Mapping[str, Any], timeout: float = TIMEOUT) -> Any:
    """The `data` of /api/v1/<path>. Raises TooLarge, and Problems when there is no answer."""
    server = _server(url)
    send = server.post if path in _POSTED else server.get
    return _data(server, send(f"/api/v1/{path}", parameters, timeout))


def ask_rules(url: str, alert: str, timeout: float) -> list[dict[str, Any]]:
    """The loaded alert rules of one name, with their state. Raises TooLarge and Problems."""
    data = ask(url, "rules", {"type": "alert", "rule_name[]": alert}, timeout)
    return _read(url, lambda: [rule for group in data["groups"] for rule in group["rules"]])


def targets(url: str) -> list[dict[str, Any]]:
    """What is scraped now. Raises TooLarge and Problems."""
    data = ask(url, "targets", {"state": "active"})
    return _read(url, lambda: list(data["activeTargets"]))


def loaded_config(url: str) -> str:
    """The configuration that it runs with, in its own words. Raises Problems."""
    server = _server(url)
    try:
        data = _data(server, server.get("/api/v1/status/config"))
    except TooLarge as error:
        raise server.no_answer(f"answers {error}") from error
    return _read(url, lambda: str(data["yaml"]))


def own_metrics(url: str) -> str:
    """Its own metrics. Raises Problems."""
    return _server(url).text("/metrics")


def _server(url: str) -> Server:
    return Server("Prometheus", url, "`make status` shows what runs; PROMETHEUS_URL names another one")


def _read(url: str, answer: Callable[[], Read]) -> Read:
    try:
        return answer()
    except (KeyError, TypeError) as error:
        raise _server(url).not_it() from error


def _data(server: Server, response: requests.Response) -> Any:
    try:
        answer = response.json()
        if answer["status"] == "success":
            return answer["data"]
        text = str(answer.get("error", response.reason))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if response.status_code in (503, 504):
            raise TooLarge(response.reason) from error
        raise server.not_it() from error
    if any(word in text for word in _TOO_LARGE):
        raise TooLarge(text)
    raise server.no_answer(f"answers: {text}")
