"""The parameters that an alert depends on: their values, and the lines that set them.

Owns the search in a pack's templates and files. It words nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from generator.conventions import OWN_PACK, STACK_SERVICE
from generator.diagnostics import Span
from generator.packs import Pack, Param, pack_of
from generator.packs.load import LABEL, read_yaml
from generator.packs.renamed import flat_name
from generator.site.model import Alert, Service, Site
from generator.source.read import Path as Place
from generator.source.read import Source
from generator.units import format_value

_PLACEHOLDER: Final = re.compile(r"<<(.*?)>>|<%(.*?)%>", re.DOTALL)
_SIGNAL: Final = re.compile(r"\bsig\.(\w+)")


@dataclass(frozen=True, slots=True)
class AlertLimit:
    """A parameter as it stands for one service; `is_set` when services.yaml says so, else the pack's default."""

    name: str
    value: str
    why: str
    span: Span
    is_set: bool


def limits_of(site: Site, source: Source, alert: Alert) -> tuple[AlertLimit, ...]:
    """The parameters in the rule of `alert`, by name."""
    service = next(each for each in site.services if each.name == alert.service)
    instance = next(each for each in service.packs if each.pack == alert.pack)
    pack = pack_of(service, instance)
    found = []
    for name in sorted(_params_used(pack, alert.name)):
        param = pack.params[name]
        place = _place(source, service, alert, param)
        value = format_value(param.type, instance.params[name])
        span = source.value_span(place) if place else _default_span(pack, param)
        found.append(AlertLimit(param.path, value, param.why, span, place is not None))
    return tuple(found)


def _params_used(pack: Pack, alert: str) -> set[str]:
    spec = next((each for each in pack.rules.alerts if each.name == alert), None)
    if spec is None:
        return set()
    words = " ".join(_words(pack, "\n".join((spec.expr, spec.hold, spec.keep_firing_for)), set()))
    return {name for name in pack.params if re.search(rf"\b{name}\b", f"{words} {spec.when}")}


def _words(pack: Pack, text: str, seen: set[str]) -> Iterator[str]:
    """What stands in the placeholders of `text`, and of the signals that it names."""
    for match in _PLACEHOLDER.finditer(text):
        words = match[1] or match[2]
        yield _SIGNAL.sub("", words)
        for name in set(_SIGNAL.findall(words)) - seen:
            signal = pack.spec.signals.get(name)
            if signal:
                yield from _words(pack, f"{signal.expr}\n{signal.window}", seen | {name})


def _place(source: Source, service: Service, alert: Alert, param: Param) -> Place | None:
    """Where services.yaml decides it."""
    if alert.pack == OWN_PACK:
        return ("services", service.name, "alerts", alert.name, "expr")
    at: tuple[Place, ...] = (("services", service.name), ("hosts", service.name))
    if service.name == STACK_SERVICE:
        at = (("stack",),)
    names: tuple[Place, ...] = ((param.kind, param.name), (flat_name(param),))
    places = ((*each, "params", *name) for each in at for name in names)
    return next((place for place in places if place in source.places), None)


def _default_span(pack: Pack, param: Param) -> Span:
    """The line of the pack's file that declares it: the pack's own, or that of the one it is based on."""
    for name in (pack.name, pack.source):
        label = f"{LABEL}/{name}/pack.yaml"
        _, node = read_yaml(pack.folder.parent / name / "pack.yaml", label)
        params = next((value for key, value in node.value if key.value == "params"), None)
        for key, _ in params.value if params else ():
            if key.value == param.name:
                return Span(label, key.start_mark.line + 1, 1, 1)
    return pack.span("pack.yaml")
