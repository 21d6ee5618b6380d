"""Which dependency is up is found out in time, without loading it, and the same with and without an event loop."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from lookout_instrumentation.health import CheckResult, Health
from lookout_instrumentation.metrics import Metrics
from prometheus_client import CollectorRegistry

from tests.instrumentation.apps import captured, settings_in
from tests.support.waiting import until

Ask = Callable[[Health], Mapping[str, CheckResult]]
WAYS: Mapping[str, Ask] = {
    "with a loop": lambda health: asyncio.run(_results(health)),
    "without": lambda health: health.results_now(),
}


async def _results(health: Health) -> Mapping[str, CheckResult]:
    return await asyncio.wait_for(health.results(), 30)


@pytest.fixture(params=WAYS)
def ask(request: pytest.FixtureRequest) -> Ask:
    return WAYS[request.param]


def health_of(folder: Path, checks: Mapping[str, Callable[[], Any]], **more: Any) -> Health:
    return Health(checks, Metrics(settings_in(folder, **{"health_timeout_seconds": 0.5, **more})))


async def _answers() -> None:
    return None


async def _fails() -> None:
    raise OSError("refused by 10.0.0.1")


async def _hangs() -> None:
    await asyncio.sleep(60)


def _fails_plainly() -> None:
    raise ValueError("10.0.0.1")


_end = threading.Event()


def _hangs_plainly() -> None:
    _end.wait(60)


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        pytest.param({}, {}, id="no dependency, nothing to fail"),
        pytest.param({"a": _answers}, {"a": (True, None)}, id="one that answers is up"),
        pytest.param({"a": _fails}, {"a": (False, "OSError")}, id="one that fails is down, address unsaid"),
        pytest.param({"a": _hangs}, {"a": (False, "TimeoutError")}, id="one that hangs is down in time"),
        pytest.param({"a": lambda: None}, {"a": (True, None)}, id="a plain function that answers"),
        pytest.param({"a": _fails_plainly}, {"a": (False, "ValueError")}, id="a plain function that fails"),
        pytest.param({"a": _hangs_plainly}, {"a": (False, "TimeoutError")}, id="a plain function that hangs"),
        pytest.param({"a": lambda: _fails()}, {"a": (False, "OSError")}, id="a plain function that gives a coroutine"),
        pytest.param(
            {"a": _answers, "b": _fails, "c": _hangs, "d": _hangs_plainly},
            {"a": (True, None), "b": (False, "OSError"), "c": (False, "TimeoutError"), "d": (False, "TimeoutError")},
            id="each is judged by itself",
        ),
    ],
)
def test_readiness_truth_table(
    tmp_path: Path, ask: Ask, checks: dict[str, Callable[[], Any]], expected: dict[str, tuple[bool, str | None]]
) -> None:
    _end.clear()
    health = health_of(tmp_path, checks)
    began = time.monotonic()
    results = ask(health)
    assert time.monotonic() - began < 15, "what hangs does so for a minute, and each has its limit"
    _end.set()
    assert {name: (result.up, result.error) for name, result in results.items()} == expected
    status, body = health.ready(results)
    assert status == (200 if all(up for up, _ in expected.values()) else 503)
    assert "10.0.0.1" not in str(body)
    registry: CollectorRegistry = health._up._owner.registry
    for name, (up, _) in expected.items():
        assert registry.get_sample_value("app_dependency_up", {"dependency": name}) == up
        latency = registry.get_sample_value("app_dependency_latency_seconds", {"dependency": name})
        assert latency is not None and 0 <= latency < 15


def test_a_burst_of_probes_is_one_check_with_a_loop(tmp_path: Path) -> None:
    asked = 0

    async def check() -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)

    async def burst() -> None:
        health = health_of(tmp_path, {"a": check}, health_max_age_seconds=60.0)
        await asyncio.gather(*(health.results() for _ in range(50)))

    asyncio.run(burst())
    assert asked == 1


def test_a_burst_of_probes_is_one_check_without_a_loop(tmp_path: Path) -> None:
    asked: list[int] = []

    def check() -> None:
        asked.append(1)
        time.sleep(0.01)

    health = health_of(tmp_path, {"a": check}, health_max_age_seconds=60.0)
    threads = [threading.Thread(target=health.results_now) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1


def test_a_check_that_hangs_is_not_started_again_while_it_does(tmp_path: Path, ask: Ask) -> None:
    started, end = [], threading.Event()

    def check() -> None:
        started.append(1)
        end.wait(60)

    health = health_of(tmp_path, {"a": check}, health_timeout_seconds=0.2, health_max_age_seconds=0.001)
    try:
        for _ in range(3):
            assert not ask(health)["a"].up
            time.sleep(0.01)
        assert len(started) == 1
    finally:
        end.set()
    until(lambda: ask(health)["a"].up, "it answers again")


def test_a_turn_is_reported_once_and_not_at_every_check(tmp_path: Path, ask: Ask) -> None:
    up = True

    def check() -> None:
        if not up:
            raise ConnectionError

    with captured() as records:
        health = health_of(tmp_path, {"cache": check}, health_max_age_seconds=0.0001)
        for up in (True, True, False, False, True):  # noqa: B007  # the check reads it
            time.sleep(0.001)
            ask(health)
    lines = [(r["level"], r["dependency"]) for r in records if r["logger"] == "lookout.health"]
    assert lines == [("info", "cache"), ("error", "cache"), ("info", "cache")]


def test_what_is_reported_of_the_process(tmp_path: Path) -> None:
    health = health_of(tmp_path, {"db": _answers, "cache": _fails})
    assert health.alive()[0] == 200
    assert {"status", "timestamp", "service", "version"} <= health.alive()[1].keys()
    assert {"uptime_seconds", "python", "environment"} <= health.status()[1].keys()
    results = asyncio.run(_results(health))
    assert health.ready(results)[1]["checks"]["cache"].keys() == {"status", "latency_ms", "error"}
    assert health.database(results)[0] == 200, "whatever the others are"


def test_a_check_can_be_added_later(tmp_path: Path, ask: Ask) -> None:
    health = health_of(tmp_path, {}, health_max_age_seconds=60.0)
    assert ask(health) == {}
    health.add("db", _answers)
    assert ask(health)["db"].up
