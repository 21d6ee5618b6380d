"""One HTTP request to one server: what every client of a server is made of.

Owns how long a server may take, and the sentence about one that does not answer: no login, no query and no body stands
in it. No redirect is followed, since a request may carry a secret that only the named server may have. What an answer
means is each client's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from generator.diagnostics import Diagnostic, Problems
from generator.net.addresses import is_machine, without_logins

TIMEOUT: Final = 10.0
# A connection is there at once, or not at all.
_CONNECT: Final = 3.0
_HINT: Final = "`make status` shows what runs"


class NoAnswer(Problems):
    """A server gave no answer that could be used. `message` says so in one sentence."""

    def __init__(self, message: str, hint: str = _HINT) -> None:
        self.message = message
        super().__init__([Diagnostic("apply/unreachable", message, hint=hint)])


class TooLarge(Exception):
    """The answer would be larger than the server works out at once: worth asking for less."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server by its name for people and its address, which has no slash at its end."""

    name: str
    url: str
    hint: str = _HINT

    @property
    def shown(self) -> str:
        """The address as it may be shown: a user and a password may stand in one that was given."""
        return without_logins(self.url, "").partition("?")[0]

    def get(
        self,
        path: str,
        parameters: Mapping[str, Any] | None = None,
        timeout: float = TIMEOUT,
        login: tuple[str, str] | None = None,
    ) -> requests.Response:
        """The answer to a GET, whatever its status is. Raises NoAnswer."""
        return self._send("GET", path, timeout, params=parameters, auth=login)

    def post(self, path: str, form: Mapping[str, Any], timeout: float = TIMEOUT) -> requests.Response:
        """The answer to a POST of a form, whatever its status is. Raises NoAnswer."""
        return self._send("POST", path, timeout, data=dict(form))

    def text(self, path: str) -> str:
        """The body of a page that is there. Raises NoAnswer, for any other status too."""
        response = self.get(path)
        if not response.ok:
            raise self.no_answer(f"answers {response.status_code} at {path}")
        return response.text

    def no_answer(self, what: str) -> NoAnswer:
        """This server answered `what`, which is of no use. `what` must not quote more than the server's own reason."""
        return NoAnswer(f"{self.name} at {self.shown} {what}", self.hint)

    def not_it(self) -> NoAnswer:
        """What answered is another program."""
        return NoAnswer(f"what answers at {self.shown} is not {self.name}", self.hint)

    def _send(self, method: str, path: str, timeout: float, **options: Any) -> requests.Response:
        try:
            with _Session() as session:
                # On this machine no proxy is in between, and no login of ~/.netrc is meant.
                session.trust_env = not is_machine(urlsplit(self.url).hostname or "")
                response = session.request(
                    method,
                    f"{self.url}{path}",
                    timeout=(min(_CONNECT, timeout), timeout),
                    **options,
                )
        # Not chained: what these come from holds the whole address.
        except requests.Timeout:
            raise self.no_answer("does not answer in time") from None
        except (requests.RequestException, ValueError) as error:
            message = f"{self.name} does not answer at {self.shown}: {type(error).__name__}"
            raise NoAnswer(message, self.hint) from None
        if response.is_redirect:  # a status with a place to go to
            raise self.no_answer(f"answers with a redirect to {_origin(response)}, which is not followed")
        return response


class _Session(requests.Session):
    """A session that follows no redirect, nor looks at where one leads."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: there is no further request."""


def _origin(response: requests.Response) -> str:
    """Where a redirect leads, without a path, in which a token may stand."""
    try:
        there = urlsplit(response.headers["location"])
        where = f"{there.scheme}://{there.hostname}" if there.hostname else "another path"
        return where + (f":{there.port}" if there.port else "")
    except ValueError:
        return "no address"
