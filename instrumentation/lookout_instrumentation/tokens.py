"""Reads from a model's answer how many tokens it took, whichever of the known shapes the answer has.

Answers are dicts (JSON as it came) or objects of a provider's client: both are read the same way.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self


@dataclass(frozen=True)
class Tokens:
    """What one call used. `input` is all of it: `cached` and `cache_written` tokens are among them."""

    input: int
    output: int
    cached: int = 0
    cache_written: int = 0

    @classmethod
    def of(cls, input: Any, output: Any, cached: Any = 0, cache_written: Any = 0) -> Self:
        """Of numbers that may be missing or wrong: a part is never more than the whole."""
        known = [_count(value) for value in (input, output, cached, cache_written)]
        return cls(max(known[0], known[2] + known[3]), known[1], known[2], known[3])


# Where the usage is, and how each provider calls its parts.
_USAGE: Final = ("usage", "usage_metadata", "usageMetadata")
_OUTPUT: Final = ("output_tokens", "completion_tokens", "candidates_token_count", "candidatesTokenCount")
_INPUT: Final = ("input_tokens", "prompt_tokens", "prompt_token_count", "promptTokenCount")
_DETAILS: Final = ("input_tokens_details", "prompt_tokens_details")
# Google counts what a model thinks apart from what it says, and is paid for both.
_THOUGHT: Final = ("thoughts_token_count", "thoughtsTokenCount")
_CACHED: Final = ("cached_content_token_count", "cachedContentTokenCount")


def tokens_in(response: Any) -> Tokens | None:
    """The tokens that an answer reports, or None when it reports none."""
    usage = _first(response, _USAGE)
    if usage is None:
        return None
    given, output = _first(usage, _INPUT), _first(usage, _OUTPUT)
    if given is None and output is None:
        return None
    read, written = _get(usage, "cache_read_input_tokens"), _get(usage, "cache_creation_input_tokens")
    if read is not None or written is not None:  # Anthropic: what was cached is not among the input
        cached, stored = _count(read), _count(written)
        return Tokens.of(_count(given) + cached + stored, output, cached, stored)
    cached = _count(_get(_first(usage, _DETAILS), "cached_tokens")) or _count(_first(usage, _CACHED))
    return Tokens.of(given, _count(output) + _count(_first(usage, _THOUGHT)), cached)


def _first(thing: Any, names: tuple[str, ...]) -> Any:
    return next((found for name in names if (found := _get(thing, name)) is not None), None)


def _get(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def _count(value: Any) -> int:
    return max(0, int(value)) if isinstance(value, int | float) and math.isfinite(value) else 0
