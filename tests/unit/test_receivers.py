"""The stand-ins for Slack and Telegram: they refuse what the real ones refuse, or every other test proves nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support import slack_stub, telegram_html
from tests.support.receivers import Receivers

SLACK = "/services/T000/B000/abc"
TELEGRAM = "/bot123456:abcdefghijk/sendMessage"


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    with Receivers() as running:
        yield running


def post(receivers: Receivers, path: str, body: Any) -> requests.Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return requests.post(f"{receivers.url}{path}", data=data, timeout=60)


@pytest.mark.parametrize(
    ("path", "body", "status", "answer"),
    [
        pytest.param(SLACK, {"text": "hello"}, 200, "ok", id="a text"),
        pytest.param(SLACK, {"attachments": [{"title": "t", "text": "x"}]}, 200, "ok", id="an attachment"),
        pytest.param(SLACK, b"{text: hello", 400, "invalid_payload", id="no JSON"),
        pytest.param(SLACK, [1], 400, "invalid_payload", id="no object"),
        pytest.param(SLACK, {"channel": "#ops"}, 400, "no_text", id="nothing to say"),
        pytest.param(SLACK, {"attachments": [{"color": "#fff"}]}, 400, "no_text", id="an empty attachment"),
        pytest.param(SLACK, {"attachments": "x"}, 400, "invalid_attachments", id="attachments that are none"),
        pytest.param(SLACK, {"attachments": [{"text": "x"}] * 101}, 400, "too_many_attachments", id="101 attachments"),
        pytest.param(SLACK, {"text": "x" * 40_001}, 400, "msg_too_long", id="40,001 characters"),
        pytest.param("/services/nonsense", {"text": "x"}, 404, "no_service", id="no such webhook"),
    ],
)
def test_slack_answers(receivers: Receivers, path: str, body: Any, status: int, answer: str) -> None:
    response = post(receivers, path, body)
    assert (response.status_code, response.text) == (status, answer)
    assert len(receivers.messages("slack")) == (status == 200)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        pytest.param("<https://a.dev|Runbook> &amp; more", "Runbook & more", id="a link shows its label"),
        pytest.param("<https://a.dev>", "https://a.dev", id="a bare link shows its address"),
        pytest.param("1 &lt; 2", "1 < 2", id="entities are characters"),
    ],
)
def test_slack_shows(text: str, seen: str) -> None:
    assert slack_stub.readable(text) == seen
    assert slack_stub.unsafe(text) == ""


@pytest.mark.parametrize("text", ["<!channel> wake up", "<@U123>", "a & b", "a < b", "a > b", "<https://a.dev"])
def test_slack_would_take_for_markup(text: str) -> None:
    assert slack_stub.unsafe(text)


@pytest.mark.parametrize(
    ("body", "status", "description"),
    [
        pytest.param({"chat_id": "-1", "text": "hello"}, 200, "", id="a text"),
        pytest.param({"chat_id": "-1", "text": "x" * 4096}, 200, "", id="4096 characters"),
        pytest.param({"chat_id": "-1", "text": "x" * 4097}, 400, "Bad Request: message is too long", id="4097"),
        pytest.param({"chat_id": "-1", "text": "😀" * 2049}, 400, "Bad Request: message is too long", id="emoji"),
        pytest.param({"chat_id": "-1", "text": " "}, 400, "Bad Request: message text is empty", id="nothing"),
        pytest.param({"text": "x"}, 400, "Bad Request: chat_id is empty", id="to no one"),
        pytest.param({"chat_id": "me", "text": "x"}, 400, "Bad Request: chat not found", id="to no chat"),
        pytest.param(b"{", 400, "Bad Request: can't parse JSON object", id="no JSON"),
        pytest.param(
            {"chat_id": "1", "text": "x", "parse_mode": "Rich"}, 400, "Bad Request: unsupported parse_mode", id="mode"
        ),
        pytest.param(
            {"chat_id": "1", "text": "a <x>", "parse_mode": "HTML"},
            400,
            'Bad Request: can\'t parse entities: Unsupported start tag "x" at byte offset 2',
            id="a tag that is none",
        ),
    ],
)
def test_telegram_answers(receivers: Receivers, body: Any, status: int, description: str) -> None:
    response = post(receivers, TELEGRAM, body)
    answer = response.json()
    assert (response.status_code, answer.get("description", "")) == (status, description)
    assert answer["ok"] is (status == 200)
    assert len(receivers.messages("telegram")) == (status == 200)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("<b>a</b> <i>b</i>", "a b"),
        ('<a href="https://a.dev?x=1&amp;y=2">link</a>', "link"),
        ("<b><i>nested</i></b>", "nested"),
        ("&lt;b&gt; &amp; &quot; &#39; &#x1F600;", "<b> & \" ' 😀"),
        ("a & b &nbsp; &copy;", "a & b &nbsp; &copy;"),
        ("a > b", "a > b"),
    ],
)
def test_telegram_shows(text: str, seen: str) -> None:
    assert telegram_html.parse(text) == seen


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<b>a", 'Can\'t find end tag corresponding to start tag "b"'),
        ("a</b>", "Unexpected end tag at byte offset 1"),
        ("<b><i>a</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("é <5 ms", "Unclosed start tag at byte offset 3"),
        ("<br/>", 'Unsupported start tag "br" at byte offset 0'),
        ("<script>x</script>", 'Unsupported start tag "script" at byte offset 0'),
    ],
)
def test_telegram_refuses(text: str, problem: str) -> None:
    with pytest.raises(telegram_html.EntityError) as raised:
        telegram_html.parse(text)
    assert str(raised.value) == problem


def test_a_bot_without_a_proper_token_is_not_found(receivers: Receivers) -> None:
    assert post(receivers, "/botx/sendMessage", {"chat_id": "1", "text": "x"}).status_code == 404


def test_failures_are_answered_as_often_as_asked_and_are_not_deliveries(receivers: Receivers) -> None:
    receivers.fail("slack", 429, times=2)
    receivers.fail("telegram", 500)
    slack = [post(receivers, SLACK, {"text": "x"}) for _ in range(3)]
    telegram = [post(receivers, TELEGRAM, {"chat_id": "1", "text": "x"}) for _ in range(2)]
    assert [(r.status_code, r.text) for r in slack] == [(429, "rate_limited"), (429, "rate_limited"), (200, "ok")]
    assert [r.status_code for r in telegram] == [500, 200]
    assert [m.status for m in receivers.messages(delivered=False)] == [429, 429, 200, 500, 200]
    assert len(receivers.messages()) == 2


def test_messages_can_be_waited_for_and_forgotten(receivers: Receivers) -> None:
    post(receivers, SLACK, {"text": "one"})
    assert receivers.wait_for("slack", lambda message: message.text == "one", 1).path == SLACK
    receivers.clear()
    with pytest.raises(TimeoutError, match="no such message to slack"):
        receivers.wait_for("slack", lambda message: True, 0.1)


def test_the_pages_of_the_server_and_its_log(tmp_path: Path) -> None:
    log = tmp_path / "messages.jsonl"
    with Receivers(log=log) as receivers:
        assert requests.get(f"{receivers.url}/ping/abc", timeout=60).text == "OK"
        post(receivers, SLACK, {"text": "смотри 👀"})
        post(receivers, "/fail", {"to": "slack", "status": 500})
        assert post(receivers, SLACK, {"text": "again"}).status_code == 500
        every = requests.get(f"{receivers.url}/messages", timeout=60).json()
        slack = requests.get(f"{receivers.url}/messages?to=slack", timeout=60).json()
        assert [(m["to"], m["status"]) for m in every] == [("ping", 200), ("slack", 200), ("slack", 500)]
        assert [m["text"] for m in slack] == ["смотри 👀", ""]
        assert [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] == every
        requests.delete(f"{receivers.url}/messages", timeout=60)
        assert requests.get(f"{receivers.url}/messages", timeout=60).json() == []
        assert requests.get(f"{receivers.url}/nothing", timeout=60).status_code == 404
