"""What a call costs by the provider's list price: the table of genai-prices, as it was when that was released.

Nothing is fetched. A model that the table does not know costs nothing here, and that is said once and counted.
"""

from contextlib import suppress
from typing import Any, Final

import structlog

from lookout_instrumentation.tokens import Tokens

# More unknown models than this mean invented names.
_MOST_REPORTED: Final = 100

log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("lookout.llm")


class Prices:
    """The list prices; without the extra `llm` there are none."""

    def __init__(self) -> None:
        self._reported: set[tuple[str, str]] = set()
        self._genai: Any = None
        try:
            import genai_prices
        except ImportError:
            log.warning("costs of models are not known: the extra `llm` is not installed")
        else:
            self._genai = genai_prices
            with suppress(Exception):  # reads the table now, and not in a request
                genai_prices.calc_price(genai_prices.Usage(input_tokens=1), "gpt-4o", provider_id="openai")

    def cost(self, provider: str, model: str, used: Tokens) -> float | None:
        """What this use cost in US dollars, or None when there is no price for it."""
        if self._genai is None:
            return None
        usage = self._genai.Usage(
            input_tokens=used.input,
            output_tokens=used.output,
            cache_read_tokens=used.cached or None,
            cache_write_tokens=used.cache_written or None,
        )
        try:
            return float(self._genai.calc_price(usage, model, provider_id=provider.lower()).total_price)
        except Exception as error:  # no such model, or a use that has no price: never the app's trouble
            self._report(provider, model, error)
            return None

    def _report(self, provider: str, model: str, error: Exception) -> None:
        if (provider, model) not in self._reported and len(self._reported) < _MOST_REPORTED:
            self._reported.add((provider, model))
            log.warning("model without a price", provider=provider, model=model, error_type=type(error).__name__)
