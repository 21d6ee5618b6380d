"""APIs of other companies: calls, how they end, how much of the quota is used, and whether a circuit breaker is open.

Owns no circuit breaker: `listener` reports the state of one of pybreaker's, and `circuit` that of any other.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from lookout_instrumentation.careful import careful
from lookout_instrumentation.metrics import Metrics
from lookout_instrumentation.outcome import RESULTS, Result, Timed, bounded, result_of, result_of_status, status_of

Circuit = Literal["closed", "half_open", "open"]

_STATES: Final[Mapping[str, int]] = {"closed": 0, "half_open": 1, "open": 2}
# Limit and what is left of it, as they are called by most APIs, by OpenAI's kind, and by the draft standard.
_QUOTA_HEADERS: Final = (
    ("x-ratelimit-limit", "x-ratelimit-remaining"),
    ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"),
    ("ratelimit-limit", "ratelimit-remaining"),
)


class Externals:
    """The APIs that one app calls; called with a name, it gives the one of that name."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._apis: dict[str, External] = {}

    def __call__(self, api: str) -> "External":
        """The recorder of `api`; its series start at zero."""
        api = bounded(api)
        if api not in self._apis:
            self._apis[api] = External(self._metrics, api)
        return self._apis[api]


@careful("call")
class External:
    """Counts and times the calls to one API."""

    def __init__(self, metrics: Metrics, api: str) -> None:
        self._metrics = metrics
        self._api = api
        requests = metrics.get("external_requests_total")
        self._results = {result: requests.labels(api, result) for result in RESULTS}
        self._duration = metrics.get("external_request_duration_seconds").labels(api)
        # It has what pybreaker asks of a listener, without being of its class: that would be a dependency.
        self.listener: Any = CircuitListener(self)

    def call(self) -> "ExternalCall":
        """A block that calls the API once."""
        return ExternalCall(self)

    def quota(self, used: float, limit: float) -> None:
        """Report how much of the quota is used, in the provider's unit."""
        self._metrics.get("external_quota_used").labels(self._api).set(used)
        self._metrics.get("external_quota_limit").labels(self._api).set(limit)

    def circuit(self, state: Circuit) -> None:
        """Report the state of the circuit breaker in front of the API."""
        self._metrics.get("external_circuit_state").labels(self._api).set(_STATES[state])

    def quota_from(self, headers: Mapping[str, str]) -> None:
        """Read the quota from an answer's headers, if they have it."""
        values = {name.lower(): value for name, value in headers.items()}
        for limit, left in _QUOTA_HEADERS:
            try:
                most, rest = float(values[limit]), float(values[left])
            except (KeyError, ValueError):
                continue
            self.quota(used=max(0.0, most - rest), limit=most)
            return

    def _count(self, result: Result, seconds: float) -> None:
        self._results[result].inc()
        self._duration.observe(seconds)


@careful()
class ExternalCall(Timed):
    """One call to an API."""

    def __init__(self, api: External) -> None:
        self._api = api
        self._result: Result = "ok"

    def response(self, response: Any) -> None:
        """Read status and quota from an answer of httpx, requests, aiohttp or the like."""
        status = status_of(response)
        if status is not None:
            self._result = result_of_status(status)
        headers = getattr(response, "headers", None)
        if isinstance(headers, Mapping):
            self._api.quota_from(headers)

    def result(self, result: Result) -> None:
        """Set the result, when neither an exception nor the status shows it: a 404 can be a good answer."""
        self._result = result

    def _ended(self, error: BaseException | None, seconds: float) -> None:
        self._api._count(self._result if error is None else result_of(error), seconds)


@careful()
class CircuitListener:
    """Reports the state of a breaker of pybreaker's: `breaker.add_listener(lookout.external("sms").listener)`."""

    def __init__(self, api: External) -> None:
        self._api = api

    def state_change(self, _breaker: Any, _old: Any, new: Any) -> None:
        """The breaker has another state now."""
        name = str(getattr(new, "name", new)).replace("-", "_")
        if name in _STATES:
            self._api.circuit(name)  # type: ignore[arg-type]  # it is one of them

    def before_call(self, *_args: Any, **_kwargs: Any) -> None:
        """Nothing: calls are counted where they are made."""

    def success(self, *_args: Any) -> None:
        """Nothing."""

    def failure(self, *_args: Any) -> None:
        """Nothing."""
