"""Calls to models: results, tokens, costs by list price, totals by tenant; each call counted once."""

import asyncio
from collections.abc import Mapping
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from genai_prices import Usage, calc_price
from lookout_instrumentation import context
from lookout_instrumentation.llm import model_label
from lookout_instrumentation.tokens import Tokens, tokens_in

from tests.instrumentation.recorder import Recorder, recorder

PROVIDER, MODEL = "openai", "gpt-5-mini"
KEY = (PROVIDER, MODEL)


class RateLimitError(Exception):
    """As the clients of providers call it."""


def price(model: str = MODEL, provider: str = PROVIDER, **usage: int) -> float:
    return float(calc_price(Usage(**usage), model, provider_id=provider).total_price)


def test_every_series_of_a_model_starts_at_zero() -> None:
    recorded = Recorder()
    recorded.lookout.llm.declare(PROVIDER, MODEL)
    assert recorded.series("llm_requests_total") == {
        (*KEY, result): 0 for result in ("ok", "error", "rate_limited", "timeout")
    }
    assert recorded.series("llm_tokens_total") == {(*KEY, kind): 0 for kind in ("input", "output", "cached")}
    for name in ("llm_cost_usd_total", "llm_unpriced_requests_total", "llm_request_duration_seconds_count"):
        assert recorded.series(name) == {KEY: 0}
    assert recorded.series("cost_usd_total") == {(PROVIDER,): 0}
    assert recorded.series("llm_tenant_tokens_total") == {}


def test_a_call_counts_its_tokens_and_costs_once() -> None:
    recorded = Recorder()
    with recorded.lookout.llm.call(PROVIDER, MODEL, tenant="acme") as call:
        call.usage(input_tokens=10, output_tokens=1)
        call.usage(input_tokens=1000, output_tokens=100, cached_tokens=200)
    call.usage(input_tokens=5, output_tokens=5)
    cost = price(input_tokens=1000, output_tokens=100, cache_read_tokens=200)
    assert recorded.counted("llm_requests_total") == {(*KEY, "ok"): 1}
    assert recorded.counted("llm_tokens_total") == {(*KEY, "input"): 800, (*KEY, "output"): 100, (*KEY, "cached"): 200}
    assert recorded.counted("llm_cost_usd_total") == {KEY: pytest.approx(cost)}
    assert recorded.counted("cost_usd_total") == {(PROVIDER,): pytest.approx(cost)}
    assert recorded.counted("llm_tenant_tokens_total") == {("acme",): 1100}
    assert recorded.counted("llm_tenant_cost_usd_total") == {("acme",): pytest.approx(cost)}
    assert recorded.counted("llm_request_duration_seconds_count") == {KEY: 1}
    assert recorded.counted("llm_unpriced_requests_total") == {}
    assert cost > 0
    assert call.cost_usd == pytest.approx(cost)


def test_usage_that_is_known_after_the_block_counts() -> None:
    recorded = Recorder()
    with recorded.lookout.llm.call(PROVIDER, MODEL) as call:
        pass
    call.usage(input_tokens=7, output_tokens=3)
    call.usage(input_tokens=7, output_tokens=3)
    assert recorded.counted("llm_tokens_total") == {(*KEY, "input"): 7, (*KEY, "output"): 3}


def test_a_price_that_the_answer_shows_goes_before_the_list() -> None:
    recorded = Recorder()
    with recorded.lookout.llm.call("openrouter", "no/such-model") as call:
        call.usage(10, 10, cost_usd=0.125)
    assert recorded.counted("llm_cost_usd_total") == {("openrouter", "no/such-model"): 0.125}
    assert recorded.counted("llm_unpriced_requests_total") == {}


@pytest.mark.parametrize(
    ("error", "result"), [(RateLimitError(), "rate_limited"), (TimeoutError(), "timeout"), (ValueError(), "error")]
)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_call_that_fails(error: Exception, result: str, is_async: bool) -> None:
    recorded = Recorder()
    call = recorded.lookout.llm.call(PROVIDER, MODEL)

    async def run() -> None:
        async with call:
            raise error

    with structlog.testing.capture_logs() as lines, pytest.raises(type(error)) as raised:
        if is_async:
            asyncio.run(run())
        else:
            with call:
                raise error
    assert raised.value is error
    assert recorded.counted("llm_requests_total") == {(*KEY, result): 1}
    assert recorded.counted("llm_request_duration_seconds_count") == {KEY: 1}
    (line,) = lines
    assert line.pop("duration_ms") >= 0
    assert line == {
        "event": "call to a model failed",
        "log_level": "warning",
        "provider": PROVIDER,
        "model": MODEL,
        "result": result,
        "error_type": type(error).__name__,
    }


