"""Texts that are made to hold up the library take a time that grows with their length and no faster.

The texts are made of the patterns themselves: see `hostile`. Measured is a ratio, so that the machine does not matter.
"""

import json
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product

import pytest
import structlog
from lookout_instrumentation import statements
from lookout_instrumentation.redaction import Redactor, clean, is_secret, redact, scrub

from generator.render.collector.redaction import table
from tests.instrumentation.hostile import hostile
from tests.instrumentation.listening import listening
from tests.support.soak import SOAK

SEEDS = range(20) if SOAK else range(1)
# So many pieces of each pattern are tried at first, and the slowest of them are measured.
TRIED, MEASURED = (200, 10) if SOAK else (30, 1)
SHORT, LONG = 8 * 1024, 64 * 1024
TABLE = table()
RULES = {rule["name"]: Redactor({**TABLE, "rules": [{**rule, "gate": "", "hints": []}]}) for rule in TABLE["rules"]}
PATTERNS = {rule["name"]: rule["pattern"] for rule in TABLE["rules"]}
# What was found by hand: the beginnings of several rules in one, and what a rule reads in more ways than one.
BY_HAND = (
    *(
        "%40a.",
        "%2540a.",
        "a@",
        "a@a.",
        "a@111.",
        "@111.",
        "111.",
        "eyJ",
        "eyJa.",
        "eyJaaaaaaaa.",
        "cookie:",
        "cookie: ",
    ),
    *("x-", "x-key:", "--", "--a", "--token", "-", "_", "\\", '\\"', '"', "'", '["token","', "('token','", "token':\""),
    *('"token":"', '"token":[', '"tokens":["a",', "token=", "token: ", "token: '", "password '", "identified by '"),
    *(
        "://a:",
        "://a:b",
        "://:@",
        "bearer+",
        "bearer %20",
        "basic ",
        "basic+a",
        "4111 ",
        "4111",
        "1 ",
        "+1 ",
        "+1(",
        "0",
    ),
    *(
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN ",
        "[parameters: ",
        "<token>",
        "<a:",
        'name="token"\\n',
        "auth=('",
        " -u a",
    ),
    *(
        "%22",
        "token%22%3A",
        "token%22%20",
        "cookies={",
        "token]=",
        "SG.",
        "-sk-",
        "ghp_",
        "xoxb-",
        "123456:AA",
        "\n",
        "é",
    ),
)


@contextmanager
def interrupted(seconds: float, what: str) -> Iterator[None]:
    """An end for what would never end; the engine looks at signals while it works."""

    def too_late(*_: object) -> None:
        raise AssertionError(f"not done within {seconds} s: {what}")

    before = signal.signal(signal.SIGALRM, too_late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def seconds(work: Callable[[str], object], text: str) -> float:
    began = time.thread_time()
    with interrupted(20, repr(text[:100])):
        work(text)
    return time.thread_time() - began


def filled(piece: str, length: int) -> str:
    return (piece * (length // len(piece) + 1))[:length]


def assert_linear(work: Callable[[str], object], piece: str) -> None:
    """Eight times the text takes about eight times as long, and no more than fifteen times."""
    for _ in range(3):  # what else the machine does only adds to a time
        quick = min(seconds(work, filled(piece, SHORT)) for _ in range(2))
        slow = seconds(work, filled(piece, LONG))
        if slow <= 15 * quick + 0.002:
            return
    raise AssertionError(f"{piece[:100]!r}: {SHORT} characters {quick:.4f} s, {LONG} characters {slow:.4f} s")


def pieces(pattern: str, generator: random.Random) -> list[str]:
    """Some of what is hostile to a pattern, alone and mixed."""
    found = sorted({piece for piece in hostile(pattern, generator) if piece})
    some = generator.sample(found, min(TRIED, len(found)))
    mixed = ["".join(part * generator.choice((1, 5, 40)) for part in generator.choices(found, k=3)) for _ in range(8)]
    return some + mixed


@pytest.mark.parametrize(("name", "seed"), list(product(RULES, SEEDS)), ids=lambda each: str(each))
def test_no_rule_runs_away(name: str, seed: int) -> None:
    work = RULES[name].text
    tried = pieces(PATTERNS[name], random.Random(f"{name} {seed}"))
    tried.sort(key=lambda piece: seconds(work, filled(piece, SHORT // 4)))
    for piece in tried[-MEASURED:]:
        assert_linear(work, piece)


@pytest.mark.parametrize("piece", BY_HAND)
def test_all_rules_together_do_not_run_away(piece: str) -> None:
    """With what opens every gate at the end, so that each rule is tried."""
    end = " token: 1234567 @ %40 eyj number= -- bearer"
    assert_linear(lambda text: redact(text + end), piece)


def test_a_hostile_record_is_looked_through_in_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    """64 KiB of the worst that is known. A machine would have to be thirty times as slow as ours to miss this."""
    worst = max((seconds(redact, filled(piece, LONG)), piece) for piece in BY_HAND)
    with capsys.disabled():
        print(f" worst of {len(BY_HAND)} hostile texts of 64 KiB: {worst[0] * 1000:.0f} ms, {worst[1]!r}")
    assert worst[0] < 5


SQL = (
    *("IN (", "IN ((", "IN (a", "(", "'", "''", "E'\\", '"', "$a$", "$$", "$", "/*", "--", "#", "1", "1.", "a1 ", " "),
    *("UPDATE a ", "UPDATE ", "WITH ", "INSERT ", "DELETE ", "SELECT 'a', ", "IN (SELECT ", "\\", "é", "\n", "a"),
)


@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
def test_no_statement_runs_away(dialect: str) -> None:
    generator = random.Random(3)
    mixed = ["".join(generator.choices(SQL, k=4)) for _ in range(200 if SOAK else 30)]
    for number, piece in enumerate((*SQL, *mixed)):
        for length in (SHORT, 1_000_000):
            statement = f"WITH {number} {filled(piece, length)}"  # none that is remembered
            assert seconds(lambda text: statements.described(text, dialect), statement) < 0.5, piece


@pytest.mark.parametrize("piece", ["token", "_", "pass", "a-", "[?", "\\", "x" * 50, "tokens"])
def test_long_names_are_read_in_no_time(piece: str) -> None:
    assert_linear(is_secret, piece)
    assert seconds(lambda text: scrub({text: {text: [text]}}), filled(piece, 10_000_000)) < 1


@pytest.mark.parametrize("piece", ["a", "token=", "%40a.", '{"a": "', "é\n", "\ud800", "\0"])
def test_a_field_of_ten_megabytes_costs_no_more_than_what_is_kept_of_it(piece: str) -> None:
    text = filled(piece, 10_000_000)
    with listening() as captured:
        took = seconds(lambda text: structlog.get_logger("own").info(text, a=text, b=[text] * 50, c={"d": text}), text)
        line = captured.one()
        captured.logs.flush()
    assert took < 1
    assert len(json.dumps(line)) < 300_000
    assert len(clean(text)) < 9_000
