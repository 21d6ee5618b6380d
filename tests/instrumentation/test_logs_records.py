"""The form of one line, for every logger and every value: the contract that the log shipper and searches are written
on."""

import asyncio
import json
import logging
import re
import sys
import threading
import time
import timeit
import traceback
import uuid
import warnings
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
import structlog
from celery.utils.log import get_task_logger
from fastapi import FastAPI
from fastapi.testclient import TestClient
from lookout_instrumentation import Settings, context, writer
from lookout_instrumentation.fastapi import init
from lookout_instrumentation.records import HEAD, MAX_LINE, redacted

from generator.reference.log_fields import FIELDS
from tests.instrumentation.listening import Captured, listening

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ALWAYS = tuple(field.name for field in FIELDS if field.when == "always")


@pytest.fixture
def captured() -> Iterator[Captured]:
    with listening() as captured:
        yield captured


@pytest.fixture(autouse=True)
def no_context() -> Iterator[None]:
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()
    context.configure(None)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text("a key\n")
    context.configure(path)
    return path


own = structlog.get_logger("own")


# --- the shape ---


def test_every_line_begins_with_the_fields_that_are_always_there(captured: Captured) -> None:
    own.info("done", n=1)
    record = captured.one()
    assert tuple(record) == (*HEAD, "n")
    assert HEAD == ALWAYS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", record.pop("timestamp"))
    expected = {"level": "info", "service": "shop", "environment": "test", "logger": "own", "message": "done", "n": 1}
    assert record == expected


def test_a_line_of_a_request_holds_what_is_known_of_it(captured: Captured, key: Path) -> None:
    context.begin("mine-1")
    context.bind(user=42, tenant="acme", tier="pro", session_id="s-1", site="www", action="pay")
    own.warning("slow", duration_ms=12.5)
    record = captured.one()
    assert UUID7.fullmatch(record["request_id"])
    assert record["user_id"] == context.user_hash("42")
    bound = {name: record[name] for name in ("client_request_id", "tenant", "tier", "session_id", "site", "action")}
    assert list(bound.values()) == ["mine-1", "acme", "pro", "s-1", "www", "pay"]


def test_every_field_that_the_library_writes_is_on_the_page_of_fields(key: Path) -> None:
    with listening() as captured:
        context.begin("mine-1")
        context.bind(user=1, **dict.fromkeys(context.FIELDS, "x"))
        context.resume({**context.current(), "task": "t", "task_id": "1"})
        try:
            raise ValueError("x")
        except ValueError:
            own.exception("x", stack_info=True)
        logging.getLogger("lib").info("%d", "x")
        written = {name for record in captured.records() for name in record}
        documented = {field.name for field in FIELDS}
        rest = {"trace_id", "span_id", "method", "route", "status", "duration_ms", "client_request_id"}
        assert written <= documented
        assert documented - written <= rest


def test_what_an_app_calls_like_a_field_of_the_head_is_kept_beside_it(captured: Captured) -> None:
    own.info("x", service="mine", environment="moon", message="y", level="z", logger="l", timestamp="t")
    record = captured.one()
    assert [record[name] for name in ("service", "environment", "message", "level", "logger")] == [
        *("shop", "test", "x", "info", "own")
    ]
    assert [record[f"{name}_"] for name in ("service", "environment", "message")] == ["mine", "moon", "y"]


@pytest.mark.parametrize(
    "name", ["any.library", "uvicorn.error", "gunicorn.error", "celery.worker", "sqlalchemy.engine", "django.request"]
)
def test_records_of_libraries_have_the_same_shape(captured: Captured, name: str) -> None:
    context.begin()
    logging.getLogger(name).warning("bind %s", "failed", extra={"color_message": "x", "n": 5})
    own.warning("mine", n=5)
    foreign, mine = captured.records()
    foreign.pop("color_message", None)
    assert list(foreign) == list(mine)
    assert (foreign["message"], foreign["logger"], foreign["level"], foreign["n"]) == (
        "bind failed",
        name,
        "warning",
        5,
    )


def test_warnings_become_lines(captured: Captured) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.showwarning("old thing", DeprecationWarning, "x.py", 3)
    record = captured.one()
    assert (record["logger"], record["level"]) == ("py.warnings", "warning")
    assert "old thing" in record["message"]


