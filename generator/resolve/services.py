"""Everything that is watched: the declared services, the hosts, and the stack itself."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from generator import units
from generator.conventions import (
    DEFAULT_HOST,
    DEFAULT_OWNER,
    STACK_SERVICE,
)
from generator.packs import Param, instantiate, joined_packs, own_pack
from generator.packs.coverage import MODES
from generator.packs.needs import needs_of
from generator.parts.table import NAMES, PORTS
from generator.resolve import detection
from generator.resolve.access import check_insecure, check_store, resolve_store
from generator.resolve.budget import logs_disk
from generator.resolve.context import Context, default
from generator.resolve.credentials import check_credentials, hint_for, resolve_dsn
from generator.resolve.custom_alerts import resolve_custom_alerts
from generator.resolve.edges import check_edges
from generator.resolve.errors import resolve_errors
from generator.resolve.jobs import UNSCRAPED, resolve_jobs, stack_jobs
from generator.resolve.log_files import check_shared, file_problem
from generator.resolve.objectives import PACK as SLO
from generator.resolve.objectives import check_traffic, resolve_objectives
from generator.resolve.params import GivenParams, resolve_params
from generator.resolve.shared import check_addresses, probed_for
from generator.resolve.users import kinds_of_users
from generator.resolve.witnesses import with_carried, with_users
from generator.site.model import Logs, PackInstance, ParamValue, Service, Stack
from generator.source.read import Path
from generator.spec.endpoints import LogsSpec
from generator.spec.services import HostSpec, ServiceSpec
from generator.spec.stack import StackSpec

_RESERVED: Final = {STACK_SERVICE, *NAMES}

# The pack about targets themselves.
TARGET: Final = "target"
# Packs that no service asks for by name.
IMPLIED: Final = {"bugsink", "containers", "host", "slo", "stack", "target"}


def resolve_services(context: Context, stack: Stack) -> tuple[Service, ...]:
    """All services by name: declared ones, hosts, and the stack's own parts."""
    hosts = _declared_hosts(context)
    probed = probed_for(context.spec.services)
    services = [_service(context, stack, name, spec, name in probed) for name, spec in context.spec.services.items()]
    services += [_host(context, stack, name, spec or HostSpec(), tuple(services)) for name, spec in hosts.items()]
    services.append(_stack_service(context, stack))
    _check_names(context, hosts)
    _check_jobs(context, services)
    check_shared(context, services)
    check_addresses(context, services)
    return tuple(sorted(services, key=lambda service: service.name))


def _service(context: Context, stack: Stack, name: str, spec: ServiceSpec, elsewhere: bool) -> Service:
    """`elsewhere`: its url is probed for another service."""
    path: Path = ("services", name)
    detect_within = default(spec.detect_within, detection.DEFAULT_DETECT_WITHIN)
    before = len(context.problems)
    store = resolve_store(context, spec, path)
    base = Service(
        name=name,
        kinds=tuple(dict.fromkeys(spec.kind)),
        owner=_owner(context, spec.owner, path),
        environment=stack.environment,
        targets=tuple(default(spec.targets, [])),
        address=store.address,
        url=default(spec.url, ""),
        uses=_references(context, spec.uses or [], (*path, "uses"), name),
        host=_host_of(context, spec.host, path),
        on_other_host=_on_other_host(context, spec.host),
        detect_within=detect_within,
        critical=spec.tier == "critical",
        logs=_logs(context, spec.logs, path),
        token=spec.metrics.token if spec.metrics else None,
        off=tuple(sorted(set(spec.off or []))),
        severity=dict(sorted((spec.severity or {}).items())),
        origin=context.source.key_span(path),
        dsn=resolve_dsn(spec, store.address, store.tls),
        password=spec.password,
        user=store.user,
        tls=store.tls,
        insecure=default(spec.insecure, ""),
        secrets=tuple(sorted(set(spec.secrets or []), key=lambda secret: secret.name)),
        used_by=kinds_of_users(context, name),
    )
    kinds = _known_kinds(context, base, path, probed=not elsewhere)
    interval = _interval(context, stack, spec, detect_within, path)
    jobs, probes = resolve_jobs(context, base, spec, kinds, interval, path)
    base = with_users(context, stack, replace(base, jobs=jobs, probes=probes), interval)
    base = replace(base, errors=resolve_errors(context, stack, base, spec, path))
    packs = [context.packs[kind] for kind in kinds]
    check_credentials(context, base, packs, path)
    check_store(context, base, path)
    check_insecure(context, base, path, context.problems[before:])
    base = resolve_objectives(context, stack, base, spec, packs, path)
    kinds += [SLO] if base.objectives else []
    whole = _with_packs(context, stack, base, kinds, spec.params or {}, path)
    check_traffic(context, whole, path)
    return _with_own(context, stack, whole, spec, path)


