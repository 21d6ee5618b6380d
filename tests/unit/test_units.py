"""Durations, ratios and sizes: what people write, what Prometheus wants."""

import pytest

from generator import units


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("30s", 30), ("5m", 300), ("1h30m", 5400), ("90d", 7776000), ("1w", 604800)]
)
def test_a_duration_is_read_in_seconds(text: str, seconds: int) -> None:
    assert units.parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "5 m", "m5", "-5m", "1.5h", "5m ", "3 months", "5M"])
def test_what_is_no_duration_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        units.parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (10, "10s"), (5400, "1h30m"), (604800, "7d"), (86461, "1d1m1s")]
)
def test_a_duration_is_printed_as_prometheus_prints_it(seconds: int, text: str) -> None:
    assert units.format_duration(seconds) == text
    assert units.parse_duration(text) == seconds


@pytest.mark.parametrize(("text", "ratio"), [("0%", 0.0), ("5%", 0.05), ("99.9%", 0.999), ("100 %", 1.0)])
def test_a_percentage_is_a_ratio(text: str, ratio: float) -> None:
    assert units.parse_ratio(text) == ratio


@pytest.mark.parametrize(
    ("text", "reason"), [("5", "is not a percentage"), ("101%", "more than 100%"), ("-1%", "is not")]
)
def test_what_is_no_percentage_is_refused_in_words(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        units.parse_ratio(text)


@pytest.mark.parametrize(("ratio", "text"), [(0.05, "5%"), (0.005, "0.5%"), (0.999, "99.9%"), (1 / 3, "33.333333333%")])
def test_a_ratio_is_printed_as_a_percentage(ratio: float, text: str) -> None:
    assert units.format_ratio(ratio) == text


@pytest.mark.parametrize(
    ("text", "size"),
    [("512MiB", 512 * 2**20), ("4GiB", 4 * 2**30), ("60GB", 60 * 10**9), ("1.5GiB", 3 * 2**29), ("7B", 7)],
)
def test_a_size_is_read_in_bytes(text: str, size: int) -> None:
    assert units.parse_bytes(text) == size


@pytest.mark.parametrize("text", ["4", "4G", "GiB", "4 gigabytes", "-4GiB", f"{10**400}GiB"])
def test_what_is_no_size_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        units.parse_bytes(text)


@pytest.mark.parametrize(
    ("size", "text"), [(2**31, "2GiB"), (1536 * 2**20, "1536MiB"), (10**9, "953MiB"), (12, "12B"), (0, "0B")]
)
def test_a_size_is_printed_in_the_largest_exact_unit(size: int, text: str) -> None:
    assert units.format_bytes(size) == text


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("ratio", 0.05, "5%"),
        ("duration", 0.3, "300ms"),
        ("duration", 1.5, "1500ms"),
        ("duration", 300, "5m"),
        ("duration", 0, "0s"),
        ("bytes", 2**20, "1MiB"),
        ("number", 50.0, "50"),
        ("text", "GET /", "GET /"),
    ],
)
def test_a_parameter_is_shown_as_it_would_be_written(kind: str, value: float | str, text: str) -> None:
    assert units.format_value(kind, value) == text
