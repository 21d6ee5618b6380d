"""The JSON Schema of services.yaml, for editors: the models' own, and what packs know: kinds, parameters, alerts.

It accepts all that the compiler accepts. It refuses what the shape alone shows to be wrong, so that an editor marks it;
what takes more than that is for `check`.
"""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from generator import units
from generator.conventions import SEVERITIES
from generator.packs import Pack, Param, load_packs
from generator.packs.coverage import MODES
from generator.packs.renamed import flat_name
from generator.resolve.objectives import ENDPOINT
from generator.resolve.services import IMPLIED
from generator.spec.keys import Spec
from generator.values.typed import NAME_PATTERN

Schema = dict[str, Any]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
# Whose parameters and alerts a service has without naming them as its kind.
_OF_SERVICES: Final = ("probe", "slo", "target")
_OF_HOSTS: Final = ("containers", "host")
_OF_STACK: Final = ("bugsink", "stack")
# What a parameter may be written as, by its type. Numbers below or above its bounds are for `check`.
_WRITTEN: Final[dict[str, Schema]] = {
    "ratio": {"type": "string", "pattern": rf"^\s*{units.PERCENT_PATTERN}\s*$"},
    "duration": {"type": "string", "pattern": rf"^\s*{units.DURATION_PATTERN}\s*$"},
    "bytes": {"type": "string", "pattern": rf"^\s*{units.SIZE_PATTERN}\s*$"},
    "number": {"anyOf": [{"type": "number"}, {"type": "string", "pattern": rf"^\s*{units.NUMBER_PATTERN}\s*x?\s*$"}]},
    "text": {"type": ["string", "number"]},
}


def json_schema() -> Schema:
    """A JSON Schema of services.yaml."""
    schema: Schema = {"$schema": _DIALECT, "title": "services.yaml", **Spec.model_json_schema()}
    definitions = schema["$defs"]
    packs = load_packs()
    kinds = sorted(set(packs) - IMPLIED)
    _close(schema)
    service = definitions["ServiceSpec"]
    service["properties"]["kind"] = _kind(kinds, service["properties"]["kind"])
    service["properties"]["budgets"] |= _or_null(_budgets(service["properties"]["budgets"]))
    service["allOf"] = list(_conditions([packs[kind] for kind in kinds]))
    definitions["SloSpec"]["propertyNames"] = {"pattern": f"^{NAME_PATTERN}$"}
    definitions["ChannelSpec"] |= {"minProperties": 1, "not": _both(definitions["ChannelSpec"]["properties"])}
    of_services = [packs[name] for name in (*kinds, *_OF_SERVICES)]
    for name, brought in (
        ("ServiceSpec", of_services),
        ("HostSpec", [packs[kind] for kind in _OF_HOSTS]),
        ("StackSpec", [packs[kind] for kind in _OF_STACK]),
    ):
        properties = definitions[name]["properties"]
        properties["params"] |= _or_null(_params(brought))
        properties["off"] |= _or_null(_off(brought))
        properties["severity"] |= _or_null(_severities(brought))
    return schema


def _close(node: Any) -> None:
    """A mapping whose keys have a form has no others."""
    if isinstance(node, dict):
        if "patternProperties" in node:
            node["additionalProperties"] = False
        for child in node.values():
            _close(child)
    elif isinstance(node, list):
        for child in node:
            _close(child)


def _one_or_many(item: Schema) -> list[Schema]:
    return [item, {"type": "array", "items": item}]


def _or_null(*schemas: Schema) -> Schema:
    return {"anyOf": [*schemas, {"type": "null"}]}


def _kind(kinds: list[str], old: Schema) -> Schema:
    return {"description": old["description"], "anyOf": _one_or_many({"enum": kinds})}


def _params(packs: Iterable[Pack]) -> Schema:
    by_kind: dict[str, dict[str, Schema]] = {}
    flat: dict[str, list[Schema]] = {}
    for param in {param.path: param for pack in packs for param in pack.params.values()}.values():
        by_kind.setdefault(param.kind, {})[param.name] = _param(param)
        if name := flat_name(param):
            place = f"Write it as {param.kind}: {{{param.name}: …}}."
            flat.setdefault(name, []).append({**_WRITTEN[param.type], "description": place, "deprecated": True})
    properties = {kind: [_or_null(_mapping(of_kind))] for kind, of_kind in by_kind.items()}
    for name, written in flat.items():
        properties[name] = [*properties.get(name, []), *written]
    return _mapping({name: each[0] if len(each) == 1 else {"anyOf": each} for name, each in properties.items()})


