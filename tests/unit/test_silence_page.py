"""The form behind the link Silence: what it begins with, what it refuses, what it sends, and how a silence is ended."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

import pytest

from generator.render.caddy.home import render_home
from tests.support.page import NOW, Shown, run_page
from tests.unit.dashboards import dashboard_site

API: Final = "/alertmanager/api/v2"
DOWN: Final = {"alertname": "ServiceDown", "service": "api", "instance": "api:8000", "severity": "critical"}
SLOW: Final = {"alertname": "Slow", "service": "api", "severity": "warning"}
WATCHDOG: Final = {"alertname": "Watchdog", "service": "lookout", "severity": "info"}
FILL: Final = 'by("who").value = "ana"; by("why").value = "moving the database"; '
CHOOSE: Final = (
    'const choose = value => document.querySelectorAll("input[name=duration]")'
    ".forEach(each => { each.checked = each.attributes.value === value; }); "
)
SEND: Final = 'await by("form").fire("submit"); await settle();'


def firing(labels: dict[str, str]) -> dict[str, Any]:
    return {
        "labels": labels,
        "annotations": {"summary": f"{labels['alertname']} says so"},
        "status": {"state": "active", "silencedBy": []},
    }


def silence(id_: str, state: str = "active", **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "matchers": [{"name": "service", "value": "vps1", "isRegex": False, "isEqual": True}],
        "startsAt": "2026-11-30T16:00:00Z",
        "endsAt": "2026-11-30T19:00:00Z",
        "createdBy": "boris",
        "comment": "a new disk",
        "status": {"state": state},
        **more,
    }


@cache
def files() -> dict[str, str]:
    return {artifact.path.rpartition("/")[2]: artifact.content for artifact in render_home(dashboard_site())}


def page(hash_: str = "", act: str = "", answers: dict[str, Any] | None = None, **how: Any) -> Shown:
    known = {
        f"{API}/alerts": {"body": [firing(WATCHDOG), firing(DOWN), firing(SLOW)]},
        f"{API}/silences": {"body": [silence("one")]},
        f"POST {API}/silences": {"body": {"silenceID": "two"}},
        f"DELETE {API}/silence/one": {"body": ""},
        **(answers or {}),
    }
    # What names its method comes first: a path alone answers every method.
    known = dict(sorted(known.items(), key=lambda entry: " " not in entry[0]))
    return run_page(files()["silence.html"], files()["silence.js"], known, hash_=hash_, act=act, **how)


def sent(shown: Shown, method: str = "POST") -> list[Any]:
    return [request["body"] for request in shown.requests if request["method"] == method]


def can_send(shown: Shown) -> bool:
    return "disabled" not in shown.part("send").split(">", 1)[0]


def test_it_begins_with_what_the_message_was_about_and_shows_what_that_silences() -> None:
    shown = page("#alertname=ServiceDown&service=api")
    assert shown.part("matchers").count('class="matcher"') == 2
    assert (
        shown.text("preview") == "1 alert fires and is silenced by this critical api: ServiceDown ServiceDown says so"
    )
    assert can_send(shown)


def test_it_sends_exactly_that_in_somebodys_name_for_the_time_that_was_chosen() -> None:
    shown = page("#alertname=ServiceDown&service=api", FILL + SEND)
    (body,) = sent(shown)
    assert body == {
        "matchers": [
            {"name": "alertname", "value": "ServiceDown", "isRegex": False, "isEqual": True},
            {"name": "service", "value": "api", "isRegex": False, "isEqual": True},
        ],
        "startsAt": "2026-11-30T17:00:00.000Z",
        "endsAt": "2026-11-30T19:00:00.000Z",
        "createdBy": "ana",
        "comment": "moving the database",
    }
    assert shown.level("said") == "good"
    assert shown.kept == {"lookout.who": "ana"}


def test_the_name_is_known_next_time() -> None:
    assert sent(page("#service=api", 'by("why").value = "again"; ' + SEND, kept={"lookout.who": "cleo"}))[0][
        "createdBy"
    ] == "cleo"  # fmt: skip


def test_it_ends_at_the_time_that_was_chosen_by_the_servers_clock() -> None:
    choose = CHOOSE + 'choose("until"); await by("form").fire("change"); by("until").value = "2026-11-30T23:00:00Z"; '
    behind = {"date": (NOW + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")}
    body = [firing(WATCHDOG), firing(DOWN)]
    shown = page("#service=api", choose + FILL + SEND, {f"{API}/alerts": {"body": body, **behind},
                                                       f"{API}/silences": {"body": [], **behind}})  # fmt: skip
    assert "hidden" not in shown.part("until")
    (made,) = sent(shown)
    begins, ends = (datetime.fromisoformat(made[key]) for key in ("startsAt", "endsAt"))
    assert begins == NOW.astimezone(UTC) + timedelta(hours=1)
    assert ends - begins == timedelta(hours=6)


REFUSED: Final[dict[str, tuple[str, str]]] = {
    "nothing": ("", "Name the alert or the service"),
    "values without names": ("#=api&=x", "Name the alert or the service"),
    "names without values": ("#alertname=&service=", "Name the alert or the service"),
    "spaces": ("#service=%20%20", "Name the alert or the service"),
    "a severity alone, which is nearly all": ("#severity=warning", "Name the alert or the service"),
    "an environment alone, which is all": ("#environment=production", "Name the alert or the service"),
    "Watchdog": ("#alertname=Watchdog", "This would silence Watchdog"),
    "what watches, and Watchdog with it": ("#service=lookout", "This would silence Watchdog"),
    "one label with two values": ("#service=api&service=web", "A label is named twice"),
    "a label that cannot be": ("#service=api&not-a-label=x", "A label's name has letters"),
}


@pytest.mark.parametrize(("hash_", "why"), REFUSED.values(), ids=REFUSED)
def test_what_would_silence_too_much_is_refused_and_never_sent(hash_: str, why: str) -> None:
    shown = page(hash_, FILL + SEND)
    assert why in shown.text("preview") and why in shown.text("said")
    assert shown.level("said") == "bad"
    assert not can_send(shown)
    assert sent(shown) == []


@pytest.mark.parametrize(
    ("act", "why"),
    [
        ('by("why").value = "because"; ', "Say who you are and why"),
        ('by("who").value = "ana"; ', "Say who you are and why"),
        (FILL + CHOOSE + 'choose("none"); ', "later than now"),
        (FILL + CHOOSE + 'choose("until"); by("until").value = "2026-11-30T16:00:00Z"; ', "later than now"),
    ],
    ids=["no one's", "without a reason", "for no time", "until an hour ago"],
)  # fmt: skip
def test_what_is_not_whole_is_not_sent(act: str, why: str) -> None:
    shown = page("#service=api", act + SEND)
    assert why in shown.text("said") and shown.level("said") == "bad"
    assert sent(shown) == []


def test_a_label_can_be_added_changed_and_taken_away_and_what_matches_follows() -> None:
    narrower = page(
        "#service=api",
        'await click(by("more")); const row = by("matchers").children[1];'
        ' await type(row.querySelector(".name"), "alertname"); await type(row.querySelector(".value"), "Slow");',
    )
    assert narrower.text("preview") == "1 alert fires and is silenced by this warning api: Slow Slow says so"
    wider = page("#service=api&alertname=Slow", 'await click(by("matchers").children[1].querySelector("button"));')
    assert wider.text("preview").startswith("2 alerts fire and are silenced by this")


def test_with_nothing_named_what_fires_is_offered() -> None:
    shown = page("")
    assert "api: ServiceDown" in shown.text("preview") and "Watchdog" not in shown.text("preview")
    chosen = page("", 'await click(by("preview").querySelector("button")); await go(location.hash);')
    assert chosen.hash == "#alertname=ServiceDown&service=api&instance=api%3A8000"


def test_a_silence_for_what_does_not_fire_yet_may_be_made() -> None:
    shown = page("#service=web", FILL + SEND)
    assert shown.text("preview").startswith("Nothing that fires now matches")
    assert len(sent(shown)) == 1


def test_silences_that_stand_are_shown_and_can_be_ended() -> None:
    odd = silence("odd", "pending", matchers=[{"name": "a", "value": "x.*", "isRegex": True, "isEqual": False}])
    answers = {f"{API}/silences": {"body": [silence("one"), odd, silence("old", "expired")]}}
    shown = page(answers=answers)
    assert shown.part("standing").count("<li>") == 2
    assert "service=vps1 until" in shown.text("standing") and "boris: a new disk" in shown.text("standing")
    assert "a!=~x.* from" in shown.text("standing")
    ended = page(answers=answers, act='await click(by("standing").querySelector("button"));')
    assert [each["path"] for each in ended.requests if each["method"] == "DELETE"] == [f"{API}/silence/one"]
    assert ended.level("said") == "good"


FAILURES: Final[dict[str, tuple[Any, str]]] = {
    "Alertmanager says why": (
        {"status": 400, "body": '"silence invalid: bad matcher"'},
        "silence invalid: bad matcher",
    ),
    "the endpoint refuses": ({"status": 403, "body": "403 Forbidden"}, "403 Forbidden"),
    "a page in its place": ({"status": 401, "body": "<html>Log in</html>"}, "it answered 401"),
    "nothing answers": ("refused", "Failed to fetch"),
}


@pytest.mark.parametrize(("answer", "why"), FAILURES.values(), ids=FAILURES)
def test_what_was_not_taken_is_said_with_the_reason(answer: Any, why: str) -> None:
    shown = page("#service=api", FILL + SEND, {f"POST {API}/silences": answer})
    assert shown.level("said") == "bad"
    assert shown.text("said").startswith("Not silenced") and why in shown.text("said")
    assert 'value="' not in shown.part("why"), "the reason stays for another try"
    shown = page(
        act='await click(by("standing").querySelector("button"));', answers={f"DELETE {API}/silence/one": answer}
    )
    assert shown.text("said").startswith("Not ended") and why in shown.text("said")


@pytest.mark.parametrize("answer", ["refused", "hangs", {"status": 502, "body": "gone"}, {"body": "<p>"}, {"body": {}}])
def test_without_alertmanager_it_says_so_and_sends_nothing(answer: Any) -> None:
    shown = page("#service=api", answers={f"{API}/alerts": answer})
    assert shown.text("preview").startswith("Alertmanager does not answer")
    assert shown.level("preview") == "bad"
    assert shown.text("standing") == "Not known"
    assert not can_send(shown)


def test_nothing_from_an_alert_a_silence_or_the_address_becomes_markup() -> None:
    planted = "<img src=x onerror=alert(1)>"
    answers = {
        f"{API}/alerts": {"body": [{**firing({**DOWN, "service": planted}), "annotations": {"summary": planted}}]},
        f"{API}/silences": {"body": [silence("one", comment=planted, createdBy=planted)]},
    }
    shown = page(f"#service={planted}", answers=answers)
    assert "<img" not in shown.html
    assert json.dumps(shown.html).count("&lt;img") >= 4