def _with_own(context: Context, stack: Stack, service: Service, spec: ServiceSpec, path: Path) -> Service:
    """The service with the alerts that its owner wrote, if there are any."""
    own = resolve_custom_alerts(context, stack, service, spec.alerts or {}, (*path, "alerts"))
    if not own:
        return service
    service = replace(service, own=own)
    return replace(service, packs=(*service.packs, instantiate(own_pack(service), service, stack, {}, ())))


def _host(context: Context, stack: Stack, name: str, spec: HostSpec, services: tuple[Service, ...]) -> Service:
    path: Path = ("hosts", name)
    target = default(spec.address, f"node-exporter:{PORTS['node-exporter']}")
    service = ServiceSpec(kind=["host"], targets=[target])
    # Docker is asked on this machine alone.
    kinds = ["host", "containers"] if stack.containers and spec.address is None else ["host"]
    base = Service(
        name=name,
        kinds=tuple(kinds),
        owner=_owner(context, spec.owner, path),
        environment=stack.environment,
        targets=(target,),
        address="",
        url="",
        uses=(),
        host="",
        detect_within=detection.DEFAULT_DETECT_WITHIN,
        logs=Logs("none"),
        token=None,
        off=tuple(sorted(set(spec.off or []))),
        severity=dict(sorted((spec.severity or {}).items())),
        origin=context.source.key_span(path),
    )
    jobs, _ = resolve_jobs(context, base, service, kinds, stack.timing.scrape_interval, path)
    base = replace(base, jobs=jobs)
    base = base if spec.address is None else with_carried(base, services)
    return _with_packs(context, stack, base, kinds, spec.params or {}, path)


def _stack_service(context: Context, stack: Stack) -> Service:
    spec, path = context.spec.stack or StackSpec(), ("stack",)
    base = Service(
        name=STACK_SERVICE,
        kinds=("stack", "bugsink") if stack.errors else ("stack",),
        owner=_owner(context, spec.owner, path),
        environment=stack.environment,
        targets=(),
        address="",
        url="",
        uses=(),
        host="",
        detect_within=detection.STACK_DETECT_WITHIN,
        logs=Logs("docker"),
        token=None,
        off=tuple(sorted(set(spec.off or []))),
        severity=dict(sorted((spec.severity or {}).items())),
        origin=context.source.key_span(path),
        jobs=stack_jobs(stack),
    )
    room = {context.packs["stack"].params["logs_disk"]: logs_disk(stack)}
    return _with_packs(context, stack, base, list(base.kinds), spec.params or {}, path, room)


def _with_packs(
    context: Context,
    stack: Stack,
    service: Service,
    kinds: list[str],
    given: GivenParams,
    path: Path,
    derived: Mapping[Param, ParamValue] = MappingProxyType({}),
) -> Service:
    """The service with its packs applied; parameters and switched-off alerts are checked on the way.

    `derived`: parameters that follow from other keys, and that `params` may set all the same.
    """
    packs = joined_packs(kinds, context.packs)
    values = {**derived, **resolve_params(context, packs, given, (*path, "params"))}
    instances: dict[str, PackInstance] = {}
    # What the other packs read is what the targets have to export.
    for pack in sorted(packs, key=lambda pack: pack.name == TARGET):
        if pack.name == TARGET:
            service = replace(service, needs=needs_of(map(context.packs.__getitem__, kinds), instances.values()))
        own = {name: values[param] for name, param in pack.params.items() if param in values}
        instances[pack.name] = instantiate(pack, service, stack, own, service.off)
    check_edges(context, service, packs, path)
    _check_alerts(context, service, {alert for pack in packs for alert in pack.alert_names}, path)
    return replace(service, packs=tuple(instances[pack.name] for pack in packs))


def _check_alerts(context: Context, service: Service, known: set[str], path: Path) -> None:
    """`off` and `severity` name alerts that the service's packs bring, and none of them both."""
    for index, alert in enumerate(service.off):
        if alert not in known and alert not in MODES:
            message = f"no alert of '{service.name}' is called '{alert}'"
            context.unknown("spec/unknown-alert", message, alert, known, (*path, "off", index))
    for alert in service.severity:
        where: Path = (*path, "severity", alert)
        if alert in _own_names(context, path):
            message = f"'{alert}' is an alert of your own, which says its severity itself"
            context.problem("spec/unknown-alert", message, where, at_key=True, hint="write it under `alerts`")
        elif alert not in known:
            message = f"no alert of '{service.name}' is called '{alert}'"
            context.unknown("spec/unknown-alert", message, alert, known, where)
        elif alert in service.off:
            message = f"'{alert}' is switched off by `off`, so it has no severity"
            context.problem("spec/unknown-alert", message, where, at_key=True, hint="take one of the two away")


def _own_names(context: Context, path: Path) -> Collection[str]:
    group, *names = path
    return (context.spec.services[str(names[0])].alerts or {}) if group == "services" else ()


