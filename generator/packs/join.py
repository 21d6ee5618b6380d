"""Kinds of one service that share their rules, as `[django, fastapi]` share those of http: applied as one pack.

Owns what becomes of them: the rules once, over what each of the programs exports. Relabelling and required metrics are
of each kind by itself, and no business of this module.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from generator.packs.load import Pack, load_packs

Value = TypeVar("Value")


def joined_packs(kinds: Sequence[str], packs: Mapping[str, Pack]) -> list[Pack]:
    """The packs of a service's kinds, those that share their rules as one, in the order of the kinds."""
    chosen: dict[str, Pack] = {}
    for kind in kinds:
        pack = packs[kind]
        chosen[pack.source] = max(chosen.get(pack.source, pack), pack, key=_rank)
    return [join(pack, kinds, packs) for pack in chosen.values()]


def join(pack: Pack, kinds: Iterable[str], packs: Mapping[str, Pack] | None = None) -> Pack:
    """`pack` with the signals, indicators and parameters of those other kinds whose rules are the same. What several
    define is taken from the first of them."""
    packs = load_packs() if packs is None else packs
    others = [packs[kind] for kind in kinds if kind in packs and packs[kind].source == pack.source]
    others = [each for each in others if each.name not in (pack.name, pack.source)]
    if not others:
        return pack
    base = packs[pack.source].spec
    signals, indicators, params = dict(base.signals), dict(base.indicators), dict(base.params)
    for each in (*reversed(others), pack):
        signals |= _own(each.spec.signals, base.signals)
        indicators |= _own(each.spec.indicators, base.indicators)
        params |= _own(each.spec.params, base.params)
    spec = pack.spec.model_copy(update={"signals": signals, "indicators": indicators, "params": params})
    names = sorted({pack.name, *(each.name for each in others)})
    edges = {name: found for each in (*reversed(others), pack) for name, found in each.edges.items()}
    known = {name: param for each in (*reversed(others), pack) for name, param in each.params.items()}
    return replace(pack, spec=spec, params={name: known[name] for name in params}, digest="+".join(names), edges=edges)


def _rank(pack: Pack) -> tuple[bool, bool]:
    """What gives the joined pack its name: one with an exporter before others, one that is derived before its base."""
    return pack.exporter is not None, pack.name != pack.source


def _own(given: Mapping[str, Value], base: Mapping[str, Value]) -> dict[str, Value]:
    """What a pack says itself, other than the one that it is based on."""
    return {name: value for name, value in given.items() if base.get(name) != value}
