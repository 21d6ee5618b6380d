"""Reports of errors, against a tracker that speaks the envelope endpoint: what arrives, how often, what never does."""

import asyncio
import json
import logging
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
import structlog
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient
from lookout_instrumentation import Lookout, Settings, context
from lookout_instrumentation import fastapi as lookout_fastapi
from lookout_instrumentation.outbox import RESULTS
from lookout_instrumentation.redaction import redact
from lookout_instrumentation.reports import is_expected, is_measured
from lookout_instrumentation.spool import MAX_FILES, Spool

from tests.instrumentation.tracker_stub import TrackerStub
from tests.support.waiting import until
from tests.unit.redaction_cases import LOOK_ALIKES
from tests.unit.redaction_cases import SECRETS as SECRET_LINES

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tracker() -> Iterator[TrackerStub]:
    with TrackerStub() as stub:
        yield stub


@pytest.fixture
def start(tracker: TrackerStub, tmp_path: Path) -> Iterator[Callable[..., Lookout]]:
    """Starts apps that report to the tracker, and ends them."""
    started: list[Lookout] = []

    def make(**settings: Any) -> Lookout:
        given = {"service": "api", "sentry_dsn": tracker.dsn, "errors_spool": tmp_path, "release": "1.2.3", **settings}
        started.append(Lookout(Settings(**given)))
        return started[-1]

    yield make
    for lookout in started:
        lookout.close()


def counts(lookout: Lookout) -> dict[str, float]:
    """errors_reported_total by result, without those that are 0."""
    family = lookout.metrics.get("errors_reported_total")
    found = {result: family.labels(result)._value.get() for result in RESULTS}
    return {result: value for result, value in found.items() if value}


def failed(message: str = "it broke") -> ValueError:
    """An exception that was raised."""
    try:
        raise ValueError(message)
    except ValueError as error:
        return error


# --- what arrives -------------------------------------------------------------------------------------------