def test_the_echo_of_an_engine_is_lines_and_nothing_else(
    captured: Captured, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = sqlalchemy.create_engine("sqlite://", echo=True)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("select 1"))
    logging.getLogger("sqlalchemy.engine.Engine").setLevel(logging.NOTSET)
    assert capsys.readouterr().out == ""
    assert any(record["message"] == "select 1" for record in captured.records())


def test_what_a_task_was_given_is_not_logged_by_celery(captured: Captured) -> None:
    data = {"args": "('hunter2',)", "name": "pay"}
    logging.getLogger("celery.app.trace").error("Task %(name)s failed", data, extra={"data": data})
    get_task_logger("shop.tasks").info("in the task")
    assert "hunter2" not in captured.stream.getvalue()
    assert [record["message"] for record in captured.records()] == ["Task pay failed", "in the task"]


@pytest.mark.parametrize(
    ("number", "level"), [(5, "debug"), (15, "debug"), (25, "info"), (35, "warning"), (60, "critical")]
)
def test_levels_that_libraries_invent_become_one_of_five(number: int, level: str) -> None:
    with listening(log_level="DEBUG") as captured:
        logging.getLogger().setLevel(1)
        logging.getLogger("lib").log(number, "x")
        assert captured.one()["level"] == level


def test_lines_and_errors_are_counted(captured: Captured) -> None:
    own.info("x")
    own.debug("not at this level")
    try:
        raise KeyError("x")
    except KeyError:
        logging.getLogger("lib").exception("x")
    own.error("without an exception")
    assert captured.count("log_lines_total", level="info") == 1
    assert captured.count("log_lines_total", level="debug") == 0
    assert captured.count("log_errors_total", error_type="KeyError") == 1
    assert captured.count("log_errors_total", error_type="none") == 1


# --- whatever is logged ---


