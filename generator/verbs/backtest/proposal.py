"""What is compared: the alerts as they are, and as a proposal would have them.

Owns how a proposal is read: parameters given by name, or services.yaml as it stands against what git has committed.
"""

import copy
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from generator.conventions import OWN_PACK
from generator.diagnostics import Diagnostic, Problems, nearest
from generator.packs import Param, instantiate, pack_of
from generator.packs.renamed import flat_name
from generator.pipeline import resolve_source, resolve_text
from generator.resolve.waiting import waiting
from generator.site.model import Alert, PackInstance, Service, Site
from generator.source.file import read_spec_file
from generator.source.read import load_source


@dataclass(frozen=True, slots=True)
class Pair:
    """An alert as it is, and as it would be; `after` is None where nothing is proposed, `before` where it is new."""

    before: Alert | None
    after: Alert | None

    @property
    def alert(self) -> Alert:
        """The one that names it."""
        alert = self.before or self.after
        assert alert is not None
        return alert


def pairs_of(before: Site, after: Site | None) -> tuple[Pair, ...]:
    """Every alert; with a proposal, those that it changes."""
    if after is None:
        return tuple(Pair(alert, None) for alert in before.alerts)
    old, new = _by_name(before), _by_name(after)
    names = sorted(old.keys() | new.keys())
    pairs = [Pair(old.get(name), new.get(name)) for name in names]
    return tuple(pair for pair in pairs if not (pair.before and pair.after and _same(pair.before, pair.after)))


def proposed_site(file: Path, service: str | None, params: Mapping[str, str | int | float]) -> Site:
    """The site with other parameters: of `service`, or of all that have them. Raises Problems."""
    source = load_source(read_spec_file(file), str(file))
    site, _ = resolve_source(source)
    data = copy.deepcopy(source.data)
    own: dict[str, dict[str, float]] = {}
    for name, value in params.items():
        takers = [(each, _named(each, name)) for each in site.services if service in (None, each.name)]
        if not any(param for _, param in takers):
            raise Problems([_unknown(site, service, name)])
        for taker, param in takers:
            if param and param.kind == OWN_PACK:
                own.setdefault(taker.name, {})[name] = _number(name, value)
            elif param:
                _set(data, taker, param, value)
    proposed, _ = resolve_source(replace(source, data=data))
    services = tuple(_with_limits(proposed, each, own.get(each.name)) for each in proposed.services)
    return replace(proposed, services=services)


def committed_site(file: Path) -> Site:
    """The site that services.yaml meant when git last committed it. Raises Problems."""
    command = ["git", "-C", str(file.absolute().parent), "show", f"HEAD:./{file.name}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Problems([Diagnostic("source/unreadable", f"git has no committed {file.name} to compare with")])
    site, _ = resolve_text(done.stdout, f"{file} (committed)")
    return site


def parse_param(text: str) -> tuple[str, str | int | float]:
    """`name=value` as services.yaml would have it. Raises ValueError."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise ValueError(f"'{text}' is not NAME=VALUE, such as http.latency_p95=800ms")
    for number in (int, float):
        try:
            return name, number(value)
        except ValueError:
            continue
    return name, value


def _by_name(site: Site) -> dict[tuple[str, str], Alert]:
    return {(alert.service, alert.name): alert for alert in site.alerts}


def _same(one: Alert, other: Alert) -> bool:
    def rule(alert: Alert) -> tuple[object, ...]:
        return alert.expr, alert.for_seconds, alert.keep_firing_seconds, alert.evaluation_interval

    return rule(one) == rule(other)


def _params(service: Service) -> Iterator[Param]:
    for instance in service.packs:
        yield from pack_of(service, instance).params.values()


def _named(service: Service, name: str) -> Param | None:
    return next((param for param in _params(service) if param.path == name), None)


def _unknown(site: Site, service: str | None, name: str) -> Diagnostic:
    known = {param for each in site.services if service in (None, each.name) for param in _params(each)}
    bare = {word: param.path for param in known for word in (param.name, flat_name(param))}
    near = bare.get(name) or nearest(name, {param.path for param in known}) or bare.get(nearest(name, bare), "")
    where = f"'{service}'" if service else "any service"
    message = f"no kind of {where} has a parameter '{name}'"
    return Diagnostic("spec/unknown-param", message, hint=f"did you mean '{near}'?" if near else "")


def _number(name: str, value: str | int | float) -> float:
    if isinstance(value, str):
        raise Problems([Diagnostic("spec/param-range", f"{name} is a number, and '{value}' is none")])
    return float(value)


def _set(data: dict[str, Any], service: Service, param: Param, value: object) -> None:
    """Write a parameter where services.yaml would have it."""
    if service.name in data["services"]:
        entry = data["services"][service.name]
    elif "host" in service.kinds:
        hosts = data["hosts"] = data.get("hosts") or {service.name: None}
        entry = hosts[service.name] = hosts.get(service.name) or {}
    else:
        entry = data["stack"] = data.get("stack") or {}
    written = {name: values for name, values in (entry.get("params") or {}).items() if name != flat_name(param)}
    of_kind = written.get(param.kind)
    entry["params"] = {**written, param.kind: {**(of_kind if isinstance(of_kind, dict) else {}), param.name: value}}


def _with_limits(site: Site, service: Service, limits: Mapping[str, float] | None) -> Service:
    """The service whose own alerts compare with other numbers."""
    if not limits:
        return service
    return replace(service, packs=tuple(_relimited(site, service, instance, limits) for instance in service.packs))


def _relimited(site: Site, service: Service, instance: PackInstance, limits: Mapping[str, float]) -> PackInstance:
    if instance.pack != OWN_PACK:
        return instance
    return waiting(service, instantiate(pack_of(service, instance), service, site.stack, limits, ()))
