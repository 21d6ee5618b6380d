"""What every pack is held to: the contract, and proofs that pass. That they can fail is in test_mutants.py."""

from pathlib import Path

import pytest

from generator.packs import Pack, load_packs
from generator.packs.contract import check_pack
from tests.packs.proving import prove

PACKS = tuple(load_packs().values())


def name_of(pack: Pack) -> str:
    return pack.name


@pytest.mark.parametrize("pack", PACKS, ids=name_of)
def test_a_pack_keeps_the_contract(pack: Pack) -> None:
    assert check_pack(pack) == ()


@pytest.mark.parametrize("pack", PACKS, ids=name_of)
def test_every_alert_of_a_pack_is_proven(pack: Pack, tmp_path: Path) -> None:
    assert prove(pack, tmp_path).output == ""
