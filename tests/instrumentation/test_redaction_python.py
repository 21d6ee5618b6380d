"""No planted secret leaves an app by its log, and next to nothing else is touched: the library's half of redaction."""

import json
import logging
import random
import time
import timeit
from contextvars import copy_context
from typing import Any

import pytest
import structlog
from lookout_instrumentation import context
from lookout_instrumentation.redaction import REDACTED, Redactor, clean, is_secret, luhn, redact, scrub

from generator.render.collector.redaction import table
from tests.instrumentation.corpus import LOOK_ALIKES, PLANTED, Call, card, say
from tests.instrumentation.listening import listening
from tests.unit.redaction_cases import LOOK_ALIKES as CASES_LEFT
from tests.unit.redaction_cases import SECRETS, UNCHECKED

own = structlog.get_logger("own")


def written(calls: list[Call], logger: Any = own) -> list[str]:
    with listening() as captured:
        for call in calls:
            say(logger, call)
        captured.records()
    lines = captured.stream.getvalue().split("\n")[:-1]
    assert len(lines) == len(calls)
    return lines


def in_line(secret: str, line: str) -> bool:
    return secret in line or json.dumps(secret)[1:-1] in line or json.dumps(secret, ensure_ascii=False)[1:-1] in line


def untouched(call: Call, line: str) -> bool:
    record = json.loads(line)
    same = json.loads(json.dumps(dict(call.fields)))
    return bool(record["message"] == call.message) and all(record[name] == value for name, value in same.items())


# --- the corpus ---


def test_the_corpus_is_large_and_each_secret_its_own() -> None:
    assert len(PLANTED) >= 300
    assert len(LOOK_ALIKES) >= 300
    assert len({call.secret for call in PLANTED}) == len(PLANTED)
    assert all(in_line(call.secret, call.raw()) for call in PLANTED)


def test_no_planted_secret_leaves_the_app(capsys: pytest.CaptureFixture[str]) -> None:
    lines = written(PLANTED)
    leaked = [call.name for call, line in zip(PLANTED, lines, strict=True) if in_line(call.secret, line)]
    with capsys.disabled():
        print(f" {len(PLANTED)} planted secrets, {len(leaked)} leaked")
    assert leaked == []


def test_no_planted_secret_leaves_by_a_librarys_record() -> None:
    """The same through logging, with the fields in `extra`."""

    class Foreign:
        def info(self, message: str, **fields: Any) -> None:
            logging.getLogger("lib").info("%s", message, extra=fields)

        def exception(self, message: str, **fields: Any) -> None:
            logging.getLogger("lib").exception("%s", message, extra=fields)

    lines = written(PLANTED, Foreign())
    assert [call.name for call, line in zip(PLANTED, lines, strict=True) if in_line(call.secret, line)] == []


def test_what_only_looks_like_secrets_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    lines = written(LOOK_ALIKES)
    touched = [call.name for call, line in zip(LOOK_ALIKES, lines, strict=True) if not untouched(call, line)]
    with capsys.disabled():
        print(f" {len(LOOK_ALIKES)} look-alikes, {len(touched)} touched")
    assert len(touched) <= 0.02 * len(LOOK_ALIKES)


def test_a_scrubbed_structure_holds_no_secret() -> None:
    """As reports of errors are scrubbed: everything of a call in one structure."""
    for call in PLANTED:
        found = repr(scrub({"message": call.message, "extra": dict(call.fields), "exception": [{"value": call.error}]}))
        assert call.secret not in found, call.name


# --- the table, read by Python ---


@pytest.mark.parametrize(("name", "text", "expected"), [(name, *case) for name, case in SECRETS.items()], ids=SECRETS)
def test_python_makes_of_a_line_what_the_collector_makes(name: str, text: str, expected: str) -> None:
    assert Redactor(table()).text(text) == redact(text) == UNCHECKED.get(name, expected)


