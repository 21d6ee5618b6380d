"""Calls to language models: how they end, how long they take, what they use, and what that costs by list price.

Owns the counting; prices are those of `prices`, usage is read by `tokens`. Tokens and costs are written once, when a
call ends, whether it ended well or not: a provider takes money for both.
"""

import re
from typing import Final, TypeVar

import structlog

from lookout_instrumentation import context
from lookout_instrumentation.careful import careful, left_out
from lookout_instrumentation.costs import Costs
from lookout_instrumentation.metrics import Metrics
from lookout_instrumentation.outcome import RESULTS, Timed, bounded, result_of
from lookout_instrumentation.prices import Prices
from lookout_instrumentation.redaction import shown_text
from lookout_instrumentation.tokens import Tokens, tokens_in

TYPES: Final = ("input", "output", "cached")
# A model's snapshot is the same model: -2025-08-07, -20250929, @20250929, -latest; Google puts a folder in front.
_SNAPSHOT: Final = re.compile(r"[-@](?:\d{4}-\d{2}-\d{2}|20\d{6}|latest)$")

# More than any name is long, with all that is taken off it.
_MAX_MODEL: Final = 200

T = TypeVar("T")

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("lookout.llm")


def model_label(model: str) -> str:
    """A model's name as a label: without the date of its snapshot, so that a new one is no new series."""
    return bounded(_SNAPSHOT.sub("", bounded(model, _MAX_MODEL).lower().removeprefix("models/")))


def _tenant_of_request() -> str | None:
    bound = structlog.contextvars.get_contextvars()
    # What a dependency that ran in a thread has bound is in the request's notes alone.
    tenant: str | None = bound.get("tenant") or (context.notes() or {}).get("bound", {}).get("tenant")
    return tenant


@careful("call")
class LLM:
    """Counts the calls of one app to all of its models."""

    def __init__(self, metrics: Metrics, costs: Costs) -> None:
        self._requests = metrics.get("llm_requests_total")
        self._duration = metrics.get("llm_request_duration_seconds")
        self._tokens = metrics.get("llm_tokens_total")
        self._cost = metrics.get("llm_cost_usd_total")
        self._unpriced = metrics.get("llm_unpriced_requests_total")
        self._tenant_tokens = metrics.get("llm_tenant_tokens_total")
        self._tenant_cost = metrics.get("llm_tenant_cost_usd_total")
        self._costs = costs
        self._prices = Prices()
        self._declared: set[tuple[str, str]] = set()

    def declare(self, provider: str, *models: str) -> None:
        """Start the series of these models at zero, best when the app starts: the first use reads the price list."""
        for model in models:
            self._start((bounded(provider), model_label(model)))

    def call(self, provider: str, model: str, tenant: str | None = None) -> "Call":
        """A block that calls a model once. The tenant is the one bound to the request, unless another is given."""
        return Call(self, provider, model, tenant)

    def _start(self, labels: tuple[str, str]) -> None:
        if labels in self._declared:
            return
        for result in RESULTS:
            self._requests.labels(*labels, result)
        for kind in TYPES:
            self._tokens.labels(*labels, kind)
        for family in (self._duration, self._cost, self._unpriced):
            family.labels(*labels)
        self._costs.spent(labels[0], 0)
        if len(self._declared) < 1000:  # beyond that they are all `other`
            self._declared.add(labels)

    def _ended(self, call: "Call", error: BaseException | None, seconds: float) -> None:
        result = result_of(error)
        self._requests.labels(*call.labels, result).inc()
        self._duration.labels(*call.labels).observe(seconds)
        if error is not None and result != "ok":
            log.warning(
                "call to a model failed",
                provider=call.labels[0],
                model=call.labels[1],
                result=result,
                error_type=type(error).__name__,
                duration_ms=round(seconds * 1000, 2),
            )

    def _used(self, call: "Call", used: Tokens, cost_usd: float | None) -> float:
        """Write what a call used, and return what it cost."""
        for kind, number in zip(TYPES, (used.input - used.cached, used.output, used.cached), strict=True):
            self._tokens.labels(*call.labels, kind).inc(number)
        if cost_usd is None:
            cost_usd = self._prices.cost(call.provider, call.model, used)
        if cost_usd is None:
            self._unpriced.labels(*call.labels).inc()
            cost_usd = 0.0
        self._cost.labels(*call.labels).inc(cost_usd)
        self._costs.spent(call.labels[0], cost_usd)
        if call.tenant:
            tenant = bounded(call.tenant)
            self._tenant_tokens.labels(tenant).inc(used.input + used.output)
            self._tenant_cost.labels(tenant).inc(cost_usd)
        return cost_usd


@careful("response")
class Call(Timed):
    """One call to a model."""

    def __init__(self, llm: LLM, provider: str, model: str, tenant: str | None) -> None:
        self.provider = provider
        self.model = model
        self.tenant = (shown_text(tenant) if tenant is not None else "") or _tenant_of_request()
        # Known when the call has ended: what it cost, 0 for a model without a price.
        self.cost_usd = 0.0
        self._llm = llm
        self._used: tuple[Tokens, float | None] | None = None
        self._has_ended = False
        self._is_written = False
        self.labels = (bounded(provider), model_label(model))
        llm._start(self.labels)

    def usage(
        self, input_tokens: int, output_tokens: int, cached_tokens: int = 0, *, cost_usd: float | None = None
    ) -> None:
        """Say what the call used, in total: a later figure, as streams give them, replaces an earlier one.

        `input_tokens` include those that the provider had cached. `cost_usd` is the price, if the answer has it.
        """
        self._use(Tokens.of(input_tokens, output_tokens, cached_tokens), cost_usd)

    def response(self, response: T) -> T:
        """Read the usage from an answer in the shape of OpenAI's, Anthropic's or Google's, and give it back."""
        try:
            used = tokens_in(response)
            if used is not None:
                self._use(used, None)
        except Exception as error:  # an answer that cannot be read is still the app's
            left_out("Call.response", error)
        return response

    def _use(self, used: Tokens, cost_usd: float | None) -> None:
        self._used = (used, cost_usd)
        if self._has_ended:
            self._write()

    def _ended(self, error: BaseException | None, seconds: float) -> None:
        self._has_ended = True
        self._llm._ended(self, error, seconds)
        self._write()

    def _write(self) -> None:
        if self._used is not None and not self._is_written:
            self._is_written = True
            self.cost_usd = self._llm._used(self, *self._used)
