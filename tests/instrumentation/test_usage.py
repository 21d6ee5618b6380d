"""What is used most: names from outside have a series from their second use, hold no secrets, and are bounded."""

import threading

import pytest

from tests.instrumentation.recorder import Recorder, recorder


def test_a_name_has_a_series_from_its_second_use() -> None:
    recorded = Recorder()
    for _ in range(3):
        recorded.lookout.usage.used("search", "lamp")
    recorded.lookout.usage.used("search", "qwxyz")
    assert recorded.series("usage_total") == {("search", "lamp"): 2, ("search", "other"): 2}


def test_declared_names_start_at_zero_and_have_a_series_at_once() -> None:
    recorded = Recorder()
    recorded.lookout.usage.declare("tool", "Calculator", "Calendar")
    recorded.lookout.usage.used("tool", "Calculator")
    assert recorded.series("usage_total") == {("tool", "calculator"): 1, ("tool", "calendar"): 0}


def test_things_are_distinguished() -> None:
    recorded = Recorder()
    recorded.lookout.usage.declare("tool", "lamp")
    recorded.lookout.usage.used("search", "lamp")
    recorded.lookout.usage.used("search", "lamp")
    assert recorded.counted("usage_total") == {("search", "other"): 1, ("search", "lamp"): 1}


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("  Oak   LAMP ", "oak lamp"),
        ("x" * 300, "x" * 40),
        ("", "none"),
        ("caf\u00e9", "caf\u00e9"),
    ],
)
def test_names_are_normalised_and_cut(typed: str, name: str) -> None:
    recorded = Recorder()
    recorded.lookout.usage.used("search", typed)
    recorded.lookout.usage.used("search", typed)
    assert recorded.counted("usage_total")["search", name] == 1


@pytest.mark.parametrize("typed", ["ann.smith@example.com", "4111 1111 1111 1111", "pay 4111111111111111 now"])
def test_no_secret_becomes_a_label(typed: str) -> None:
    recorded = Recorder()
    recorded.lookout.usage.used("search", typed)
    recorded.lookout.usage.used("search", typed)
    printed = recorded.lookout.metrics.exposition().decode()
    for part in ("ann.smith", "4111"):
        assert part not in printed
    assert sum(recorded.counted("usage_total").values()) == 2


def test_what_is_typed_once_takes_no_place_of_what_is_typed_often() -> None:
    recorded = recorder(label_budgets={"name": 10})
    usage = recorded.lookout.usage
    for number in range(10_000):
        usage.used("search", f"scan-{number}")
        if number % 100 == 0:
            usage.used("search", f"often-{number // 100 % 5}")
    series = recorded.series("usage_total")
    assert {name for _, name in series} == {"other", *(f"often-{number}" for number in range(5))}
    assert series["search", "often-0"] == 19
    assert sum(series.values()) == 10_100


def test_what_is_repeated_too_is_within_the_budget() -> None:
    recorded = recorder(label_budgets={"name": 10})
    for number in range(5000):
        for _ in range(3):
            recorded.lookout.usage.used("search", f"name-{number}")
    series = recorded.series("usage_total")
    assert len(series) == 11
    assert sum(series.values()) == 15_000
    assert (recorded.value("instrumentation_folded_total", label="name") or 0) > 0


def test_threads_lose_no_use() -> None:
    recorded = Recorder()

    def use() -> None:
        for number in range(400):
            recorded.lookout.usage.used("search", f"name-{number % 20}")

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    series = recorded.series("usage_total")
    assert sum(series.values()) == 3200
    assert series["search", "other"] == 20
