"""The plan for Uptime Kuma: what is created, changed and deleted, and above all what is left alone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generator.kuma import KumaError, KumaPlan, plan_kuma
from generator.kuma.wire import LiveChannel, LiveMonitor, LivePage, LiveState
from tests.kuma.samples import SLACK_URL, desired_from, held, monitors_file

File = dict[str, Any]
Live = Callable[[LiveState], LiveState]


def same(live: LiveState) -> LiveState:
    return live


def edit(key: str, **fields: Any) -> Live:
    """A person changed fields of a monitor of ours in the browser."""

    def change(live: LiveState) -> LiveState:
        monitors = [replace(m, fields={**m.fields, **fields}) if m.key == key else m for m in live.monitors]
        return replace(live, monitors=tuple(monitors))

    return change


def alter(key: str, **attributes: Any) -> Live:
    """A person moved, paused or rebound a monitor of ours."""

    def change(live: LiveState) -> LiveState:
        monitors = [replace(m, **attributes) if m.key == key else m for m in live.monitors]
        return replace(live, monitors=tuple(monitors))

    return change


def add(*monitors: LiveMonitor) -> Live:
    return lambda live: replace(live, monitors=live.monitors + monitors)


def handmade(id_: int, name: str) -> LiveMonitor:
    return LiveMonitor(id_, None, None, True, frozenset(), {"name": name, "type": "http"})


def edit_channel(**config: str) -> Live:
    def change(live: LiveState) -> LiveState:
        channels = [replace(c, config={**c.config, **config}) for c in live.channels]
        return replace(live, channels=tuple(channels))

    return change


def edit_page(**changes: Any) -> Live:
    return lambda live: replace(live, pages=tuple(replace(page, **changes) for page in live.pages))


def monitor(file: File, key: str) -> dict[str, Any]:
    found: dict[str, Any] = next(m for m in file["monitors"] if m["key"] == key)
    return found


def without(file: File, *keys: str) -> None:
    file["monitors"] = [m for m in file["monitors"] if m["key"] not in keys]
    for group in file["status_page"]["groups"]:
        group["monitors"] = [key for key in group["monitors"] if key not in keys]


def lines(plan: KumaPlan) -> list[str]:
    """A plan in words: `update monitor api/http: url 'old' -> 'new'`."""
    lines = []
    for change in plan.changes:
        fields = ", ".join(f"{f.field} {f.old!r} -> {f.new!r}" for f in change.fields)
        lines.append(f"{change.action} {change.kind} {change.key}" + (f": {fields}" if fields else ""))
    return lines


SHOWN = "[['Services', ['api/http', 'cache']]]"


def nothing(file: File) -> None:
    """The file stays as it was applied."""


def drop_notifications(file: File) -> None:
    file["notifications"] = []
    monitor(file, "api/login")["notify"] = []


CASES: list[tuple[str, Callable[[File], None], Live, list[str]]] = [
    ("what was applied needs nothing", nothing, same, []),
    (
        "a changed address is one field",
        lambda f: monitor(f, "api/http").update(url="http://127.0.0.1:9/ready"),
        same,
        ["update monitor api/http: url 'http://127.0.0.1:9/health' -> 'http://127.0.0.1:9/ready'"],
    ),
    (
        "every changed field is lines",
        lambda f: monitor(f, "cache").update(port=6380, name="redis"),
        same,
        ["update monitor cache: name 'cache' -> 'redis', port 9 -> 6380"],
    ),
    (
        "status codes are compared as a list",
        lambda f: monitor(f, "api/http").update(accepted_statuscodes=["200-299", "401"]),
        same,
        ["update monitor api/http: accepted_statuscodes ['200-299'] -> ['200-299', '401']"],
    ),
    (
        "a monitor deleted by hand is made again, and shown again",
        nothing,
        lambda live: replace(live, monitors=live.monitors[:3]),
        [
            "create monitor cache",
            "update status page status: groups [['Services', ['api/http', '#14']]] -> [[SHOWN]]",
        ],
    ),
    (
        "a monitor no longer declared is deleted, after the page has let go of it",
        lambda f: without(f, "cache"),
        same,
        [
            "update status page status: groups [[SHOWN]] -> [['Services', ['api/http']]]",
            "delete monitor cache",
        ],
    ),
    (
        "children are deleted before their group",
        lambda f: without(f, "api", "api/http", "api/login"),
        same,
        [
            "update status page status: groups [[SHOWN]] -> [['Services', ['cache']]]",
            "delete monitor api/http",
            "delete monitor api/login",
            "delete monitor api",
        ],
    ),
    ("a monitor made by hand is foreign", nothing, add(handmade(90, "my blog")), []),
    ("so is one of the same name as ours", nothing, add(handmade(90, "cache")), []),
    ("what is not declared may be changed in the browser", nothing, edit("cache", resendInterval=9, weight=1), []),
    (
        "what is declared may not",
        nothing,
        edit("cache", port=1),
        ["update monitor cache: port 1 -> 9"],
    ),
    ("an operator's pause survives", nothing, alter("cache", active=False), []),
    (
        "a monitor moved out of its group is moved back",
        nothing,
        alter("api/http", parent=None),
        ["update monitor api/http: parent None -> 'api'"],
    ),
    (
        "a monitor moved into a hand-made group is moved back",
        nothing,
        lambda live: add(handmade(90, "mine"))(alter("cache", parent=90)(live)),
        ["update monitor cache: parent '#90' -> None"],
    ),
    (
        "a lost binding is bound again",
        nothing,
        alter("api/login", bound=frozenset()),
        ["update monitor api/login: notify [] -> ['watch']"],
    ),
    (
        "a binding to a hand-made notification is left alone",
        nothing,
        lambda live: replace(
            alter("cache", bound=frozenset({77}))(live),
            channels=(*live.channels, LiveChannel(77, None, "mine", {})),
        ),
        [],
    ),
    (
        "a secret that changed is lines without a word of it",
        nothing,
        edit_channel(slackwebhookURL="http://old/secret"),
        ["update notification watch: slackwebhookURL '(secret)' -> '(secret)'"],
    ),
    (
        "a notification made a default by hand may stay one",
        nothing,
        edit_channel(isDefault="yes", slackiconemo=":fire:"),
        [],
    ),
    (
        "a notification no longer declared is deleted, after the monitors have let go of it",
        drop_notifications,
        same,
        ["update monitor api/login: notify ['watch'] -> []", "delete notification watch"],
    ),
    (
        "a notification made by hand is foreign",
        nothing,
        lambda live: replace(live, channels=(*live.channels, LiveChannel(77, None, "lookout: mine", {}))),
        [],
    ),
    (
        "a page's title and mark are kept as declared",
        lambda f: f["status_page"].update(title="Acme"),
        same,
        ["update status page status: title 'acme' -> 'Acme'"],
    ),
    (
        "a page rearranged by hand is put in order",
        nothing,
        edit_page(groups=(("Services", (14, 11)),)),
        ["update status page status: groups [['Services', ['cache', 'api/http']]] -> [[SHOWN]]"],
    ),
    (
        "a page that shows a hand-made monitor is put in order",
        nothing,
        edit_page(groups=(("Services", (11, 14, 90)),)),
        ["update status page status: groups [['Services', ['api/http', 'cache', '#90']]] -> [[SHOWN]]"],
    ),
    (
        "a page of another slug replaces ours",
        lambda f: f["status_page"].update(slug="up"),
        same,
        ["create status page up", "delete status page status"],
    ),
    (
        "a page no longer declared is deleted",
        lambda f: f.update(status_page=None),
        same,
        ["delete status page status"],
    ),
    (
        "a page that a broken run left empty is filled",
        nothing,
        edit_page(key=None, groups=()),
        ["update status page status: groups [] -> [[SHOWN]], lookout-key None -> 'status'"],
    ),
    (
        "a page made by hand is foreign",
        nothing,
        lambda live: replace(live, pages=(*live.pages, LivePage("mine", None, {"title": "mine"}))),
        [],
    ),
]


@pytest.mark.parametrize(("declare", "live", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_plan(declare: Callable[[File], None], live: Live, expected: list[str], tmp_path: Path) -> None:
    file = monitors_file()
    before = desired_from(file, tmp_path / "secrets")
    declare(file)
    plan = plan_kuma(desired_from(file, tmp_path / "secrets"), live(held(before)))
    assert lines(plan) == [line.replace("[[SHOWN]]", SHOWN) for line in expected]
    assert plan.empty is (not expected)


def test_an_empty_server_gets_everything_in_an_order_that_works(tmp_path: Path) -> None:
    plan = plan_kuma(desired_from(monitors_file(), tmp_path / "secrets"), LiveState(), needs_setup=True)
    assert lines(plan) == [
        "create notification watch",
        "create monitor api",
        "create monitor cache",
        "create monitor api/http",
        "create monitor api/login",
        "create status page status",
    ]
    assert (plan.count("create"), plan.count("delete"), plan.needs_setup) == (6, 0, True)


def test_a_plan_shows_who_is_foreign_unchanged_and_paused(tmp_path: Path) -> None:
    desired = desired_from(monitors_file(), tmp_path / "secrets")
    live = add(handmade(90, "my blog"))(alter("cache", active=False)(held(desired)))
    plan = plan_kuma(desired, live)
    assert (plan.foreign, plan.paused, len(plan.unchanged)) == (("my blog",), ("cache",), 6)


def test_no_secret_is_in_the_repr_of_a_plan(tmp_path: Path) -> None:
    desired = desired_from(monitors_file(), tmp_path / "secrets")
    live = held(desired)
    for text in (repr(plan_kuma(desired, LiveState())), repr(plan_kuma(desired, live)), repr(live), repr(desired)):
        assert SLACK_URL not in text


def test_two_monitors_with_one_key_are_an_error(tmp_path: Path) -> None:
    desired = desired_from(monitors_file(), tmp_path / "secrets")
    live = held(desired)
    with pytest.raises(KumaError, match=r"two monitors .* lookout-key=cache: ids 14 and 99") as caught:
        plan_kuma(desired, add(replace(live.monitors[3], id=99))(live))
    assert "made by hand" in caught.value.hint


def test_a_page_filled_by_hand_is_never_taken_over(tmp_path: Path) -> None:
    desired = desired_from(monitors_file(), tmp_path / "secrets")
    with pytest.raises(KumaError, match="a status page 'status' that was made by hand"):
        plan_kuma(desired, edit_page(key=None)(held(desired)))


GUARD: list[tuple[str, int, int, bool]] = [
    ("one of one replaced goes freely", 1, 1, False),
    ("five of five replaced go freely", 5, 5, False),
    ("six of nineteen are too large a share", 19, 6, True),
    ("six of twenty are not", 20, 6, False),
    ("ten of forty are not", 40, 10, False),
    ("eleven of a thousand are too many", 1000, 11, True),
]


def _many(count: int) -> list[dict[str, Any]]:
    return [{"key": f"m{n}", "name": f"m{n}", "type": "port", "hostname": "h", "port": 1} for n in range(count)]


@pytest.mark.parametrize(("owned", "gone", "refused"), [g[1:] for g in GUARD], ids=[g[0] for g in GUARD])
def test_the_guard_of_history(owned: int, gone: int, refused: bool, tmp_path: Path) -> None:
    before = desired_from({"format": 1, "monitors": _many(owned)}, tmp_path / "secrets")
    new = {"key": "new", "name": "new", "type": "group"}
    after = desired_from({"format": 1, "monitors": [*_many(owned)[gone:], new]}, tmp_path / "secrets")
    plan = plan_kuma(after, held(before))
    assert plan.count("delete") == gone
    assert plan.refusal == (f"{gone} of {owned} monitors and their history would be deleted" if refused else "")


def test_an_empty_file_never_wipes_even_a_small_server(tmp_path: Path) -> None:
    before = desired_from({"format": 1, "monitors": _many(2)}, tmp_path / "secrets")
    after = desired_from({"format": 1, "monitors": []}, tmp_path / "secrets")
    assert plan_kuma(after, held(before)).refusal == "all 2 monitors and their history would be deleted"