def test_what_a_failed_call_used_is_paid_for() -> None:
    recorded = Recorder()
    with pytest.raises(ValueError), recorded.lookout.llm.call(PROVIDER, MODEL) as call:
        call.usage(100, 10)
        raise ValueError
    assert recorded.counted("llm_tokens_total") == {(*KEY, "input"): 100, (*KEY, "output"): 10}


def test_a_stream_that_no_one_reads_on_is_no_failure() -> None:
    recorded = Recorder()

    def stream() -> Any:
        with recorded.lookout.llm.call(PROVIDER, MODEL) as call:
            call.usage(100, 1)
            yield "one"
            yield "two"

    chunks = stream()
    next(chunks)
    chunks.close()
    assert recorded.counted("llm_requests_total") == {(*KEY, "ok"): 1}
    assert recorded.counted("llm_tokens_total")[*KEY, "output"] == 1


@pytest.mark.parametrize(("provider", "model"), [("openai", "no-such-model"), ("in-house", MODEL)])
def test_a_model_without_a_price_costs_nothing_and_is_reported_once(provider: str, model: str) -> None:
    recorded = Recorder()
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            with recorded.lookout.llm.call(provider, model) as call:
                call.usage(100, 10)
    assert recorded.counted("llm_unpriced_requests_total") == {(provider, model): 3}
    assert recorded.counted("llm_cost_usd_total") == {}
    assert recorded.series("llm_cost_usd_total") == {(provider, model): 0}
    assert [(line["event"], line["provider"], line["model"]) for line in lines] == [
        ("model without a price", provider, model)
    ]


def test_the_tenant_is_the_one_of_the_request_unless_another_is_given() -> None:
    recorded = Recorder()

    def use(tenant: str | None = None) -> None:
        with recorded.lookout.llm.call(PROVIDER, MODEL, tenant) as call:
            call.usage(1, 0)

    def handle() -> None:
        context.begin()
        use()
        context.bind(tenant="acme")
        use()
        use("borealis")

    copy_context().run(handle)
    use()
    assert recorded.counted("llm_tenant_tokens_total") == {("acme",): 1, ("borealis",): 1}
    assert recorded.counted("llm_requests_total") == {(*KEY, "ok"): 4}


def test_a_tenant_that_was_bound_in_a_thread_is_that_of_the_request() -> None:
    recorded = Recorder()

    async def handle() -> None:
        context.begin()
        await asyncio.to_thread(context.bind, tenant="acme")
        async with recorded.lookout.llm.call(PROVIDER, MODEL) as call:
            call.usage(1, 0)

    asyncio.run(handle())
    assert recorded.counted("llm_tenant_tokens_total") == {("acme",): 1}


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("gpt-5-mini", "gpt-5-mini"),
        ("gpt-5-mini-2025-08-07", "gpt-5-mini"),
        ("GPT-4o ", "gpt-4o"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("claude-3-5-haiku-latest", "claude-3-5-haiku"),
        ("models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("", "none"),
        ("m" * 500, "m" * 60),
    ],
)
def test_a_model_has_one_label_whatever_its_snapshot(model: str, label: str) -> None:
    assert model_label(model) == label


def test_the_price_is_that_of_the_snapshot() -> None:
    recorded = Recorder()
    with recorded.lookout.llm.call("anthropic", "claude-sonnet-4-5-20250929") as call:
        call.usage(1000, 100)
    expected = price("claude-sonnet-4-5-20250929", "anthropic", input_tokens=1000, output_tokens=100)
    assert recorded.counted("llm_cost_usd_total") == {("anthropic", "claude-sonnet-4-5"): pytest.approx(expected)}