@pytest.mark.parametrize("text", CASES_LEFT.values(), ids=CASES_LEFT)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_what_was_redacted_stays_as_it_is() -> None:
    def lines_of_a_request() -> list[str]:
        context.begin("")
        return written(PLANTED)

    for line in copy_context().run(lines_of_a_request):
        assert redact(line) == line
        assert Redactor(table()).text(line, checked=False) == line.replace("4111111111111112", "[redacted:card]")


def test_cards_are_reported_from_numbers_by_their_check_digit() -> None:
    generator = random.Random(1)
    numbers = [card(generator.choice(("4", "51", "37", "6011")), 16) for _ in range(200)]
    wrong = [number[:-1] + str((int(number[-1]) + 1) % 10) for number in numbers]
    assert all(luhn(number) for number in numbers)
    assert not any(luhn(number) for number in wrong)
    assert redact(" ".join(wrong[:50])) == " ".join(wrong[:50])


def test_a_card_is_found_behind_and_within_numbers_that_are_none() -> None:
    number = card("4", 16)
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert redact(f"{wrong} {number} {wrong}") == f"{wrong} [redacted:card] {wrong}"
    spaced = " ".join(number[place : place + 4] for place in range(0, 16, 4))
    assert number[4:8] not in redact(f"5123 {spaced}")
    assert number not in redact(f"{number} 123")


# --- names and structures ---


@pytest.mark.parametrize(
    "name",
    [
        *("password", "db_password", "DB_PASS", "Authorization", "Set-Cookie", "accessToken", "api_key", "apiKey"),
        *(
            "X-Api-Key",
            "private_key",
            "clientSecret",
            "HTTP_COOKIE",
            "phone",
            "user_phone_number",
            "csrf_token",
            "sessionid",
        ),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "tokens_used",
        "max_tokens",
        "message",
        "request_id",
        "secretary",
        "passed",
        "status",
        "session_id",
        "key",
        "bypass",
    ],
)
def test_names_that_only_look_like_secrets(name: str) -> None:
    assert not is_secret(name)


def test_redaction_reaches_nested_values_and_keeps_the_rest() -> None:
    found = scrub(
        {
            "user": {"id": 7, "password": "hush", "has_password": True, "token": None},
            "calls": [{"headers": {"authorization": "Bearer hush", "accept": "*/*"}}],
            "pairs": [("Cookie", "hush"), (b"x-api-key", b"hush"), ("Accept", "x")],
            "tokens": {"input": 5, "list": ["hush"]},
            "passwords": ["hush"],
            ("hush", "password=hush"): 1,
        }
    )
    assert json.dumps(found).count("hush") == 1  # the first half of the key
    assert found["user"] == {"id": 7, "password": REDACTED, "has_password": True, "token": None}
    assert found["calls"][0]["headers"]["accept"] == "*/*"
    assert found["pairs"][2] == ["Accept", "x"]
    assert found["tokens"] == {"input": 5, "list": REDACTED}


def test_what_is_remembered_as_harmless_is_so_and_bounded() -> None:
    from lookout_instrumentation import redaction

    redaction.harmless.clear()
    for number in range(redaction._REMEMBERED + 10):
        clean(f"text {number}")
    clean("password=hunter2")
    clean("x" * 1000)
    assert len(redaction.harmless) <= redaction._REMEMBERED
    assert not any("hunter2" in text or len(text) > 200 for text in redaction.harmless)


def test_hostile_texts_take_no_longer_than_their_length_says() -> None:
    """No pattern runs away: ten times the text is about ten times the time."""
    for part in (
        "password=",
        "://a:",
        "a@",
        "4111 ",
        "-----BEGIN PRIVATE KEY-----",
        '"token":"',
        "eyJaaaaaaaaa.",
        "+1 ",
        "\\",
    ):
        short, long = (part * (count // len(part)) for count in (800, 8000))
        quick = min(timeit.repeat(lambda text=short: redact(text), number=3, repeat=3, timer=time.thread_time))  # type: ignore[misc]
        slow = min(timeit.repeat(lambda text=long: redact(text), number=3, repeat=3, timer=time.thread_time))  # type: ignore[misc]
        assert slow < 40 * quick + 0.15, (part, quick, slow)
