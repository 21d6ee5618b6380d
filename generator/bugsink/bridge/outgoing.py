"""The requests that the bridge itself sends, to Alertmanager and to Bugsink: each on a connection of its own, and no
redirect is followed. The bridge runs by itself, so that the client of the rest of Lookout is not here.
"""

import http.client
from urllib.parse import urlsplit


class NoAnswer(Exception):
    """There was no answer, or not in time."""


def status_of(url: str, timeout: float, body: str | None = None) -> int:
    """The status of the answer to a GET, or to a POST of `body`, which is JSON. Raises NoAnswer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request("GET" if body is None else "POST", parts.path, body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer from error
    finally:
        connection.close()
