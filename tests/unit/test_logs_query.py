"""What `lookout logs` asks Loki, and where in time it looks."""

import hashlib
import hmac
import itertools
from pathlib import Path

import pytest

from generator.clients.windows import AFTER, BEFORE, HOUR, LONGEST, SECOND, Window, halves, looks, pieces, time_of
from generator.diagnostics import Problems
from generator.verbs.logs.query import Search, logql, parse_condition
from generator.verbs.logs.user_hash import read_key, user_hash
from tests.tools.log_load import uuid7

NOW = 1_795_000_000 * SECOND
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("search", "query"),
    [
        (Search(), '{service_name=~".+"}'),
        (Search(services=("api",)), '{service_name="api"}'),
        (Search(services=("api", "a.b")), '{service_name=~"api|a\\\\.b"}'),
        (Search("r-1"), '{service_name=~".+"} | request_id="r-1" or client_request_id="r-1"'),
        (Search(fields=(("tenant", "acme"),)), '{service_name=~".+"} | tenant="acme"'),
        (Search(fields=(("level", "WARNING"),)), '{service_name=~".+"} | detected_level="warn"'),
        (Search(fields=(("error_type", 'a"b\\c'),)), '{service_name=~".+"} | error_type="a\\"b\\\\c"'),
        (
            Search(fields=(("cart.size", "3"), ("status", "500"))),
            '{service_name=~".+"} | status="500" | json lookout_read_0="cart.size"'
            ' | lookout_read_0="3" or cart_size="3"',
        ),
    ],
    ids=[
        "everything",
        "one service",
        "several services, their names no patterns",
        "a request, by our id or by the client's",
        "a field that is kept beside the line",
        "a level, by the word that people use",
        "a value that has quotes",
        "a field within the line, after what is cheap",
    ],
)
def test_a_search_as_logql(search: Search, query: str) -> None:
    assert logql(search) == query


def test_a_condition_is_a_field_and_a_value() -> None:
    assert parse_condition("note=a=b c") == ("note", "a=b c")


@pytest.mark.parametrize("text", ["tenant", "=acme", "tenant=", 'a"b=1', "1a=2", "a..b=1", "a b=1"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not FIELD=VALUE"):
        parse_condition(text)


def test_an_id_says_when_it_was_made() -> None:
    at = 1_700_000_000_123 * 10**6
    assert time_of(uuid7(at)) == at
    assert time_of("0190b5c0-0000-4000-8000-000000000000") is None
    assert time_of("order-17") is None


def test_a_request_of_any_age_is_looked_for_around_its_time_and_then_further_around_it() -> None:
    made = NOW - 20 * DAY
    (near,), further = looks(NOW, None, made)
    assert near == Window(made - BEFORE, made + AFTER)
    assert further == (Window(near.end, made + 24 * HOUR), Window(made - HOUR, near.start))


def test_what_lies_ahead_is_not_looked_at() -> None:
    (near,), further = looks(NOW, None, NOW - 10 * SECOND)
    assert near.end == NOW + SECOND
    assert [window.end for window in further] == [near.start]


@pytest.mark.parametrize(
    ("since", "made", "length"),
    [(None, None, HOUR), (3 * DAY, None, 3 * DAY), (3 * DAY, NOW - 9 * DAY, 3 * DAY), (None, NOW + DAY, HOUR)],
    ids=["an hour by default", "as far as was said", "as far as was said, whatever the id says", "an id of tomorrow"],
)
def test_how_far_back_it_looks(since: int | None, made: int | None, length: int) -> None:
    ((window,),) = looks(NOW, since, made)
    assert window == Window(NOW - length, NOW + SECOND)


def test_a_long_window_is_looked_at_in_pieces_the_newest_first_and_without_a_gap() -> None:
    window = Window(NOW - 30 * DAY, NOW)
    found = list(pieces(window))
    assert (found[0].end, found[-1].start) == (window.end, window.start)
    assert all(newer.start == older.end for newer, older in itertools.pairwise(found))
    assert found[0].end - found[0].start == HOUR
    assert max(piece.end - piece.start for piece in found) == LONGEST


def test_a_piece_that_is_too_large_is_halved() -> None:
    assert halves(Window(0, 10)) == (Window(5, 10), Window(0, 5))


def test_a_user_is_found_by_the_hash_that_apps_write(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/user_hash_key").write_text("k3y\n")
    expected = hmac.new(b"k3y", "ana é".encode(), hashlib.sha256).hexdigest()[:16]
    assert user_hash(read_key(tmp_path), "ana é") == expected


def test_the_library_that_apps_use_makes_the_same_of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = pytest.importorskip("lookout_instrumentation.context")
    key = tmp_path / "key"
    key.write_text("k3y\n")
    monkeypatch.setattr(context, "_key_file", key)
    context._key.cache_clear()
    try:
        assert context.user_hash("42") == user_hash(b"k3y", "42")
    finally:
        context._key.cache_clear()


@pytest.mark.parametrize("content", [None, " \n"], ids=["no key", "an empty key"])
def test_without_a_key_no_user_is_looked_for(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets/user_hash_key").write_text(content)
    with pytest.raises(Problems, match="user_hash_key") as raised:
        read_key(tmp_path)
    assert raised.value.diagnostics[0].code == "apply/secret-missing"
