"""What is cut off a long text, a deep structure or a long chain of causes, and that no secret comes through the cut."""

import logging
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NoReturn

import pytest
import structlog
from lookout_instrumentation import redaction
from lookout_instrumentation.redaction import MAX_ITEMS, bounded, hidden, redact, scrub
from lookout_instrumentation.tracebacks import formatted

from tests.instrumentation.corpus import PLANTED
from tests.instrumentation.listening import listening
from tests.support.soak import SOAK
from tests.unit.redaction_cases import SECRETS

own = structlog.get_logger("own")
LIMIT = 2_000
LETTERS = "q7Zx" * 3_000


def grams(secret: str, size: int = 10) -> set[str]:
    return {secret[place : place + size] for place in range(len(secret) - size + 1)} or {secret}


# --- the cut ---


def test_no_planted_secret_survives_a_cut_through_it() -> None:
    """Wherever the cut falls, no ten characters of a secret are left that would not be left without the cut."""
    generator = random.Random(5)
    for call in PLANTED if SOAK else generator.sample(PLANTED, 120):
        line = call.raw()
        place, left = line.find(call.secret), redact(line)
        if place < 0:
            continue
        for cut in (place + 1 + generator.randrange(len(call.secret)), place + len(call.secret) - 1):
            before = " x" * ((LIMIT - cut) // 2) + " " * ((LIMIT - cut) % 2)
            found = bounded(before + line + " y" * 10_000, LIMIT)
            leaked = [gram for gram in grams(call.secret) if gram in found and gram not in left]
            assert not leaked, (call.name, cut - place, leaked[:3])


LONG_SECRETS = {
    "a password in an address": f"postgres://app:{LETTERS}@db/x",
    "a JSON web token": f"x eyJhbGciOiJIUzI1NiJ9.eyJ{LETTERS}.{LETTERS}",
    "a key in an address": f"https://{LETTERS}@bugsink/1",
    "a field of JSON": f'{{"password": "{LETTERS} {LETTERS}", "n": 1}}',
    "JSON in JSON": f'{{"m":"{{\\"password\\": \\"{LETTERS}\\"}}"}}',
    "a pair of JSON": f'[["cookie","{LETTERS} {LETTERS}"]]',
    "a list": f'{{"api_keys": ["{LETTERS}", "{LETTERS} {LETTERS}"]}}',
    "a dict with an apostrophe": f"""{{'password': "{LETTERS} it's {LETTERS}"}}""",
    "a pair of Python": f"[(b'cookie', b'{LETTERS} {LETTERS}')]",
    "after a colon": f"password: '{LETTERS} {LETTERS}'",
    "a statement": f"CREATE USER a PASSWORD '{LETTERS} {LETTERS}'",
    "parameters": f"[parameters: ('{LETTERS}', '{LETTERS}')]",
    "a private key": f"-----BEGIN PRIVATE KEY-----\n{LETTERS}\n{LETTERS}\n-----END PRIVATE KEY-----",
    "a header": f"Authorization: Bearer {LETTERS}",
    "cookies": f"Cookie: a={LETTERS}; b={LETTERS}",
    "an element": f"<password>{LETTERS} {LETTERS}</password>",
    "an assignment": f'password="{LETTERS} {LETTERS}"',
    "a query": f"GET /x?token={LETTERS}&n=1",
    "an option": f"psql --password {LETTERS}",
    "a login": f"auth=('bob', '{LETTERS}')",
}


@pytest.mark.parametrize("text", LONG_SECRETS.values(), ids=LONG_SECRETS)
@pytest.mark.parametrize("limit", [40, 1_000, 3_000, 7_000, 11_900, 12_100, 20_000])
def test_no_long_secret_survives_a_cut_through_it(text: str, limit: int) -> None:
    for after in ("", " and so on" * 3_000):
        found = bounded(text + after, limit)
        assert LETTERS[:10] not in found.replace("eyJ", "")
        assert len(found) <= limit + 60


def test_a_text_in_one_piece_that_is_no_secret_is_left_out_and_that_is_said() -> None:
    assert bounded("before " + "A" * 100_000, LIMIT) == f"before … [{100_007 - LIMIT} more characters]"
    assert bounded("A " * LIMIT, LIMIT) == "A " * (LIMIT // 2) + f"… [{LIMIT} more characters]"


@pytest.mark.parametrize(("text", "expected"), SECRETS.values(), ids=SECRETS)
def test_what_was_not_cut_is_as_it_was(text: str, expected: str) -> None:
    assert bounded(text, 10_000) == redact(text)


# --- structures ---


def test_a_structure_that_holds_itself_or_much_of_one_thing_is_cut() -> None:
    ring: list[Any] = []
    ring.append(ring)
    wide: Any = "x"
    for _ in range(6):
        wide = [wide] * MAX_ITEMS  # a million millions of x
    deep: Any = "x"
    for _ in range(100_000):
        deep = {"a": deep}
    for value in (ring, wide, deep, {"a": ring, "b": wide, "c": deep}, [{"tokens": wide}], {"passwords": wide}):
        began = time.thread_time()
        found = repr(scrub(value))
        assert time.thread_time() - began < 0.5
        assert len(found) < 200_000
        assert any(mark in found for mark in ("[deeper]", "left out", "redacted"))


class Hostile:
    """Everything that can be asked of it raises."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(f"no {name}")

    def _no(self, *_: Any) -> NoReturn:
        raise RuntimeError("no")

    __repr__ = __str__ = __len__ = __iter__ = __bool__ = __eq__ = __hash__ = __int__ = __float__ = _no


class BadMapping(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        yield "a"
        raise RuntimeError("the connection is gone")

    def __len__(self) -> int:
        return -1


class BadText(str):
    __slots__ = ()

    def __hash__(self) -> int:
        raise RuntimeError("no")

    __eq__ = __len__ = __getitem__ = __str__ = __repr__ = lower = Hostile._no


class BadNumber(int):
    __lt__ = __gt__ = __int__ = __neg__ = __repr__ = __str__ = Hostile._no


class Endless(list[int]):
    def __iter__(self) -> Iterator[int]:
        while True:
            yield 1


class Slow:
    shown = 0

    def __repr__(self) -> str:
        Slow.shown += 1
        time.sleep(0.15)
        return "slow"


class BadError(Exception):
    __str__ = __repr__ = __len__ = __bool__ = Hostile._no


class Mute(Exception):
    """An exception that is false, as those with a length of nothing are."""

    def __len__(self) -> int:
        return 0


def hostile_values() -> dict[str, Any]:
    keys: dict[Any, int] = {None: 1, 1: 2, (1, "password=x"): 3, b"k": 4, "x" * 10**6: 5}
    return {
        "raises at everything": Hostile(),
        "a mapping that breaks off": BadMapping(),
        "a text that raises": BadText("password=hunter2"),
        "a number that raises": BadNumber(7),
        "an endless list": Endless([1] * 200),
        "an enormous number": 10**10_000,
        "not a number": float("nan"),
        "half a pair": "\ud800",
        "bytes": b"\xff\0token=abc",
        "a class": Hostile,
        "an exception": BadError("x"),
        "keys of all kinds": keys,
        "a generator": (number for number in range(10)),
        "a view": memoryview(b"x" * 1000),
        "a set of sets": {frozenset({1, 2}), frozenset()},
    }


@pytest.mark.parametrize("name", hostile_values())
def test_a_hostile_value_makes_a_line_and_raises_nothing(name: str) -> None:
    value = hostile_values()[name]
    scrub(value)
    hidden("token", value)
    hidden("tokens", value)
    with listening() as captured:
        own.info("one", value=value, values=[value], inside={"a": {"b": value}}, tokens=[value], password=value)
        own.info("two %s", value)
        own.info(value)
        own.error("three", exc_info=value)
        own.error("four", user_id=value)
        with suppress(RuntimeError, ValueError):  # what the standard library itself makes of it
            logging.getLogger("lib").error("five %s", value, extra={"value": value})
        lines = captured.records()
    text = captured.stream.getvalue()
    assert len(lines) >= 5
    assert "hunter2" not in text and "token=abc" not in text
    assert lines[0]["message"] == "one" and lines[0]["password"] == "[redacted:secret]"


def test_an_object_that_is_slow_to_show_itself_holds_up_one_line_and_no_other() -> None:
    redaction._slow.clear()
    Slow.shown = 0
    with listening() as captured:
        for _ in range(5):
            own.info("x", value=Slow(), values=[Slow()] * 20)
        lines = captured.records()
    assert Slow.shown == 1
    assert (lines[0]["value"], lines[4]["value"]) == ("slow", "<Slow, not shown: that took too long before>")
    redaction._slow.clear()


def test_a_line_of_very_many_fields_says_how_many_were_left_out() -> None:
    with listening() as captured:
        own.info("x", **{f"field_{number}": number for number in range(5_000)})
        line = captured.one()
    assert line["field_5"] == 5
    assert "more fields" in line["…"]


# --- exceptions ---


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as caught:
        return caught


def test_a_usual_exception_is_reported_in_pythons_own_words() -> None:
    found = formatted(raised(ValueError("outer"), raised(KeyError("inner"))), 10_000)
    assert "KeyError: 'inner'" in found and "direct cause" in found and found.endswith("ValueError: outer")
    assert "in raised\n" in found


def test_of_ten_thousand_causes_both_ends_are_reported() -> None:
    error = raised(ValueError("password=hunter2 the first"))
    for number in range(10_000):
        error = raised(ValueError(f"number {number}"), error)
    began = time.thread_time()
    found = formatted(error, 32 * 1024)
    assert time.thread_time() - began < 0.5
    assert len(found) < 34 * 1024
    assert found.endswith("ValueError: number 9999") and "more exceptions]" in found


def test_a_chain_that_closes_itself_comes_to_an_end() -> None:
    one, two = raised(ValueError("one")), raised(ValueError("two"))
    one.__cause__, two.__cause__ = two, one
    assert formatted(one, 10_000).endswith("ValueError: one")


def test_a_very_wide_group_is_reported_in_part() -> None:
    group = ExceptionGroup("many", [ValueError("x" * 100) for _ in range(20_000)])
    began = time.thread_time()
    found = formatted(raised(group), 32 * 1024)
    assert time.thread_time() - began < 0.5
    assert "many (20000 sub-exceptions)" in found and len(found) < 34 * 1024


def test_an_enormous_message_is_reported_in_part_and_its_secrets_not_at_all() -> None:
    text = f"[parameters: ('{LETTERS}')] " + " password=hunter2" * 500_000
    began = time.thread_time()
    found = formatted(raised(RuntimeError("after"), raised(ValueError(text))), 32 * 1024)
    assert time.thread_time() - began < 1
    assert len(found) < 34 * 1024
    assert found.endswith("RuntimeError: after")
    assert "hunter2" not in found and LETTERS[:10] not in found


def test_secrets_across_what_is_left_out_of_the_middle_are_masked() -> None:
    """They begin in what is left out, and end after it."""
    for size in range(10_000, 50_000, 3_000):
        text = "x " * 6_000 + f"[parameters: ('{'q7Zx ' * (size // 5)}')]" + " y" * 4_000
        assert "q7Zx" not in formatted(ValueError(text), 32 * 1024)


def test_a_very_deep_stack_ends_where_it_was_raised() -> None:
    def down(left: int) -> int:
        return down_too(left - 1) if left else int("no number")

    def down_too(left: int) -> int:
        return down(left - 1) if left else int("no number")

    try:
        down(600)
    except ValueError as error:
        found = formatted(error, 32 * 1024)
    assert "ValueError: invalid literal" in found.splitlines()[-1]
    assert len(found) < 34 * 1024


@pytest.mark.parametrize("error", [BadError("x"), Mute("quiet"), SyntaxError("x", ("f", 1, 2, "t"))])
def test_an_exception_that_does_anything_is_reported_somehow(error: Exception) -> None:
    assert type(error).__name__ in formatted(raised(error), 10_000)
    with listening() as captured:
        own.error("x", exc_info=error)
        line = captured.records()[0]
    assert type(error).__name__ in line["exception"] and line["error_type"] == type(error).__name__