class Hostile:
    """Raises, whatever is asked of it."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __repr__


class HostileDict(dict[str, Any]):
    """A mapping that cannot be read."""

    def items(self) -> Any:
        raise RuntimeError("no")


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize(
    "value",
    [
        *(
            Hostile(),
            [Hostile()],
            {Hostile(): 1},
            HostileDict(a=1),
            CIRCLE,
            object(),
            lambda: 1,
            {1: {2: 3}},
            {(1, 2): 3},
        ),
        *(
            {1, 2},
            b"\xff\x00",
            float("nan"),
            float("-inf"),
            10**5000,
            2**70,
            uuid.uuid4(),
            Path("/x"),
            "\ud800",
            "é\u2028",
        ),
        *(
            ValueError("x"),
            type,
            1 + 2j,
            Settings,
            [[[[[[[[1]]]]]]]],
            "x" * 10**6,
            ["y" * 10**5] * 500,
            {"k" * 10**5: 1},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_is_logged_is_one_bounded_line_of_json(value: Any) -> None:
    with listening() as captured:
        own.info("x", value=value)
        logging.getLogger("lib").warning("%s", "x", extra={"value": value})
        records = captured.records()
        assert [record["message"] for record in records] == ["x", "x"]
        assert all("value" in record for record in records)
        assert all(len(line.encode()) <= 4 * MAX_LINE for line in captured.stream.getvalue().splitlines())


@pytest.mark.parametrize("message", [None, 5, Hostile(), {"a": 1}, ["x"], b"x", ""])
def test_whatever_is_the_message_is_a_text(message: Any) -> None:
    with listening() as captured:
        own.info(message)
        assert isinstance(captured.one()["message"], str)


def test_arguments_that_do_not_fit_cost_no_line() -> None:
    with listening() as captured:
        own.info("%s and %s", "one")
        own.info("%s and %s", "one", "two")
        logging.getLogger("lib").warning("%d", "x")
        logging.getLogger("lib").warning("%s", Hostile())
        first, second, third, fourth = captured.records()
        assert (first["message"], first["arguments"]) == ("%s and %s", ["one"])
        assert second["message"] == "one and two"
        assert third["message"] == "%d"
        assert re.fullmatch(r"TypeError at test_logs_records.py:\d+", third["malformed"])
        assert fourth["malformed"].startswith("RuntimeError")


def test_a_field_is_cut_after_8_kib_and_says_so(captured: Captured) -> None:
    own.info("m" * 10_000, text="x" * 10_000, items=list(range(1000)), wide=dict.fromkeys(map(str, range(1000)), 1))
    record = captured.one()
    assert record["text"] == "x" * 8192 + "… [1808 more characters]"
    assert record["message"].endswith("… [1808 more characters]")
    assert record["items"][-1] == "… 900 more"
    assert record["wide"]["…"] == "900 more"


def test_no_half_of_a_secret_is_left_at_a_cut(captured: Captured) -> None:
    key = "AK" + "IA" + "ABCDEFGHIJKLMNOP"
    for place in range(8192 - 25, 8192 + 1030, 7):
        own.info("x", text=" " * place + key + " " * 5000)
    assert "AKIA" not in captured.stream.getvalue()


def test_a_line_that_is_too_long_keeps_what_is_short(captured: Captured) -> None:
    own.info("x", n=1, **{f"field_{number}": "x" * 8000 for number in range(40)})
    record = captured.one()
    assert len(captured.stream.getvalue()) <= MAX_LINE + 4096
    assert (record["n"], record["message"]) == (1, "x")
    assert "[left out: 8002 characters]" in record.values()
    assert "x" * 8000 in record.values()


# --- exceptions ---


def test_an_exception_is_text_with_its_type_and_its_causes(captured: Captured) -> None:
    try:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise ValueError("second") from error
    except ValueError:
        own.exception("failed")
        logging.getLogger("lib").exception("failed")
    for record in captured.records():
        assert (record["level"], record["error_type"]) == ("error", "ValueError")
        assert re.search(r"KeyError: 'first'\n\nThe above exception.*ValueError: second$", record["exception"], re.S)
        assert "Traceback (most recent call last):" in record["exception"]


@pytest.mark.parametrize("how", ["true", "instance", "tuple", "none at hand"])
def test_an_exception_can_be_given_in_every_way(captured: Captured, how: str) -> None:
    error = ValueError("x")
    given = {"true": True, "instance": error, "tuple": (ValueError, error, None), "none at hand": True}[how]
    if how == "none at hand":
        own.error("x", exc_info=given)
        assert "exception" not in captured.one()
        return
    try:
        raise error
    except ValueError:
        own.error("x", exc_info=given)
    assert captured.one()["error_type"] == "ValueError"


def test_a_traceback_is_whole_up_to_32_kib_and_then_loses_its_middle(captured: Captured) -> None:
    def deep(count: int, text: str) -> None:
        if count == 0:
            raise ValueError(text)
        exec("deep(count - 1, text)" + " " * (count % 7), {"deep": deep, "count": count, "text": text})

    for text in ("short", "long " + "x" * 50_000 + " end"):
        try:
            deep(20, text)
        except ValueError:
            whole = traceback.format_exc().rstrip("\n")
            own.exception("failed")
    short, long = captured.records()
    assert short["exception"].endswith("ValueError: short")
    assert short["exception"].count("exec(") == 20
    assert len(whole) > 50_000
    assert long["exception"].startswith("Traceback")
    assert long["exception"].endswith(" end")
    assert re.search(r"… \[\d+ more characters\]", long["exception"])
    assert len(long["exception"]) < 33 * 1024


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_no_one_catches_is_a_line_too(captured: Captured) -> None:
    def broken() -> None:
        raise ValueError("password=hunter2")

    thread = threading.Thread(target=broken, name="broken")
    thread.start()
    thread.join()
    record = captured.one()
    assert (record["level"], record["message"], record["thread"]) == ("critical", "unhandled exception", "broken")
    assert record["exception"].endswith("password=[redacted:secret]")


# --- the end of the queue ---


class Stuck(StringIO):
    """A pipe that no one reads from, until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.release = threading.Event()

    def write(self, text: str) -> int:
        self.release.wait(60)
        return super().write(text)


def test_a_full_queue_drops_and_counts_instead_of_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_LINES", 5)
    stream = Stuck()
    with listening(stream) as captured:
        took = timeit.timeit(lambda: own.info("line"), number=200)
        stream.release.set()
    dropped = captured.count("log_lines_dropped_total", reason="queue full")
    assert took < 20  # one line that waits would take a minute
    assert dropped >= 150
    assert len(stream.getvalue().splitlines()) + dropped == 200


def test_a_queue_of_large_lines_is_bounded_by_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_BYTES", 50_000)
    stream = Stuck()
    with listening(stream) as captured:
        for _ in range(100):
            own.info("x" * 8000)
        stream.release.set()
    assert 1 <= len(stream.getvalue().splitlines()) <= 10
    assert captured.count("log_lines_dropped_total", reason="queue full") >= 90


