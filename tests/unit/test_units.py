"""Durations, ratios and sizes: what people write, what Prometheus wants."""

import pytest

from generator import units


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("90d", 7776000),
        ("1w", 604800),
        ("5 m", 300),
        ("1.5h", 5400),
        ("1h 30m", 5400),
        ("5m ", 300),
        ("1y", 31536000),
        ("90 days", 7776000),
        ("2 Hours", 7200),
        ("15min", 900),
        ("0.5m", 30),
    ],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: int) -> None:
    assert units.parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "5", "m5", "-5m", "1.5s", "100ms", "3 months", "5M", "1,5h", "1:30", "5 minuets", "5m30", "9" * 40 + "d"],
)
def test_what_is_no_duration_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        units.parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (10, "10s"), (5400, "1h30m"), (604800, "7d"), (86461, "1d1m1s")]
)
def test_a_duration_is_printed_as_prometheus_prints_it(seconds: int, text: str) -> None:
    assert units.format_duration(seconds) == text
    assert units.parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "ratio"), [("0%", 0.0), ("5%", 0.05), ("99.9%", 0.999), ("100 %", 1.0), ("99,9%", 0.999), (" 5 % ", 0.05)]
)
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
    [
        ("512MiB", 512 * 2**20),
        ("4GiB", 4 * 2**30),
        ("60GB", 60 * 10**9),
        ("1.5GiB", 3 * 2**29),
        ("7B", 7),
        ("2Gi", 2**31),
        ("512Mi", 2**29),
        ("4 gb", 4 * 10**9),
        ("4gib", 2**32),
    ],
)
def test_a_size_is_read_in_bytes(text: str, size: int) -> None:
    assert units.parse_bytes(text) == size


@pytest.mark.parametrize("text", ["4", "4G", "512m", "GiB", "4 gigabytes", "-4GiB", "1,5GiB", f"{10**400}GiB"])
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


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("5", "write 5s, 5m, 5h or 5d"),
        ("5M", "a month has no fixed length: write 150d, or 5m for minutes"),
        ("3 months", "write 90d"),
        ("1,5h", "write 1.5h"),
        ("1:30", "write 1h30m, or 1m30s"),
        ("1.5s", "write for example 1s or 2s"),
    ],
)
def test_the_spelling_that_works_is_named(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        units.parse_duration(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [("40G", "write 40GiB, or 40GB"), ("4", "write 4MiB or 4GiB"), ("512m", "write 512MiB, or"), ("1,5GiB", "1.5GiB")],
)
def test_of_a_size_too(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        units.parse_bytes(text)


@pytest.mark.parametrize(
    ("value", "ratio"),
    [(0.999, 0.999), (99.9, 0.999), ("99,9%", 0.999), ("0.99", 0.99), ("95", 0.95), (100, 1.0), (50, 0.5), (0.5, 0.5)],
)
def test_an_objective_needs_no_sign_where_it_can_mean_one_thing_alone(value: str | float, ratio: float) -> None:
    assert units.parse_objective(value) == ratio


@pytest.mark.parametrize("value", [1, 0.05, 5, 0, 101, "1", "0.4", "99.9.9", "-99%", "about 99%", True])
def test_an_objective_that_can_mean_two_things_is_refused(value: str | float) -> None:
    with pytest.raises(ValueError, match=r"is not a percentage; write|more than"):
        units.parse_objective(value)


@pytest.mark.parametrize(
    ("value", "number"),
    [(5, 5), (1e5, 100_000), ("1e5", 100_000), ("20_000", 20_000), ("20 000", 20_000), ("-3", -3), ("5.0", 5)],
)
def test_a_whole_number_is_read_however_it_is_written(value: str | float, number: int) -> None:
    assert units.parse_whole(value) == number


@pytest.mark.parametrize("value", [1.5, "1.5", "1e-3", "20k", "many", "1,5", "", float("inf"), float("nan"), "1e40"])
def test_what_is_no_whole_number_is_refused(value: str | float) -> None:
    with pytest.raises(ValueError, match="is not a whole number"):
        units.parse_whole(value)


@pytest.mark.parametrize(("text", "number"), [("3x", 3), ("1e3", 1000), (" 2.5 ", 2.5), ("-1", -1)])
def test_a_number_in_quotes_is_a_number(text: str, number: float) -> None:
    assert units.parse_number(text) == number


@pytest.mark.parametrize("text", ["", "x", "three", "1,5", "3xx", "0x10", "inf", "nan"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        units.parse_number(text)


@pytest.mark.parametrize(
    ("kind", "number", "sentence"),
    [
        ("duration", 500, "500 needs a unit; write 500ms or 500s or 500m"),
        ("bytes", 512, "512 needs a unit; write 512MiB or 512GiB"),
        ("ratio", 0.05, "0.05 needs a unit; write 5%, or 0.05%"),
        ("ratio", 5, "5 needs a unit; write 5%"),
        ("ratio", 500, "500 needs a unit; write a number from 0 to 100 and %, such as 5% or 99.9%"),
    ],
)
def test_a_bare_number_is_reported_its_units(kind: str, number: float, sentence: str) -> None:
    assert units.missing_unit(kind, number) == sentence
