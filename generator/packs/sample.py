"""A service that a pack can be tried on: two targets, one probe of each kind, every field that a pack may need.

For the contract and the tests of packs; no rendered file comes from here.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from generator.conventions import STACK_SERVICE
from generator.diagnostics import Span
from generator.packs.burn import LONGEST
from generator.packs.indicators import indicators_of, objective_of
from generator.packs.instantiate import instantiate
from generator.packs.load import Pack, load_packs, load_tests
from generator.packs.needs import needs_of
from generator.packs.schema import parse_value
from generator.parts.table import running
from generator.site.model import (
    Budget,
    Logs,
    Need,
    PackInstance,
    ParamValue,
    Probe,
    ScrapeJob,
    Service,
    Site,
    Stack,
    Timing,
)

_NAME: Final = "sample"
_TIMING: Final = Timing(
    scrape_interval=10,
    scrape_timeout=5,
    evaluation_interval=5,
    slow_interval=30,
    group_wait=5,
    group_interval=60,
    repeat_interval=14400,
)
SAMPLE_STACK: Final = Stack(
    name="sample",
    domain="",
    environment="production",
    base_url="http://localhost:8080",
    status_url="http://localhost:3001",
    retention_metrics=90 * 86400,
    retention_logs=30 * 86400,
    memory=2 * 2**30,
    disk=40 * 2**30,
    timing=_TIMING,
)
_PROBES: Final = (
    Probe(_NAME, "http_2xx", "http", "https://sample.example/health"),
    Probe(_NAME, "tcp", "tcp", "sample.example:25"),
    Probe(_NAME, "tls", "tls", "sample.example:443"),
    Probe(_NAME, "dns_sample_example_a", "dns", "192.0.2.53:53", "sample.example", "A"),
)


def sample_service(pack: Pack) -> Service:
    """A service of the pack's kind, as resolve would make it."""
    name = STACK_SERVICE if pack.name == "stack" else _NAME
    service = Service(
        name=name,
        kinds=("http",) if pack.name in ("target", "probe", "slo") else (pack.name,),
        owner="ana",
        environment="production",
        targets=(f"{name}:8000",),
        address=f"{name}:6379",
        url=_PROBES[0].target,
        uses=(),
        host="",
        detect_within=60,
        logs=Logs("docker"),
        token=None,
        off=(),
        origin=Span("services.yaml", 1, 1, 2),
    )
    service = replace(service, jobs=_jobs(pack, name), probes=_PROBES if pack.name in ("probe", "target") else ())
    if pack.name == "host" or pack.exporter is not None:
        service = replace(service, witnesses=("first", "second"), called=(name, "store"))
    return _with_objectives(service) if pack.name == "slo" else service


def _with_objectives(service: Service) -> Service:
    """The service with objectives of every form: plans, and limits far apart in what they allow."""
    known = indicators_of([load_packs()["http"]], probed=False)
    availability = objective_of("availability", known["availability"], service, SAMPLE_STACK, 0.999)
    plans = (("enterprise", 0.999), ("free", 0.95), ("pro", 0.99))
    latencies = (("latency-p95", 0.95, 0.3), ("latency-p99", 0.99, 1.0))
    return replace(
        service,
        slo_window=LONGEST,
        objectives=(
            replace(availability, plans=plans),
            *(objective_of(name, known["latency"], service, SAMPLE_STACK, at, limit) for name, at, limit in latencies),
        ),
    )


def sample_instance(pack: Pack) -> tuple[Service, PackInstance]:
    """The pack applied to its sample service, with the parameters that its tests.yaml sets."""
    service = sample_service(pack)
    if pack.name == "target":
        service = replace(service, needs=_needs(service))
    given = load_tests(pack.folder.parent / pack.source).params
    params: Mapping[str, ParamValue] = {name: parse_value(pack.params[name].type, raw) for name, raw in given.items()}
    instance = instantiate(pack, service, SAMPLE_STACK, params, ())
    return replace(service, packs=(instance,)), instance


def _needs(service: Service) -> tuple[Need, ...]:
    """What the alerts of the sample's kind need."""
    packs = [load_packs()[kind] for kind in service.kinds]
    return needs_of(packs, [instantiate(each, service, SAMPLE_STACK, {}, ()) for each in packs])


def site_of(service: Service) -> Site:
    """A site with one service alone."""
    return Site(
        stack=SAMPLE_STACK,
        budget=Budget({}, 0, 0, 0),
        people={},
        channels={},
        notify={"critical": (), "warning": (), "info": ()},
        watchdog=None,
        services=(service,),
        monitors=(),
    )


def _jobs(pack: Pack, name: str) -> tuple[ScrapeJob, ...]:
    if pack.name == "stack":
        parts = [part for part in running(()) if part.metrics]
        return tuple(_job(part.name, name, (f"{part.name}:{part.port}",)) for part in parts)
    probed = tuple(
        replace(_job(f"{name}-probe-{probe.module}", name, (probe.target,)), probe_module=probe.module)
        for probe in _PROBES
    )
    if pack.name == "probe":
        return probed
    single = pack.exporter is not None or pack.name == "host"
    own = _job(name, name, (f"{name}:8000",) if single else (f"{name}:8000", f"{name}:8001"))
    return (own, *probed) if pack.name == "target" else (own,)


def _job(name: str, service: str, targets: tuple[str, ...]) -> ScrapeJob:
    return ScrapeJob(
        name=name,
        service=service,
        targets=tuple((target, target) for target in targets),
        scheme="http",
        path="/metrics",
        interval=_TIMING.scrape_interval,
        timeout=_TIMING.scrape_timeout,
        environment="production",
    )