def _mapping(properties: Schema) -> Schema:
    return {"type": "object", "properties": dict(sorted(properties.items())), "additionalProperties": False}


def _param(param: Param) -> Schema:
    return {
        **_WRITTEN[param.type],
        "description": " ".join(param.why.split()),
        "default": param.default if param.type == "number" else units.format_value(param.type, param.default),
    }


def _off(packs: Iterable[Pack]) -> Schema:
    alerts = {alert for pack in packs for alert in pack.alert_names}
    return {"anyOf": _one_or_many({"enum": sorted({*alerts, *MODES})})}


def _severities(packs: Iterable[Pack]) -> Schema:
    return _mapping({alert: {"enum": list(SEVERITIES)} for pack in packs for alert in pack.alert_names})


def _budgets(old: Schema) -> Schema:
    values = next(each for each in old["anyOf"] if each.get("type") == "object")
    return {**values, "propertyNames": {"pattern": f"^{ENDPOINT}$"}}


def _both(properties: Iterable[str]) -> Schema:
    """Two of these keys at once."""
    something = {"not": {"type": "null"}}
    pairs = itertools.combinations(sorted(properties), 2)
    return {"anyOf": [{"required": list(pair), "properties": dict.fromkeys(pair, something)} for pair in pairs]}


def _conditions(packs: list[Pack]) -> Iterator[Schema]:
    """A kind has what it needs; a parameter, or an alert that is named, belongs to one of its kinds."""
    for needs in sorted({pack.needs for pack in packs if pack.needs}):
        kinds = [pack.name for pack in packs if pack.needs == needs]
        yield {"if": {"required": ["kind"], **_has(kinds)}, "then": {"required": list(needs)}}
    implied = [load_packs()[name] for name in _OF_SERVICES]
    yield from _brought(packs, implied, _param_words, functools.partial(_writes, "params"))
    yield from _brought(packs, implied, lambda pack: pack.alert_names, _switches_off)
    yield from _brought(packs, implied, lambda pack: pack.alert_names, functools.partial(_writes, "severity"))


def _param_words(pack: Pack) -> tuple[str, ...]:
    """What `params` of a service of this kind may hold: the kinds of its parameters, and their flat names."""
    params = pack.params.values()
    return tuple(dict.fromkeys([*(param.kind for param in params), *filter(None, map(flat_name, params))]))


def _brought(
    packs: list[Pack],
    implied: list[Pack],
    names_of: Callable[[Pack], tuple[str, ...]],
    mentions: Callable[[list[str]], Schema],
) -> Iterator[Schema]:
    """A condition for each set of kinds that bring the same names."""
    bringers: dict[str, list[str]] = {}
    for pack in packs:
        for name in names_of(pack):
            bringers.setdefault(name, []).append(pack.name)
    anyway = {name for pack in implied for name in names_of(pack)}
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, kinds in sorted(bringers.items()):
        if name not in anyway:
            groups.setdefault(tuple(kinds), []).append(name)
    for kinds_of_group, names in sorted(groups.items()):
        yield {"if": mentions(names), "then": _has(kinds_of_group)}


def _has(kinds: Iterable[str]) -> Schema:
    """Whether a service is of one of these kinds."""
    one: Schema = {"enum": list(kinds)}
    return {"properties": {"kind": {"anyOf": [one, {"type": "array", "contains": one}]}}}


def _writes(key: str, names: list[str]) -> Schema:
    written = {"type": "object", "anyOf": [{"required": [name]} for name in names]}
    return {"required": [key], "properties": {key: written}}


def _switches_off(names: list[str]) -> Schema:
    one: Schema = {"enum": names}
    return {"required": ["off"], "properties": {"off": {"anyOf": [one, {"type": "array", "contains": one}]}}}
