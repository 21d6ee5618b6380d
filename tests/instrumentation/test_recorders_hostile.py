"""What an app is offered for counting takes anything and raises nothing: every public method, every hostile value."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from lookout_instrumentation import Lookout, Settings, careful, context
from lookout_instrumentation.outcome import status_of
from lookout_instrumentation.task_messages import hand_on

from tests.instrumentation.listening import listening
from tests.instrumentation.test_redaction_bounds import BadError, hostile_values, raised

PARTS = ("costs", "messages", "webhooks", "payments", "business", "tenants", "usage", "web", "oauth", "llm", "errors")
# Of these the app asks for something: a figure again and again, a block, an end.
OTHERS = {"refresh", "flush", "close", "stop", "on"}
VALUES: dict[str, Callable[[], Any]] = {
    **{name: lambda name=name: hostile_values()[name] for name in hostile_values()},  # type: ignore[misc]
    "nothing": lambda: None,
    "a list": lambda: [1],
    "an enormous text": lambda: "%40a." * 2_000_000,
    "less than nothing": lambda: -1,
    "infinite": lambda: float("inf"),
    "an empty text": lambda: "",
}


def methods(lookout: Lookout) -> Iterator[tuple[str, Callable[..., Any]]]:
    things = [(part, getattr(lookout, part)) for part in PARTS]
    things += [("external", lookout.external("a")), ("listener", lookout.external("a").listener)]
    things += [("call", lookout.external("a").call()), ("llm call", lookout.llm.call("a", "b"))]
    things += [("processing", lookout.webhooks.processing("a")), ("read", lookout.cache("a").read())]
    for where, thing in things:
        for name, found in inspect.getmembers(thing, callable):
            if not name.startswith("_") and name not in OTHERS and inspect.isroutine(found):
                yield f"{where}.{name}", found
    yield "cache", lookout.cache
    yield "external", lookout.external
    yield "span", lookout.span
    yield "build_size", lookout.build_size


def arguments(method: Callable[..., Any], value: Callable[[], Any]) -> tuple[list[Any], dict[str, Any]]:
    given, named = [], {}
    for parameter in inspect.signature(method).parameters.values():
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD, parameter.VAR_POSITIONAL):
            given.append(value())
        elif parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = value()
    return given, named


@pytest.mark.parametrize("name", VALUES)
def test_no_method_raises_whatever_it_is_given(name: str) -> None:
    lookout, tried = Lookout(Settings(), logging=False), 0
    context.begin()  # in a request, where there is more that can be noted
    for _where, method in methods(lookout):
        given, named = arguments(method, VALUES[name])
        made = method(*given, **named)
        if hasattr(type(made), "__enter__"):
            with made:
                pass
        tried += 1
    assert tried > 45
    assert b"app_build_info" in lookout.metrics.exposition(), "and what was counted can still be printed"


class Odd(Exception):
    @property
    def code(self) -> int:
        raise RuntimeError("no")


@pytest.mark.parametrize("error", [BadError("x"), Odd()])
def test_what_a_block_raises_goes_on_unchanged(error: Exception) -> None:
    lookout = Lookout(Settings(), logging=False)
    blocks = [lookout.external("a").call(), lookout.cache("a").read(), lookout.cache("a").write()]
    blocks += [lookout.messages.sending("a"), lookout.webhooks.processing("a"), lookout.llm.call("a", "b")]
    for block in blocks:
        with pytest.raises(type(error)) as found, block:
            raise error
        assert found.value is error


def test_an_answer_is_given_back_whatever_it_is() -> None:
    lookout = Lookout(Settings(), logging=False)
    for make in VALUES.values():
        answer = make()
        assert lookout.llm.call("a", "b").response(answer) is answer


@pytest.mark.parametrize("name", VALUES)
def test_the_context_takes_anything(name: str) -> None:
    context.begin()
    context.bind(user=VALUES[name](), tenant=VALUES[name]())
    assert all(isinstance(value, str) for value in context.current().values())
    context.gather()
    context.outgoing_headers()
    hand_on({})
    context.resume({"tenant": VALUES[name](), "request_id": VALUES[name]()})
    with listening() as captured:
        structlog.get_logger("own").info("x")
        assert captured.one()["message"] == "x"
    assert status_of(VALUES[name]()) is None or name == "less than nothing"


def test_what_is_not_counted_is_said_once() -> None:
    careful._reported.clear()
    lookout = Lookout(Settings(), logging=False)
    with listening() as captured:
        for _ in range(3):
            lookout.payments.ok("stripe", "twelve")  # type: ignore[arg-type]
        line = captured.one()
    assert (line["level"], line["recorder"], line["error_type"]) == ("warning", "Payments.ok", "ValueError")


def test_errors_with_ten_thousand_causes_are_reported_in_no_time() -> None:
    lookout = Lookout(Settings(sentry_dsn="http://key@127.0.0.1:9/1"), logging=False)
    error: BaseException = raised(ValueError("first"))
    for number in range(10_000):
        error = raised(ValueError(str(number)), error)
    job = lookout.errors._job(error, False, "GET /x")
    assert callable(job)
    lookout.errors.report(BadError("x"))
    lookout.close()