def _known_kinds(context: Context, service: Service, path: Path, *, probed: bool) -> list[str]:
    """The packs of a service, those that its own fields imply included."""
    kinds = []
    for index, kind in enumerate(service.kinds):
        where: Path = (*path, "kind", index)
        if kind not in context.packs or kind in IMPLIED:
            known = set(context.packs) - IMPLIED
            context.unknown("spec/unknown-kind", f"no pack is called '{kind}'", kind, known, where)
            continue
        kinds.append(kind)
        for need in context.packs[kind].needs:
            if not getattr(service, need):
                message = f"kind {kind} needs '{need}'"
                hint = hint_for(need, service.name)
                context.problem("spec/missing-target", message, path, at_key=True, hint=hint)
    if service.targets and not UNSCRAPED.issuperset(kinds):
        kinds.insert(0, TARGET)
    if service.url and probed and "probe" not in kinds:
        kinds.append("probe")
    return kinds


def _interval(context: Context, stack: Stack, spec: ServiceSpec, detect_within: int, path: Path) -> int:
    interval = detection.scrape_interval(detect_within, stack.timing)
    if interval is None:
        fastest = min(detection.INTERVALS)
        context.problem(
            "spec/detection-impossible",
            f"an outage cannot notify within {units.format_duration(detect_within)}",
            (*path, "detect_within"),
            notes=[f"the fastest there is: {detection.explain(fastest, stack.timing)}"],
        )
    return interval or stack.timing.scrape_interval


def _owner(context: Context, owner: str | None, path: Path) -> str:
    people = sorted(context.spec.people or {})
    if owner is not None and owner not in people:
        message = f"there is no '{owner}' under people"
        context.unknown("spec/unknown-owner", message, owner, people, (*path, "owner"))
    if owner is not None:
        return owner
    return people[0] if len(people) == 1 else DEFAULT_OWNER


def _declared_hosts(context: Context) -> Mapping[str, HostSpec | None]:
    return {DEFAULT_HOST: None} if context.spec.hosts is None else context.spec.hosts


def _host_of(context: Context, host: str | None, path: Path) -> str:
    hosts = sorted(_declared_hosts(context))
    if host is not None and host not in hosts:
        context.unknown("spec/unknown-host", f"no host is called '{host}'", host, hosts, (*path, "host"))
    return host or ""


def _on_other_host(context: Context, host: str | None) -> bool:
    """Whether it runs on another machine than Lookout does."""
    spec = _declared_hosts(context).get(host or "")
    return spec is not None and spec.address is not None


def _logs(context: Context, spec: LogsSpec | None, path: Path) -> Logs:
    if spec is None:
        return Logs("docker")
    if spec.file is not None and (problem := file_problem(spec.file)):
        context.problem("spec/bad-value", problem, (*path, "logs", "file"))
    if spec.file and spec.mode:
        message = "write either a mode (docker, push, none) or a file, not both"
        context.problem("spec/bad-value", message, (*path, "logs"))
    return Logs("file", spec.file) if spec.file else Logs(spec.mode or "docker")


def _references(context: Context, names: list[str], path: Path, own: str) -> tuple[str, ...]:
    for index, name in enumerate(names):
        if name == own:
            context.problem("spec/self-use", f"'{own}' cannot use itself", (*path, index))
        elif name not in context.spec.services:
            message = f"no service is called '{name}'"
            known: Collection[str] = set(context.spec.services) - {own}
            context.unknown("spec/unknown-service", message, name, known, (*path, index))
    return tuple(sorted(set(names)))


def _check_jobs(context: Context, services: list[Service]) -> None:
    """Prometheus takes a name for one job alone, and the second job of `api` is called `api-2`."""
    takers: dict[str, str] = {}
    for service in services:
        for job in service.jobs if service.name != STACK_SERVICE else ():
            other = takers.setdefault(job.name, service.name)
            if other != service.name:
                name, taker = sorted((service.name, other), key=lambda each: each != job.name)
                message = f"'{name}' is also the name of a scrape job of '{taker}'; rename one"
                group = "services" if name in context.spec.services else "hosts"
                context.problem("spec/reserved-name", message, (group, name), at_key=True)


def _check_names(context: Context, hosts: Mapping[str, HostSpec | None]) -> None:
    for group, names in (("services", context.spec.services), ("hosts", hosts)):
        for name in names:
            if name in _RESERVED:
                message = f"'{name}' is a part of the monitoring stack; choose another name"
                context.problem("spec/reserved-name", message, (group, name), at_key=True)
    first: dict[str, str] = {}
    for name in context.spec.services:
        if (other := first.setdefault(name.replace("-", "_"), name)) != name:
            message = f"'{name}' and '{other}' would share their secrets, in whose names - becomes _; rename one"
            context.problem("spec/reserved-name", message, ("services", name), at_key=True)
    for name in sorted(set(context.spec.services) & set(hosts)):
        message = f"'{name}' is both a service and a host; they share one name space, so rename one"
        context.problem("spec/reserved-name", message, ("hosts", name) if context.spec.hosts else ("services", name),
                        at_key=True)  # fmt: skip
