"""Who is notified: the truth table of `notify:`."""

import pytest

from generator.channels.slack import SlackChannel
from generator.channels.telegram import TelegramChannel
from generator.conventions import DEFAULT_OWNER, Severity
from generator.site.model import Person
from generator.site.routing import reaches, receiver_of, recipients, routes
from generator.values.secret import SecretRef
from tests.unit.sites import ANA, OPS, PHONE, make_service, make_site

BORIS = TelegramChannel("boris", 7654321, SecretRef("telegram_token"), "https://api.telegram.org")
PEOPLE = {"ana": Person("ana", ANA), "boris": Person("boris", BORIS), "cleo": Person("cleo", None)}


@pytest.mark.parametrize(
    ("words", "owner", "reached"),
    [
        pytest.param(("ops",), "ana", (OPS,), id="a channel is notified for any owner"),
        pytest.param(("phone", "ops"), "ana", (PHONE, OPS), id="channels are notified in the order written"),
        pytest.param(("owner",), "ana", (ANA,), id="owner is the person who owns the service"),
        pytest.param(("owner", "ops"), "boris", (BORIS, OPS), id="owner and a channel are both notified"),
        pytest.param(("owner", "ops"), "cleo", (OPS,), id="an owner without a channel leaves the channels"),
        pytest.param(("owner",), "cleo", (), id="an owner without a channel is no one"),
        pytest.param(("owner",), DEFAULT_OWNER, (ANA, BORIS), id="what no one owns is everyone's"),
        pytest.param(("owner",), "stranger", (ANA, BORIS), id="an owner from a rule by hand is everyone"),
        pytest.param((), "ana", (), id="no word, no one"),
    ],
)
def test_an_alert_reaches(words: tuple[str, ...], owner: str, reached: tuple[object, ...]) -> None:
    site = make_site(make_service(), notify={"critical": words}, people=PEOPLE)
    assert recipients(site, "critical", owner) == reached


def test_two_names_for_one_place_are_reported_once() -> None:
    twin = TelegramChannel("twin", PHONE.chat, PHONE.token, PHONE.api)
    site = make_site(notify={"critical": ("phone", "twin", "ops")}, channels={"phone": PHONE, "twin": twin, "ops": OPS})
    assert recipients(site, "critical", "ana") == (PHONE, OPS)


def test_one_webhook_with_two_channels_is_two_places() -> None:
    other = SlackChannel("dev", "#dev", OPS.webhook)
    site = make_site(notify={"critical": ("ops", "dev")}, channels={"ops": OPS, "dev": other})
    assert len(reaches(site, "critical", "ana")) == 2


def test_each_person_has_a_receiver_only_where_the_owner_is_reported() -> None:
    site = make_site(notify={"critical": ("owner", "ops"), "warning": ("ops",)}, people=PEOPLE)
    assert [(route.severity, route.owner, route.receiver) for route in routes(site)] == [
        ("critical", "ana", "critical-ana"),
        ("critical", "boris", "critical-boris"),
        ("critical", "cleo", "critical-cleo"),
        ("critical", None, "critical"),
        ("warning", None, "warning"),
        ("info", None, "no-receiver"),
    ]


def test_an_owner_without_a_channel_is_routed_to_no_one() -> None:
    site = make_site(notify={"critical": ("owner",)}, people=PEOPLE)
    assert receiver_of(site, "critical", "cleo") == "no-receiver"


@pytest.mark.parametrize(
    ("severity", "owner", "receiver"),
    [
        ("critical", "ana", "critical-ana"),
        ("critical", "stranger", "critical"),
        ("warning", "ana", "warning"),
        ("info", "ana", "no-receiver"),
        ("page", "ana", "warning"),
        ("", "", "warning"),
    ],
)
def test_the_receiver_of(severity: str, owner: str, receiver: str) -> None:
    site = make_site(notify={"critical": ("owner", "ops"), "warning": ("ops",)}, people=PEOPLE)
    assert receiver_of(site, severity, owner) == receiver


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_with_an_empty_notify_no_one_is_reported(severity: Severity) -> None:
    site = make_site(notify={})
    assert recipients(site, severity, "ana") == ()
    assert receiver_of(site, severity, "ana") == "no-receiver"