def test_a_crash_in_a_request_arrives_once_with_what_is_known_of_it(tracker: TrackerStub, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("k")
    app = FastAPI()
    stated: dict[str, Any] = {"sentry_dsn": tracker.dsn, "errors_spool": tmp_path, "user_hash_key_file": key}
    lookout = lookout_fastapi.init(app, settings=Settings(service="api", release="1.2.3", environment="beta", **stated))

    @app.get("/orders/{number}")
    def order(number: int) -> None:
        context.bind(user=42, tenant="acme", tier="pro")
        lookout.errors.flag("new_checkout", True)
        raise KeyError(number)

    with TestClient(app) as client:
        answer = client.get("/orders/7?token=hunter2")
    lookout.close()
    (event,) = tracker.events
    assert event["transaction"] == "GET /orders/{number}"
    assert (event["release"], event["environment"], event.get("server_name")) == ("1.2.3", "beta", None)
    assert event["user"] == {"id": context.user_hash("42")}
    assert event["tags"] == {
        "request_id": answer.headers["X-Request-ID"],
        "tenant": "acme",
        "tier": "pro",
        "flag.new_checkout": "True",
    }
    (error,) = event["exception"]["values"]
    assert (error["type"], error["mechanism"]["handled"]) == ("KeyError", False)
    assert error["stacktrace"]["frames"][-1]["function"] == "order"
    assert all("vars" not in frame for frame in error["stacktrace"]["frames"])
    assert counts(lookout) == {"sent": 1}


def test_a_crash_arrives_from_an_app_that_logs_by_itself(tracker: TrackerStub, tmp_path: Path) -> None:
    app = FastAPI()
    lookout = lookout_fastapi.init(app, settings=Settings(sentry_dsn=tracker.dsn, errors_spool=tmp_path), logging=False)

    @app.get("/own_logging")
    def broken() -> None:
        raise KeyError("x")

    with TestClient(app) as client:
        assert client.get("/own_logging").status_code == 500
    lookout.close()
    assert [event["transaction"] for event in tracker.events] == ["GET /own_logging"]


@pytest.mark.parametrize("own", [True, False], ids=["of the app's own logger", "of a library's logger"])
def test_an_exception_that_is_logged_arrives_as_handled(
    own: bool, start: Callable[..., Lookout], tracker: TrackerStub
) -> None:
    lookout = start()
    logger = structlog.get_logger("shop") if own else logging.getLogger("library")
    try:
        raise failed()
    except ValueError:
        logger.exception("could not charge")
        logger.error("once more", exc_info=True)
    logger.error("no exception, no report")
    lookout.close()
    (event,) = tracker.events
    assert event["exception"]["values"][0]["mechanism"]["handled"] is True


def test_an_exception_that_is_logged_and_raised_again_arrives_once(
    start: Callable[..., Lookout], tracker: TrackerStub
) -> None:
    lookout = start()
    error = failed()
    for place in ("", "GET /", ""):
        lookout.errors.report(error, handled=not place, place=place)
    lookout.errors.report(failed("another"))
    lookout.close()
    assert len(tracker.events) == 2
    assert counts(lookout) == {"sent": 2}


def test_what_the_app_shows_the_sdk_is_said_of_that_request_alone(
    start: Callable[..., Lookout], tracker: TrackerStub
) -> None:
    lookout = start()
    for number in range(2):
        context.begin()
        if number == 0:
            sentry_sdk.set_tag("cart", "full")
            sentry_sdk.add_breadcrumb(message="clicked")
        lookout.errors.report(failed(f"request {number}"))
    lookout.close()
    first, second = tracker.events
    assert (first["tags"]["cart"], first["breadcrumbs"]["values"][0]["message"]) == ("full", "clicked")
    assert "cart" not in second["tags"]
    assert not second.get("breadcrumbs", {}).get("values")


class Odd(Exception):
    """An exception that cannot be looked at."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    def __getattribute__(self, name: str) -> Any:
        if name in ("__cause__", "__notes__"):
            raise RuntimeError("no")
        return super().__getattribute__(name)


def test_an_exception_that_cannot_be_looked_at_harms_no_one(
    start: Callable[..., Lookout], tracker: TrackerStub
) -> None:
    lookout = start()
    lookout.errors.report(Odd())
    lookout.errors.report(failed())
    lookout.errors.flush()
    found = counts(lookout)
    assert found["sent"] >= 1
    assert sum(found.values()) == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_is_reported(start: Callable[..., Lookout], tracker: TrackerStub) -> None:
    start()

    def die() -> None:
        raise failed("in a thread")

    thread = threading.Thread(target=die)
    thread.start()
    thread.join()
    until(lambda: tracker.events, seconds=10)
    assert tracker.events[0]["exception"]["values"][0]["mechanism"]["handled"] is False


# --- what does not ------------------------------------------------------------------------------------------

EXPECTED: dict[str, BaseException] = {
    "an answer of FastAPI below 500": HTTPException(404),
    "the end of the program": SystemExit(0),
    "a key press": KeyboardInterrupt(),
    "a task that was cancelled": asyncio.CancelledError(),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_expected_is_counted_and_not_sent(
    name: str, start: Callable[..., Lookout], tracker: TrackerStub
) -> None:
    lookout = start()
    lookout.errors.report(EXPECTED[name])
    sentry_sdk.capture_exception(type(EXPECTED[name])(404))
    lookout.close()
    assert (tracker.events, counts(lookout)) == ([], {"filtered": 2})


class RateLimitError(Exception):
    """As the clients of providers raise it."""


class CircuitBreakerError(Exception):
    """As a breaker raises it."""


class Unavailable(Exception):
    """As an app wraps what went wrong with a provider."""


@pytest.mark.parametrize("cause", [RateLimitError("429"), CircuitBreakerError(), HTTPException(429)], ids=repr)
def test_what_comes_of_a_providers_rate_limit_is_counted_and_not_sent(
    cause: Exception, start: Callable[..., Lookout], tracker: TrackerStub
) -> None:
    lookout = start()
    for number in range(2):
        try:
            try:
                raise cause
            except Exception as error:
                raise Unavailable(str(number)) from error
        except Unavailable as error:
            lookout.errors.report(error)
    lookout.close()
    assert (tracker.events, counts(lookout)) == ([], {"filtered": 2})


def test_what_comes_of_another_failure_is_sent() -> None:
    wrapped = Unavailable()
    wrapped.__cause__ = ValueError("503")
    assert not is_measured(wrapped)
    wrapped.__cause__.__context__ = wrapped
    assert not is_measured(wrapped), "a circle ends"


def test_frameworks_own_answers_are_expected() -> None:
    from django.core.exceptions import PermissionDenied
    from django.http import Http404
    from fastapi.exceptions import RequestValidationError
    from starlette.requests import ClientDisconnect
    from werkzeug.exceptions import BadGateway, BadRequestKeyError, NotFound

    expected = (PermissionDenied(), Http404(), RequestValidationError([]), ClientDisconnect(), NotFound())
    assert all(is_expected(error) for error in (*expected, BadRequestKeyError()))
    assert not any(is_expected(error) for error in (BadGateway(), HTTPException(503), ValueError(), OSError()))


def test_an_app_can_name_more_of_them(start: Callable[..., Lookout], tracker: TrackerStub) -> None:
    lookout = start(errors_ignore=("LookupError", "sqlite3.OperationalError"))
    lookout.errors.report(KeyError("derived from it"))
    lookout.close()
    assert counts(lookout) == {"filtered": 1}
    assert Settings.load({"LOOKOUT_ERRORS_IGNORE": "A, b.C"}).errors_ignore == ("A", "b.C")


def test_a_share_of_reports_is_a_share(start: Callable[..., Lookout], tracker: TrackerStub) -> None:
    lookout = start(errors_sample_ratio=0.0)
    lookout.errors.report(failed())
    assert counts(lookout) == {"filtered": 1}


def test_without_a_dsn_nothing_happens() -> None:
    lookout = Lookout(Settings(), logging=False)
    lookout.errors.report(failed())
    lookout.errors.flag("any", 1)
    assert not lookout.errors.on
    assert b"errors_reported_total{" not in lookout.metrics.exposition()
    lookout.close()


@pytest.mark.parametrize("dsn", ["not a dsn", "http://", "http://key@host", "\0", "http://key@[::1/1", "x" * 10_000])
def test_a_dsn_that_is_none_is_said_and_the_app_runs(dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    lookout = Lookout(Settings(sentry_dsn=dsn), logging=False)
    assert not lookout.errors.on
    (line,) = [record.getMessage() for record in caplog.records if record.name == "lookout.setup"]
    assert "errors are not reported" in line
    assert "key@" not in line
    lookout.errors.report(failed())
    lookout.close()


SECRETS = {
    "password": "password=hunter2-in-message",
    "card": "4111 1111 1111 1111",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "bearer": "Bearer abcdefghijklmnopqrstuvwx",
    "e-mail": "ana.rossi@example.com",
    "key": "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
}
NEEDLES = ("hunter2", "4111 1111", "eyJzdWIi", "abcdefghijklmnop", "ana.rossi", "4eC39HqLy", "10.1.2.3")


def test_no_planted_secret_is_in_the_bytes_that_arrive(start: Callable[..., Lookout], tracker: TrackerStub) -> None:
    """In message, arguments, notes, causes, locals, breadcrumbs, extra, contexts, tags, flags, user and request."""
    lookout = start()
    planted = " ".join(SECRETS.values())
    only_local = f"local-only-{os.getpid()}"
    context.begin()
    lookout.errors.flag("beta", SECRETS["e-mail"])
    sentry_sdk.add_breadcrumb(message=planted, data={"authorization": "hunter2", "query": planted})
    sentry_sdk.set_extra("session", {"password": "hunter2", "deep": [{"token": "hunter2"}, planted]})
    sentry_sdk.set_context("payment", {"card_number": "hunter2", "note": planted})
    sentry_sdk.set_tag("note", planted)
    sentry_sdk.set_user({"id": "7", "email": SECRETS["e-mail"], "ip_address": "10.1.2.3", "username": "hunter2"})

    def put_request(event: Any, _hint: Any) -> Any:
        event["request"] = {
            "method": "POST",
            "url": "http://shop/pay?token=hunter2",
            "query_string": "token=hunter2&page=2",
            "cookies": {"session": "hunter2"},
            "headers": {"Authorization": SECRETS["bearer"], "Cookie": "s=hunter2", "User-Agent": "curl"},
            "data": {"password": "hunter2"},
            "env": {"REMOTE_ADDR": "10.1.2.3"},
        }
        return event

    sentry_sdk.get_isolation_scope().add_event_processor(put_request)

    def charge(secret: str, other: str) -> None:
        try:
            raise failed(secret + other[:0])
        except ValueError as cause:
            error = RuntimeError(planted, {"api_key": "sk_live_4eC39HqLyjWDarjtT1zdp7dc"})
            error.add_note(planted)
            raise error from cause

    try:
        charge(planted, only_local)
    except RuntimeError as error:
        lookout.errors.report(error)
    lookout.close()
    (event,) = tracker.events
    text = tracker.bodies[0].decode()
    # Lines of this file's source are in the stack; what they spell out is no secret that was at run time.
    for frame in (f for e in event["exception"]["values"] for f in e["stacktrace"]["frames"]):
        for lines in (frame.get("pre_context", []), [frame.get("context_line")], frame.get("post_context", [])):
            for line in lines:
                text = text.replace(json.dumps(line), "")
    assert [needle for needle in (*NEEDLES, only_local) if needle in text] == []
    assert event["request"] == {
        "method": "POST",
        "url": "http://shop/pay",
        "query_string": "token=[redacted:secret]&page=[redacted:secret]",
        "headers": {"User-Agent": "curl"},
    }
    assert "user" not in event


def test_every_secret_of_the_table_is_masked_and_look_alikes_are_not(
    start: Callable[..., Lookout], tracker: TrackerStub
) -> None:
    lookout = start()
    secrets = [text for text, _ in SECRET_LINES.values()]
    for text in (*secrets, *LOOK_ALIKES.values()):
        lookout.errors.report(failed(text))
    lookout.errors.flush(30)
    said = [event["exception"]["values"][0]["value"] for event in tracker.events]
    assert said == [*(redact(text) for text in secrets), *LOOK_ALIKES.values()]
    assert [text for text, masked in zip(secrets, said, strict=False) if text == masked] == []


# --- the tracker is away ------------------------------------------------------------------------------------


def test_reports_made_while_the_tracker_is_away_arrive_when_it_is_back(
    start: Callable[..., Lookout], tracker: TrackerStub
) -> None:
    lookout = start()
    tracker.stop()
    for number in range(60):
        lookout.errors.report(failed(f"number {number}"))
    lookout.errors.flush(10)
    assert counts(lookout) == {"spooled": 60}
    tracker.start()
    until(lambda: len(tracker.events) == 60, seconds=20)
    said = {event["exception"]["values"][0]["value"] for event in tracker.events}
    assert said == {f"number {number}" for number in range(60)}
    until(lambda: counts(lookout) == {"spooled": 60, "sent": 60}, seconds=10)


def test_reports_survive_a_restart_of_the_app(start: Callable[..., Lookout], tracker: TrackerStub) -> None:
    tracker.stop()
    first = start()
    for number in range(5):
        first.errors.report(failed(f"number {number}"))
    first.close()
    assert counts(first) == {"spooled": 5}
    tracker.start()
    second = start()
    until(lambda: len(tracker.events) == 5, seconds=10)
    until(lambda: counts(second) == {"sent": 5}, seconds=10)


def test_a_process_that_is_killed_leaves_its_reports_to_the_next(
    start: Callable[..., Lookout], tracker: TrackerStub, tmp_path: Path
) -> None:
    """And one that ends in good order has sent them, whatever the reason of its end."""
    program = """
        import os, sys, time
        from lookout_instrumentation import Lookout
        lookout = Lookout()
        try:
            raise ValueError("last words")
        except ValueError as error:
            lookout.errors.report(error)
        if sys.argv[1] == "killed":
            lookout.errors.flush()
            os.kill(os.getpid(), 9)
        raise RuntimeError("unhandled")
    """
    stated = {"SENTRY_DSN": tracker.dsn, "LOOKOUT_ERRORS_SPOOL": str(tmp_path), "LOOKOUT_SERVICE": "api"}
    stated |= {"PYTHONPATH": str(ROOT / "instrumentation"), "PATH": os.environ["PATH"]}

    def run(how: str) -> None:
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), how], env=stated, timeout=30, capture_output=True
        )

    tracker.stop()
    run("killed")
    tracker.start()
    start()
    until(lambda: len(tracker.events) == 1, seconds=10)
    run("in good order")
    said = [event["exception"]["values"][0]["value"] for event in tracker.events]
    assert said == ["last words", "last words", "unhandled"]


def test_a_forked_process_reports_for_itself(tracker: TrackerStub, tmp_path: Path) -> None:
    """As those of a server or a worker pool do, which end without a word."""
    program = """
        import os
        from lookout_instrumentation import Lookout
        lookout = Lookout()
        def report(name):
            try:
                raise ValueError(name)
            except ValueError as error:
                lookout.errors.report(error)
        report("before")
        child = os.fork()
        report("child" if child == 0 else "parent")
        if child == 0:
            lookout.flush()
            os._exit(0)
        os.waitpid(child, 0)
    """
    stated = {"SENTRY_DSN": tracker.dsn, "LOOKOUT_ERRORS_SPOOL": str(tmp_path)}
    stated |= {"PYTHONPATH": str(ROOT / "instrumentation"), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, env=stated, timeout=30, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = sorted(event["exception"]["values"][0]["value"] for event in tracker.events)
    assert said == ["before", "child", "parent"]


@pytest.mark.parametrize(
    ("status", "headers", "result", "later"),
    [
        (429, {"Retry-After": "30"}, {"dropped": 1}, "spooled"),
        (413, {}, {"dropped": 1}, "sent"),
        (403, {}, {"dropped": 1}, "sent"),
        (500, {}, {"spooled": 1}, "spooled"),
        (503, {"Retry-After": "30"}, {"spooled": 1}, "spooled"),
    ],
    ids=["too many", "too large", "no such key", "a fault there", "a fault there, for a while"],
)
def test_what_the_tracker_does_not_take_is_never_counted_as_sent(
    status: int,
    headers: dict[str, str],
    result: dict[str, float],
    later: str,
    start: Callable[..., Lookout],
    tracker: TrackerStub,
) -> None:
    lookout = start()
    tracker.status, tracker.headers = status, headers
    lookout.errors.report(failed())
    lookout.errors.flush(5)
    assert (counts(lookout), tracker.refused) == (result, 1)
    tracker.status = 200
    lookout.errors.report(failed())
    lookout.errors.flush(5)
    assert counts(lookout).get(later, 0) == result.get(later, 0) + 1


def test_a_full_folder_takes_no_more_and_says_so(
    start: Callable[..., Lookout], tracker: TrackerStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lookout_instrumentation.spool.MAX_FILES", 3)
    tracker.stop()
    lookout = start()
    for _ in range(10):
        lookout.errors.report(failed())
    lookout.errors.flush(10)
    assert counts(lookout) == {"spooled": 3, "dropped": 7}


def test_without_a_folder_reports_are_sent_but_not_kept(
    start: Callable[..., Lookout], tracker: TrackerStub, tmp_path: Path
) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    lookout = start(errors_spool=nowhere)
    lookout.errors.report(failed())
    lookout.errors.flush()
    tracker.stop()
    lookout.errors.report(failed())
    lookout.errors.flush(10)
    assert counts(lookout) == {"sent": 1, "dropped": 1}


def test_a_flood_of_errors_is_bounded_and_counted(start: Callable[..., Lookout], tracker: TrackerStub) -> None:
    lookout = start()
    for _ in range(1000):
        lookout.errors.report(failed())
    lookout.errors.flush(30)
    found = counts(lookout)
    assert found["sent"] + found["dropped"] == 1000
    assert 100 <= found["sent"] <= 250
    assert len(tracker.events) == found["sent"]


def test_a_tracker_that_hangs_holds_up_no_one(start: Callable[..., Lookout], tracker: TrackerStub) -> None:
    """Neither a request nor, for longer than two seconds, the end of the process."""
    lookout = start()
    hang = threading.Event()
    tracker.take = lambda _body: hang.wait(60)  # type: ignore[method-assign,assignment]
    began = time.monotonic()
    for _ in range(20):
        lookout.errors.report(failed())
    reported = time.monotonic() - began
    lookout.close()
    closed = time.monotonic() - began - reported
    hang.set()
    assert reported < 2  # the tracker is given longer than that
    assert closed < 4
    assert counts(lookout)["spooled"] >= 19


# --- the folder ---------------------------------------------------------------------------------------------


def test_two_processes_never_send_the_same_file(tmp_path: Path) -> None:
    first, second = Spool(tmp_path / "s"), Spool(tmp_path / "s")
    kept = first.keep(b"report")
    assert kept and second.claim() is None
    kept.release()
    claimed = second.claim()
    assert claimed and claimed.body == b"report" and first.claim() is None
    claimed.done()
    assert (first.claim(), first.waiting()) == (None, 0)


def test_the_folder_is_bounded_closed_to_others_and_no_one_elses(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s")
    assert spool.keep(b"x" * 21 * 2**20) is None
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o700
    assert MAX_FILES == 1000
    (tmp_path / "link").symlink_to(tmp_path / "s")
    with pytest.raises(PermissionError):
        Spool(tmp_path / "link")
