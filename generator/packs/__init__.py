"""Packs: what a kind of service brings. Folders of data, loaded here and applied to services.

The public face of the package: the rest of Lookout imports from here.
"""

from generator.packs.instantiate import instantiate
from generator.packs.join import joined_packs
from generator.packs.load import Pack, Param, load_packs
from generator.packs.own import own_pack, pack_of, param_of
from generator.packs.schema import parse_value

__all__ = [
    "Pack",
    "Param",
    "instantiate",
    "joined_packs",
    "load_packs",
    "own_pack",
    "pack_of",
    "param_of",
    "parse_value",
]