def test_models_and_tenants_beyond_the_budget_are_counted_together() -> None:
    recorded = recorder(label_budgets={"model": 3, "tenant": 4}, series_budget=100_000)
    for number in range(2000):
        with recorded.lookout.llm.call(PROVIDER, f"made-up-{number}", tenant=f"tenant-{number}") as call:
            call.usage(1, 1, cost_usd=1)
    assert len(recorded.series("llm_tokens_total")) == 4 * 3
    assert recorded.counted("llm_requests_total")[PROVIDER, "other", "ok"] == 1997
    assert len(recorded.series("llm_tenant_cost_usd_total")) == 5
    assert sum(recorded.series("llm_tenant_cost_usd_total").values()) == 2000


# --- reading answers ----------------------------------------------------------------------------------------


def _objects(value: Any) -> Any:
    """The same as objects with attributes, as clients give it."""
    if isinstance(value, Mapping):
        return SimpleNamespace(**{name: _objects(item) for name, item in value.items()})
    return value


@pytest.mark.parametrize(
    ("response", "tokens"),
    [
        ({"usage": {"prompt_tokens": 9, "completion_tokens": 3}}, Tokens(9, 3)),
        (
            {"usage": {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}},
            Tokens(9, 3, 4),
        ),
        ({"usage": {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": None}}, Tokens(9, 3)),
        ({"usage": {"prompt_tokens": 9, "total_tokens": 9}}, Tokens(9, 0)),  # embeddings
        (
            {"usage": {"input_tokens": 9, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 4}}},
            Tokens(9, 3, 4),
        ),
        ({"usage": {"input_tokens": 9, "output_tokens": 3}}, Tokens(9, 3)),
        (
            {
                "usage": {
                    "input_tokens": 9,
                    "output_tokens": 3,
                    "cache_read_input_tokens": 100,
                    "cache_creation_input_tokens": 50,
                }
            },
            Tokens(159, 3, 100, 50),
        ),
        (
            {
                "usageMetadata": {
                    "promptTokenCount": 9,
                    "candidatesTokenCount": 3,
                    "thoughtsTokenCount": 20,
                    "cachedContentTokenCount": 5,
                }
            },
            Tokens(9, 23, 5),
        ),
        ({"usage_metadata": {"prompt_token_count": 9, "candidates_token_count": 3}}, Tokens(9, 3)),
        ({"usage": {"prompt_tokens": "9", "completion_tokens": 3}}, Tokens(0, 3)),
        ({"usage": {"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 5}}}, Tokens(5, 0, 5)),
        ({"usage": {"prompt_tokens": -3, "completion_tokens": float("nan")}}, Tokens(0, 0)),
        ({"usage": {"prompt_tokens": float("inf"), "completion_tokens": None}}, Tokens(0, 0)),
        ({"usage": None}, None),
        ({"usage": {}}, None),
        ({"choices": []}, None),
    ],
)
@pytest.mark.parametrize("shape", ["dict", "objects"])
def test_the_usage_that_an_answer_shows(shape: str, response: Any, tokens: Tokens | None) -> None:
    stated = response if shape == "dict" else _objects(response)
    assert tokens_in(stated) == tokens


@pytest.mark.parametrize("response", [None, "text", b"", 3, [], object()])
def test_an_answer_without_usage_is_given_back_and_counts_no_tokens(response: Any) -> None:
    recorded = Recorder()
    with recorded.lookout.llm.call(PROVIDER, MODEL) as call:
        assert call.response(response) is response
    assert recorded.counted("llm_tokens_total") == {}
    assert recorded.counted("llm_requests_total") == {(*KEY, "ok"): 1}


def test_tokens_written_to_the_providers_cache_have_their_price() -> None:
    recorded = Recorder()
    usage = {"input_tokens": 9, "output_tokens": 3, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 50}
    with recorded.lookout.llm.call("anthropic", "claude-sonnet-4-5") as call:
        call.response({"usage": usage})
    expected = price(
        "claude-sonnet-4-5",
        "anthropic",
        input_tokens=159,
        output_tokens=3,
        cache_read_tokens=100,
        cache_write_tokens=50,
    )
    assert call.cost_usd == pytest.approx(expected)
    assert recorded.counted("llm_tokens_total")["anthropic", "claude-sonnet-4-5", "input"] == 59
