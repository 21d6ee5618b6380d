"""One address in two services: what is kept apart, what is monitored once, and what is refused.

Owns these checks across services. Log files that two services share are the business of generator.resolve.log_files.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from generator.conventions import STACK_SERVICE
from generator.diagnostics import Level
from generator.net.addresses import host_of, is_container
from generator.resolve.context import Context
from generator.site.model import Service
from generator.source.read import Path
from generator.spec.services import ServiceSpec

_PROBED: Final = "probe"


def probed_for(services: Mapping[str, ServiceSpec]) -> dict[str, str]:
    """By service, the one above it for which its `url` is probed already, so that one address is asked once. A service
    whose kind or objective is about the probes keeps its own."""
    first: dict[tuple[object, ...], str] = {}
    found = {}
    for name, spec in services.items():
        if spec.url:
            other = first.setdefault(_asked(spec), name)
            if other != name and _PROBED not in spec.kind and not (spec.slo and spec.slo.reachability):
                found[name] = other
    return found


def check_addresses(context: Context, services: Iterable[Service]) -> None:
    """Report data stores that could be one, targets that are scraped twice, and a url that is probed for another."""
    watched = [service for service in services if service.name != STACK_SERVICE]
    _check_stores(context, watched)
    _check_targets(context, watched)
    for name, other in probed_for(context.spec.services).items():
        message = f"{context.spec.services[name].url} is probed once, for '{other}'; no alert of '{name}' is about it"
        context.problem("spec/shared-target", message, ("services", name, "url"), level="warning")


def _asked(spec: ServiceSpec) -> tuple[str, tuple[int, ...]]:
    return ((spec.url or "").rstrip("/"), tuple(sorted(set(spec.expect or ()))))


def _check_stores(context: Context, services: Iterable[Service]) -> None:
    """Two exporters of one kind at one address would report the same twice, and of two containers only one."""
    first: dict[tuple[str, str], str] = {}
    for service in services:
        exported = [kind for kind in service.kinds if kind in context.packs and context.packs[kind].exporter]
        for kind in exported if service.address else ():
            other = first.setdefault((kind, service.address.lower()), service.name)
            if other == service.name:
                continue
            # A name with dots is one server, of which two exporters report the same.
            ambiguous = is_container(host_of(service.address))
            level: Level = "error" if ambiguous else "warning"
            why = "the two cannot be distinguished" if ambiguous else "alerts about the server fire for both"
            message = f"'{service.address}' is also the address of '{other}', so {why}"
            context.problem("spec/shared-address", message, ("services", service.name, "address"), level=level,
                            hint=_distinguished(service))  # fmt: skip


def _distinguished(service: Service) -> str:
    host, _, port = service.address.rpartition(":")
    if is_container(host_of(service.address)) and host != service.name:
        return f"give its container the alias {service.name} on the network lookout, and write {service.name}:{port}"
    return "leave one of the two services out: one exporter reports the whole server"


def _check_targets(context: Context, services: Iterable[Service]) -> None:
    """Warn of a /metrics that is scraped for two services: its numbers count for both."""
    first: dict[tuple[object, ...], str] = {}
    for service in services:
        reported: set[str] = set()
        for job in service.jobs:
            for address, instance in job.targets if not job.probe_module and service.targets else ():
                if address != instance:
                    continue
                key = (job.scheme, address.lower(), job.path, job.query)
                other = first.setdefault(key, service.name)
                if other == service.name or address in reported:
                    continue
                reported.add(address)
                message = f"{address} is scraped for '{other}' too: its numbers count for both, and its outage is two"
                context.problem("spec/shared-target", message, _targets_of(context, service), level="warning",
                                hint="one service can have both kinds")  # fmt: skip


def _targets_of(context: Context, service: Service) -> Path:
    group = "services" if service.name in context.spec.services else "hosts"
    return (group, service.name, "targets" if group == "services" else "address")
