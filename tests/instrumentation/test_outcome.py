"""How calls end is stated by the shape of an exception or an answer, and what comes from outside is a bounded label."""

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import pytest
from lookout_instrumentation.outcome import Result, bounded, result_of, result_of_status, status_of


class _Error(Exception):
    def __init__(self, **fields: Any) -> None:
        super().__init__()
        self.__dict__.update(fields)


class RateLimitError(_Error):
    """As OpenAI's and Anthropic's clients call it."""


class ProviderRateLimit(RateLimitError):
    """As an app may derive from it."""


class ThrottlingException(_Error):
    """As AWS calls it."""


class ResourceExhausted(_Error):
    """As Google's client calls it."""


class APITimeoutError(_Error):
    """As OpenAI's client calls it."""


class ReadTimeout(_Error):
    """As HTTP clients call it."""


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (None, "ok"),
        (GeneratorExit(), "ok"),
        (ValueError("no"), "error"),
        (ConnectionRefusedError(), "error"),
        (KeyboardInterrupt(), "error"),
        (TimeoutError(), "timeout"),
        (socket.timeout(), "timeout"),  # noqa: UP041  # the name under which it is known
        (asyncio.CancelledError(), "timeout"),
        (APITimeoutError(), "timeout"),
        (ReadTimeout(), "timeout"),
        (_Error(status_code=408), "timeout"),
        (_Error(response=SimpleNamespace(status_code=504)), "timeout"),
        (RateLimitError(), "rate_limited"),
        (ProviderRateLimit(), "rate_limited"),
        (ThrottlingException(), "rate_limited"),
        (ResourceExhausted(), "rate_limited"),
        (_Error(status_code=429), "rate_limited"),
        (_Error(response=SimpleNamespace(status_code=429)), "rate_limited"),
        (_Error(status=429, code=20429), "rate_limited"),
        (_Error(code=429), "rate_limited"),
        (_Error(status_code=500), "error"),
        (_Error(status_code=401), "error"),
        (_Error(code=1, response=None), "error"),
        (_Error(status_code=True), "error"),
    ],
    ids=repr,
)
def test_what_an_exception_counts_as(error: BaseException | None, result: Result) -> None:
    assert result_of(error) == result


@pytest.mark.parametrize(
    ("status", "result"),
    [(200, "ok"), (304, "ok"), (400, "error"), (404, "error"), (408, "timeout"), (429, "rate_limited"), (500, "error")],
)
def test_what_a_status_counts_as(status: int, result: Result) -> None:
    assert result_of_status(status) == result


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (SimpleNamespace(status_code=201), 201),
        (SimpleNamespace(status=404), 404),
        (SimpleNamespace(status="ok", code=503), 503),
        (SimpleNamespace(response=SimpleNamespace(status_code=500)), 500),
        (SimpleNamespace(code=20429), None),
        (object(), None),
    ],
)
def test_where_a_status_is(answer: object, status: int | None) -> None:
    assert status_of(answer) == status


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("acme", "acme"),
        (42, "42"),
        ("  two\n words ", "two words"),
        ("", "none"),
        ("\x00", "\x00"),
        ("x" * 1_000_000, "x" * 60),
        ("half \ud83d of a pair", "half ? of a pair"),
    ],
)
def test_what_a_value_is_as_a_label(value: object, label: str) -> None:
    assert bounded(value) == label
    label.encode()
