"""Reads through a cache are hits, misses or errors, each counted once and timed."""

import asyncio
import time

import pytest

from tests.instrumentation.recorder import Recorder

ZERO = {("items", "hit"): 0.0, ("items", "miss"): 0.0, ("items", "error"): 0.0}
REQUESTS = "cache_requests_total"


def test_every_result_starts_at_zero() -> None:
    recorded = Recorder()
    recorded.lookout.cache("items")
    assert recorded.series(REQUESTS) == ZERO
    assert recorded.series("cache_operation_duration_seconds_count") == {("items",): 0}


@pytest.mark.parametrize(("found", "result"), [(True, "hit"), (False, "miss"), (None, "miss")])
def test_a_read(found: bool | None, result: str) -> None:
    recorded = Recorder()
    with recorded.lookout.cache("items").read() as read:
        if found is not None:
            read.hit(found)
    assert recorded.series(REQUESTS) == ZERO | {("items", result): 1}
    assert recorded.counted("cache_operation_duration_seconds_count") == {("items",): 1}


@pytest.mark.parametrize("kind", ["read", "write"])
def test_one_that_fails_passes_its_exception_on(kind: str) -> None:
    recorded, error = Recorder(), ConnectionError()
    with pytest.raises(ConnectionError) as raised, getattr(recorded.lookout.cache("items"), kind)():
        raise error
    assert raised.value is error
    assert recorded.counted(REQUESTS) == {("items", "error"): 1}
    assert recorded.counted("cache_operation_duration_seconds_count") == {("items",): 1}


def test_a_write_is_timed_and_is_no_read() -> None:
    recorded = Recorder()
    with recorded.lookout.cache("items").write():
        time.sleep(0.01)
    assert recorded.counted(REQUESTS) == {}
    assert recorded.series("cache_operation_duration_seconds_sum")[("items",)] >= 0.01


def test_a_plain_function_that_reads() -> None:
    recorded = Recorder()

    @recorded.lookout.cache("items").reads
    def read(key: str, *, default: str | None = None) -> str | None:
        """Read."""
        if key == "broken":
            raise OSError
        return {"a": ""}.get(key, default)

    assert [read("a"), read("b"), read("b", default="c"), read.__doc__] == ["", None, "c", "Read."]
    with pytest.raises(OSError):
        read("broken")
    assert recorded.series(REQUESTS) == {("items", "hit"): 2, ("items", "miss"): 1, ("items", "error"): 1}


def test_an_async_function_that_reads() -> None:
    recorded = Recorder()

    @recorded.lookout.cache("items").reads
    async def read(key: str) -> str | None:
        await asyncio.sleep(0.02)
        return {"a": "1"}.get(key)

    async def run() -> list[str | None]:
        return list(await asyncio.gather(read("a"), read("b")))

    assert asyncio.run(run()) == ["1", None]
    assert recorded.series(REQUESTS) == ZERO | {("items", "hit"): 1, ("items", "miss"): 1}
    assert recorded.series("cache_operation_duration_seconds_sum")[("items",)] >= 0.04


def test_two_caches_are_two_and_the_same_name_is_one() -> None:
    lookout = Recorder().lookout
    assert lookout.cache("items") is lookout.cache("items")
    assert lookout.cache("items") is not lookout.cache("sessions")
