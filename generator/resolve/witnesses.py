"""What else shows that a service works while its exporter does not: the witnesses of an outage.

Owns who they are. A store has the services that use it and report in `app_dependency_up` whether it answers; a host has
what Prometheus scrapes on it. What they say is read by the packs.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from generator.resolve import detection
from generator.resolve.context import Context, default
from generator.site.model import Service, Stack
from generator.spec.services import ServiceSpec

# What the instrumentation library calls the check of an app's database unless the app names it.
_DATABASE: Final = "db"


def with_users(context: Context, stack: Stack, service: Service, interval: int) -> Service:
    """The store with the services that use it. One that is scraped less often would report too late that it is gone."""
    if not service.address:
        return service
    using = {name: context.spec.services[name] for name in context.users_of(service.name)}
    users = {name: spec for name, spec in using.items() if (_interval(spec, stack) or interval + 1) <= interval}
    if not users:
        return service
    alone = service.dsn and all(_databases(context, spec) == [service.name] for spec in users.values())
    called = {service.name, _DATABASE} if alone else {service.name}
    return replace(service, witnesses=tuple(sorted(users)), called=tuple(sorted(called)))


def with_carried(host: Service, services: Iterable[Service]) -> Service:
    """The host with the jobs on it that Prometheus asks directly. An exporter that runs beside Prometheus answers while
    the host is gone; so may what is probed."""
    jobs = (
        job.name
        for service in services
        if service.host == host.name
        for job in service.jobs
        if not job.probe_module and not any(instance == service.address for _, instance in job.targets)
        if job.interval <= max(own.interval for own in host.jobs)
    )
    return replace(host, witnesses=tuple(sorted(jobs)))


def _interval(spec: ServiceSpec, stack: Stack) -> int | None:
    within = default(spec.detect_within, detection.DEFAULT_DETECT_WITHIN)
    return detection.scrape_interval(within, stack.timing) if spec.targets else None


def _databases(context: Context, spec: ServiceSpec) -> list[str]:
    known = context.spec.services
    return [name for name in spec.uses or [] if name in known and known[name].dsn]