def test_lines_that_cannot_be_written_are_counted() -> None:
    class Broken(StringIO):
        def write(self, text: str) -> int:
            raise OSError("no space left on device")

    with listening(Broken()) as captured:
        for _ in range(3):
            own.info("x")
    assert captured.count("log_lines_dropped_total", reason="not written") == 3


def test_lines_of_many_threads_are_whole_and_all_there(captured: Captured) -> None:
    def work(number: int) -> None:
        for line in range(200):
            own.info("x", thread=number, line=line)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = [(record["thread"], record["line"]) for record in captured.records()]
    assert sorted(seen) == [(number, line) for number in range(8) for line in range(200)]
    assert all([line for number, line in seen if number == each] == list(range(200)) for each in range(8))


def test_logging_goes_back_to_what_it_was() -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    with listening():
        assert root.handlers != before[0]
    assert (root.handlers, root.level) == before


# --- users ---


def test_a_user_is_only_ever_a_hash(captured: Captured, key: Path) -> None:
    own.info("x", user_id=42)
    own.info("x", user_id="bob@example.com")
    own.info("x", user_id=context.user_hash("42"))
    logging.getLogger("lib").warning("x", extra={"user_id": "42"})
    hashes = [record["user_id"] for record in captured.records()]
    assert hashes == [context.user_hash(each) for each in ("42", "bob@example.com", "42", "42")]
    assert all(re.fullmatch("[0-9a-f]{16}", each) for each in hashes)


def test_without_a_key_no_user_is_named(captured: Captured) -> None:
    context.configure(None)
    own.info("x", user_id="bob")
    assert "user_id" not in captured.one()


# --- a whole app ---


def app_with(tmp_path: Path) -> FastAPI:
    app = FastAPI()

    @app.get("/items/{item_id}")
    async def get_item(item_id: int) -> int:
        own.info("in the request")
        await asyncio.to_thread(own.info, "in a thread")
        if item_id == 0:
            raise RuntimeError("token=abc123")
        return item_id

    init(app, settings=Settings(service="shop", environment="test"), logging=False)
    return app


def test_one_access_line_a_request_and_its_id_on_all_its_lines(tmp_path: Path) -> None:
    with listening() as captured, TestClient(app_with(tmp_path)) as client:
        answer = client.get("/items/5?token=hush", headers={"X-Request-ID": "mine-1"})
        records = captured.records()
    ids = {record["request_id"] for record in records}
    assert ids == {answer.headers["X-Request-ID"]}
    assert [record["message"] for record in records] == ["in the request", "in a thread", "request"]
    access = records[-1]
    assert (access["method"], access["route"], access["status"]) == ("GET", "/items/{item_id}", 200)
    assert access["duration_ms"] > 0
    assert "hush" not in captured.stream.getvalue()


def test_a_crash_is_one_error_line_and_one_access_line(tmp_path: Path) -> None:
    with listening() as captured, TestClient(app_with(tmp_path), raise_server_exceptions=False) as client:
        client.get("/items/0")
        access, error = sorted(captured.records()[-2:], key=lambda record: str(record["logger"]))
    assert (error["level"], error["error_type"]) == ("error", "RuntimeError")
    assert error["exception"].endswith("token=[redacted:secret]")
    assert (access["level"], access["status"]) == ("warning", 500)


# --- cost ---


def test_redaction_of_an_ordinary_access_line_is_cheap(capsys: pytest.CaptureFixture[str]) -> None:
    """In turns with a fixed piece of work, in the thread's own time: a busy machine does not matter."""
    line = {"method": "GET", "route": "/items/{item_id}", "status": 200, "duration_ms": 1.23}
    context.begin("mine-1")
    line |= context.current()
    count = 200
    redacting = timeit.Timer(lambda: redacted(dict(line)), timer=time.thread_time)
    dumping = timeit.Timer(lambda: json.dumps(line), timer=time.thread_time)
    tracer = sys.gettrace()
    sys.settrace(None)  # else coverage's own work would be measured too
    try:
        turns = [(redacting.timeit(count) / count, dumping.timeit(count) / count) for _ in range(50)]
    finally:
        sys.settrace(tracer)
    best, unit = (min(times) for times in zip(*turns, strict=True))
    with capsys.disabled():
        print(f" redaction of an access line: {best * 1e6:.1f} µs (json.dumps of it: {unit * 1e6:.1f} µs)")
    assert best < 1.5 * unit
