"""Questions to a running Prometheus and its answers. Reads only.

Owns the address and the failures; the caller interprets an answer.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import requests

from generator.clients.docker import local_url
from generator.conventions import LOCAL_PORT, PROMETHEUS_PATH
from generator.diagnostics import Diagnostic, Problems

# What Prometheus says of a question that was too large, rather than wrong.
_TOO_LARGE: Final = ("too many samples", "timed out", "exceeded maximum resolution", "context deadline")


class TooLarge(Exception):
    """The answer would hold more than Prometheus works out at once."""


def prometheus_url(root: Path) -> str:
    """Where Prometheus is reached: $PROMETHEUS_URL, or the local endpoint of the stack in `root`."""
    given = os.environ.get("PROMETHEUS_URL", "").rstrip("/")
    return given or f"{local_url(root, 'LOOKOUT_PORT', LOCAL_PORT)}{PROMETHEUS_PATH}"


def ask(url: str, path: str, parameters: Mapping[str, str], timeout: float) -> Any:
    """The `data` of /api/v1/<path>. Raises TooLarge, and Problems when there is no answer."""
    try:
        response = requests.post(f"{url}/api/v1/{path}", data=dict(parameters), timeout=(min(3, timeout), timeout))
    except requests.Timeout as error:
        raise _unreachable(f"Prometheus at {url} does not answer in time") from error
    except requests.RequestException as error:
        raise _unreachable(f"Prometheus does not answer at {url}: {type(error).__name__}") from error
    return _data(url, response)


def ask_rules(url: str, alert: str, timeout: float) -> list[dict[str, Any]]:
    """The loaded alert rules of one name, with their state. Raises Problems."""
    try:
        parameters = {"type": "alert", "rule_name[]": alert}
        response = requests.get(f"{url}/api/v1/rules", params=parameters, timeout=timeout)
    except requests.RequestException as error:
        raise _unreachable(f"Prometheus does not answer at {url}: {type(error).__name__}") from error
    return [rule for group in _data(url, response)["groups"] for rule in group["rules"]]


def _data(url: str, response: requests.Response) -> Any:
    try:
        answer = response.json()
        if answer["status"] == "success":
            return answer["data"]
        text = str(answer.get("error", response.reason))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if response.status_code in (503, 504):
            raise TooLarge(response.reason) from error
        raise _unreachable(f"what answers at {url} is not Prometheus") from error
    if any(word in text for word in _TOO_LARGE):
        raise TooLarge(text)
    raise _unreachable(f"Prometheus at {url} answers: {text}")


def _unreachable(message: str) -> Problems:
    hint = "`make status` shows what runs; PROMETHEUS_URL names another one"
    return Problems([Diagnostic("apply/unreachable", message, hint=hint)])
