"""YAML with positions."""

import re

import pytest

from generator.diagnostics import Problems, Span
from generator.source import read
from generator.source.read import Source, load_source


def problems(text: str) -> list[tuple[str, int, int]]:
    with pytest.raises(Problems) as caught:
        load_source(text, "services.yaml")
    return [(d.code, d.span.line, d.span.column) for d in caught.value.diagnostics if d.span]


def source() -> Source:
    return load_source("services:\n  api:\n    targets: [a:1, b:22]\n", "services.yaml")


# Each of them libyaml takes, counts or ends otherwise than the parser whose words are printed.
DISPUTED = (
    "a: {b? c: 1}\n",
    "a: [x\ty]\n",
    "a\ufeffb: 1\n",
    "a: {b: c?d}\n",
    "a:\u2028 b\n",
    "a: b\r\nc: d\r\n",
    "a:\n  b: 1\n  c: [1, 2]\n",
    "- - a\n  - b\n",
    "a: |\n  text\n\nb: >-\n  more\n",
    "ä: 'ü'\n\U0001f600: x\n",
    "a: 'x",
    "a: [1",
    "a: &b 1\nc: *b\n",
    "a: !!python/object:x 1\n",
    "%YAML 1.1\n---\na: 1\n",
    "a: 1\n---\nb: 2\n",
)


@pytest.mark.parametrize("text", DISPUTED)
def test_what_is_read_quickly_is_read_as_the_slow_parser_does(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def outcome() -> object:
        try:
            found = load_source(text, "services.yaml")
        except Problems as caught:
            return caught.diagnostics
        return found.data, found.places

    quick = outcome()
    monkeypatch.setattr(read, "_DISPUTED", re.compile(""))
    assert outcome() == quick


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000])
def test_a_depth_that_no_parser_stands_is_a_problem_and_no_crash(text: str) -> None:
    assert problems(text) == [("source/syntax", 1, 1)]


def test_values_and_keys_remember_where_they_stand() -> None:
    assert source().value_span(("services", "api", "targets", 1)) == Span("services.yaml", 3, 20, 24)
    assert source().key_span(("services", "api")) == Span("services.yaml", 2, 3, 6)


def test_a_path_that_is_not_there_leads_to_the_nearest_around_it() -> None:
    assert source().value_span(("services", "api", "owner")) == source().value_span(("services", "api"))
    assert source().value_span(("nothing", "here")).line == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("on", "on"),
        ("no", "no"),
        ("12:30", "12:30"),
        ("012", "012"),
        ("0x10", "0x10"),
        ("12", 12),
        ("-1.5", -1.5),
        ("1e3", 1000.0),
        ("2026-11-23", "2026-11-23"),
        ("~", None),
        ("", None),
        ("99.9%", "99.9%"),
        ("'5'", "5"),
    ],
)
def test_plain_words_mean_what_they_say(text: str, value: object) -> None:
    assert load_source(f"key: {text}\n", "f").data == {"key": value}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\na: 2\n", [("source/duplicate-key", 2, 1)]),
        ("a: 1\nb: {c: 1, c: 2}\na: 3\n", [("source/duplicate-key", 2, 11), ("source/duplicate-key", 3, 1)]),
        ("a: &x 1\nb: *x\n", [("source/alias", 1, 4)]),
        ("a: &x [*x]\n", [("source/alias", 1, 4)]),
        ("a: [1\n", [("source/syntax", 1, 4)]),
        ("a: b: c\n", [("source/syntax", 1, 5)]),
        ("? [a]\n: 1\n", [("source/syntax", 1, 3)]),
        ("", [("source/empty", 1, 1)]),
        ("# only a comment\n", [("source/empty", 1, 1)]),
        ("a: !!python/object:os.system x\n", [("source/tag", 1, 4)]),
        ("a: !!binary aGk=\n", [("source/tag", 1, 4)]),
        ("a: !!int zz\n", [("source/tag", 1, 4)]),
        ("a: 1\n\x01b: 2\n", [("source/unreadable", 2, 1)]),
        ("a: 1\n---\nb: 2\n", [("source/syntax", 2, 1)]),
    ],
)
def test_every_mistake_has_a_code_and_a_place(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert problems(text) == expected


def test_a_file_nested_too_deeply_is_refused_and_not_followed() -> None:
    assert problems("a: " + "[" * 60 + "]" * 60)[0][0] == "source/syntax"
    assert problems("[" * 5000 + "]" * 5000)[0][0] == "source/syntax"
