"""The traffic generator outlives the API, says once what changed, and asks only for what exists."""

import asyncio
import random
from pathlib import Path

import httpx2
import pytest
from demo.days import Calendar
from demo.journeys import CHOICES, Crowd
from demo.traffic import LONGEST_PAUSE_SECONDS, Options, Traffic

from tests.unit.demo_api import ITEM, captured, running, settings_in


def traffic(answer: httpx2.AsyncBaseTransport, rate: float = 1000) -> Traffic:
    client = httpx2.AsyncClient(transport=answer, base_url="http://api")
    return Traffic(Options(url="http://api", rate=rate, heartbeat=None, calendar=None), client)


def test_it_says_once_that_no_one_answers_and_once_that_someone_does() -> None:
    up = False

    def answer(_request: httpx2.Request) -> httpx2.Response:
        if not up:
            raise httpx2.ConnectError("refused")
        return httpx2.Response(503)

    async def outage() -> None:
        nonlocal up
        sender = traffic(httpx2.MockTransport(answer))
        for answers in (False, False, False, True, True, False):
            up = answers
            await sender.send_one()

    with captured() as records:
        asyncio.run(outage())
    assert [record["message"] for record in records] == [
        "api does not answer",
        "api answers",
        "api does not answer",
    ]


@pytest.mark.parametrize("rate", [0.1, 5.0, 200.0])
def test_it_slows_down_while_no_one_answers_and_returns_to_its_rate(rate: float) -> None:
    down = True

    def answer(_request: httpx2.Request) -> httpx2.Response:
        if down:
            raise httpx2.ConnectError("refused")
        return httpx2.Response(200, json={"id": "x", "token": "t"})

    async def pauses() -> list[float]:
        nonlocal down
        sender = traffic(httpx2.MockTransport(answer), rate)
        seen = [sender.pause_seconds]
        for _ in range(20):
            await sender.send_one()
            seen.append(sender.pause_seconds)
        down = False
        await sender.send_one()
        return [*seen, sender.pause_seconds]

    with captured():
        seen = asyncio.run(pauses())
    assert seen[0] == seen[-1] == 1 / rate
    assert seen[:-1] == sorted(seen[:-1])
    assert seen[-2] == max(LONGEST_PAUSE_SECONDS, 1 / rate)


@pytest.mark.parametrize("nonsense", [httpx2.Response(200, text="<html>"), httpx2.Response(200, json={})])
def test_an_answer_that_makes_no_sense_does_not_end_it(nonsense: httpx2.Response) -> None:
    async def send() -> None:
        sender = traffic(httpx2.MockTransport(lambda _request: nonsense))
        for _ in range(100):
            await sender.send_one()

    with captured():
        asyncio.run(send())


def test_a_day_has_its_noon_and_its_night(monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options(url="http://api", rate=5, heartbeat=None, calendar=Calendar(600))
    sender = Traffic(options, httpx2.AsyncClient())

    def rate(second: float) -> float:
        monkeypatch.setattr("time.time", lambda: second)
        return 1 / sender.pause_seconds

    assert [round(rate(second), 1) for second in (0, 150, 300)] == [2.0, 5.0, 8.0]


def test_who_is_turned_away_logs_in_again() -> None:
    crowd, seen = Crowd(random.Random(1)), list[str]()
    registration = crowd.register()
    registration.note({"token": "t"})
    request = crowd.me()
    assert request.person is not None
    assert (request.path, request.person.token) == ("/me", "t")
    crowd.expired(request.person)
    seen = [crowd.me().path, crowd.export().path]
    assert seen == ["/login", "/login"]


def test_every_choice_is_a_request_anyone_who_is_there() -> None:
    for seed in range(20):
        crowd = Crowd(random.Random(seed))
        for choice, weight in CHOICES:
            assert weight > 0
            assert choice(crowd).path.startswith("/")
            crowd.register().note({"token": "t"})


def test_what_it_asks_of_a_healthy_api_is_answered_and_hardly_ever_with_an_error(tmp_path: Path) -> None:
    with running(settings_in(tmp_path)) as demo:

        def answer(request: httpx2.Request) -> httpx2.Response:
            seen = demo.client.request(
                request.method, str(request.url.raw_path, "ascii"), content=request.content,
                headers={name: value for name, value in request.headers.items() if name != "host"},
            )  # fmt: skip
            return httpx2.Response(seen.status_code, content=seen.content)

        async def send() -> None:
            client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url="http://api")
            # The same four hundred requests each time.
            sender = Traffic(Options("http://api", 1000, None, None), client, random.Random(3))
            for _ in range(400):
                await sender.send_one()

        asyncio.run(send())
        counted = {
            (sample.labels["handler"], sample.labels["status"]): sample.value
            for family in demo.lookout.metrics.registry.collect()
            for sample in family.samples
            if sample.name == "http_requests_total" and sample.value
        }
    assert {status[0] for _, status in counted} <= {"2", "4"}, counted
    assert sum(value for (_, status), value in counted.items() if status[0] == "4") <= 8
    assert {ITEM, "/items", "/search", "/analyze", "/register", "/login", "/me"} <= {handler for handler, _ in counted}
