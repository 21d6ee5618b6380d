"""Proofs follow the parameters: whatever services.yaml may set, the proof that is rendered for it holds."""

from dataclasses import replace
from pathlib import Path

import pytest

from generator.packs import Pack, instantiate, load_packs
from generator.packs.sample import SAMPLE_STACK, sample_instance, sample_service
from generator.resolve.params import parse_param
from generator.site.model import ParamValue
from tests.packs.proving import prove_service


def says_what_its_base_does(pack: Pack) -> bool:
    """Whether the rules of a pack are, to the letter, those of the one that it is based on."""
    if pack.source == pack.name:
        return False
    own, base = (sample_instance(each)[1] for each in (pack, load_packs()[pack.source]))
    return [alert.expr for alert in own.alerts] == [alert.expr for alert in base.alerts]


PARAMETRIC = tuple(pack for pack in load_packs().values() if pack.params and not says_what_its_base_does(pack))


def at_bounds(pack: Pack, bound: str) -> dict[str, ParamValue]:
    """Every numeric parameter at its `min` or `max`, whole seconds where it is a duration of rules."""
    values = {name: getattr(param, bound) for name, param in pack.params.items() if param.type != "text"}
    return {name: int(value) if float(value).is_integer() else value for name, value in values.items()}


@pytest.mark.parametrize("bound", ["min", "max"])
@pytest.mark.parametrize("pack", PARAMETRIC, ids=lambda pack: pack.name)
def test_proofs_hold_at_the_bounds_of_every_parameter(pack: Pack, bound: str, tmp_path: Path) -> None:
    service = sample_service(pack)
    instance = instantiate(pack, service, SAMPLE_STACK, at_bounds(pack, bound), ())
    assert prove_service(replace(service, packs=(instance,)), tmp_path).output == ""


# Label matchers as people write them for their own machines: by pattern, by name, by labels that no example has.
MATCHERS = (
    ("containers", "watched", 'container=~"x-.+"'),
    ("containers", "watched", 'container!~"runner-.+|shop-.*"'),
    ("containers", "watched", 'container="db"'),
    ("containers", "watched", 'container=~"lookout-e2e4.+",container!="lookout-e2e4-x"'),
    ("containers", "watched", 'service=~"web|worker"'),
    ("containers", "watched", 'project=~"shop|blog[0-9]{2}"'),
    ("host", "disks", 'device!~"loop.+"'),
    ("host", "disks", 'mountpoint="/"'),
    ("host", "disks", 'fstype=~"nfs4?",mountpoint=~"/mnt/.+"'),
    ("host", "disks", 'mountpoint=~"/|/srv|/home"'),
)


@pytest.mark.parametrize(("kind", "name", "text"), MATCHERS)
def test_proofs_follow_label_matchers(kind: str, name: str, text: str, tmp_path: Path) -> None:
    pack = load_packs()[kind]
    service = sample_service(pack)
    parse_param(pack.params[name], text)
    instance = instantiate(pack, service, SAMPLE_STACK, {name: text}, ())
    assert prove_service(replace(service, packs=(instance,)), tmp_path).output == ""


@pytest.mark.parametrize("text", ['container=~"a",container="b"', 'container=~"x(?!y)"', 'device=~"[a"'])
def test_matchers_that_take_nothing_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"these matchers take|should be label matchers|not understood"):
        parse_param(load_packs()["containers"].params["watched"], text)
