"""Waiting ends with the first true answer, or says what did not come."""

import time
from collections.abc import Callable

import pytest
import requests

from tests.support.waiting import until


def answers(*given: object) -> Callable[[], object]:
    """What is answered one after the other, the last for ever; an exception is raised."""
    left = list(given)

    def ask() -> object:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return ask


def test_the_first_true_answer_is_returned() -> None:
    assert until(answers(0, None, [], "there")) == "there"


@pytest.mark.parametrize(
    "error", [requests.ConnectionError("starting"), AssertionError("1 of 2"), ConnectionResetError()]
)
def test_what_may_still_come_is_waited_for(error: BaseException) -> None:
    assert until(answers(error, error, 7)) == 7


def test_what_did_not_come_is_said_with_what_came_instead() -> None:
    began = time.monotonic()
    with pytest.raises(AssertionError, match=r"two lines: not within 0\.05 s; last came AssertionError\('1 of 2'\)"):
        until(answers(AssertionError("1 of 2")), "two lines", seconds=0.05)
    assert time.monotonic() - began >= 0.05


def test_it_is_asked_at_least_once_and_once_more_at_the_end() -> None:
    assert until(answers(1), "it", seconds=0) == 1


def test_any_other_error_is_not_waited_out() -> None:
    with pytest.raises(KeyError):
        until(answers(KeyError("no")))
