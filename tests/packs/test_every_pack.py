"""What every pack is held to: the contract, proofs that pass, and proofs that can fail."""

from collections.abc import Callable
from pathlib import Path

import pytest

from generator.model import Alert
from generator.packs import Pack, load_packs
from generator.packs.contract import check_pack
from tests.packs.proving import (
    Spoil,
    change_severity,
    change_threshold,
    drop_hold,
    drop_keep,
    prove,
    sample_site,
)

PACKS = tuple(load_packs().values())
OWN_RULES = tuple(pack for pack in PACKS if pack.source == pack.name)

# Alerts that compare with no number of their own: with nothing, or with what is recorded.
NO_NUMBER = {"Watchdog", "HttpTrafficUnusual"}
# How a rule is spoilt, and which alerts that makes a difference to.
MUTATIONS: dict[str, tuple[Spoil, Callable[[Alert], bool]]] = {
    "a threshold twice as far away": (change_threshold, lambda alert: alert.name not in NO_NUMBER),
    "without for": (drop_hold, lambda alert: alert.for_seconds > 0),
    "without keep_firing_for": (drop_keep, lambda alert: alert.keep_firing_seconds > 0),
    "with another severity": (change_severity, lambda alert: True),
}


def name_of(pack: Pack) -> str:
    return pack.name


@pytest.mark.parametrize("pack", PACKS, ids=name_of)
def test_a_pack_keeps_the_contract(pack: Pack) -> None:
    assert check_pack(pack) == ()


@pytest.mark.parametrize("pack", PACKS, ids=name_of)
def test_every_alert_of_a_pack_is_proven(pack: Pack, tmp_path: Path) -> None:
    assert prove(pack, tmp_path).output == ""


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("pack", OWN_RULES, ids=name_of)
def test_a_spoilt_rule_fails_its_proof(pack: Pack, mutation: str, tmp_path: Path) -> None:
    spoil, concerns = MUTATIONS[mutation]
    alerts = {alert.name for alert in sample_site(pack).alerts if concerns(alert)}
    assert alerts - prove(pack, tmp_path, spoil).failed == set()
