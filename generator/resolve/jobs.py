"""Scrape jobs and probes of a service: where Prometheus goes, how often, and with which credentials."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from generator.conventions import (
    ALERTMANAGER_PATH,
    ERROR_PORTS,
    GRAFANA_PATH,
    PORTS,
    PROMETHEUS_PATH,
    STACK_SERVICE,
    TRACE_PORTS,
    scrape_name,
)
from generator.model import Probe, ScrapeJob, SecretRef, Service, Stack
from generator.resolve import detection
from generator.resolve.context import Context, default
from generator.resolve.targets import Scrape, is_local, parse_address, parse_probe, parse_scrape
from generator.source import Path
from generator.spec import MetricsSpec, ServiceSpec

SAMPLE_LIMIT: Final = 20_000
# Kinds that need no /metrics of the service's own: targets of one that has no other kind are probed alone.
UNSCRAPED: Final = frozenset({"backup", "probe"})

# Where each part of the stack prints its own metrics, below its path if it lives under one.
_STACK_PATHS: Final = {
    "prometheus": f"{PROMETHEUS_PATH}/metrics",
    "alertmanager": f"{ALERTMANAGER_PATH}/metrics",
    "grafana": f"{GRAFANA_PATH}/metrics",
}
KUMA_KEY: Final = SecretRef("kuma_api_key")


@dataclass(frozen=True, slots=True)
class _Work:
    """A service on its way through this module."""

    context: Context
    service: Service
    spec: ServiceSpec
    interval: int
    path: Path

    def target(self, index: int) -> Path:
        """Where a target is written: a host has one alone, its address."""
        return (*self.path, "address") if self.path[0] == "hosts" else (*self.path, "targets", index)


def resolve_jobs(
    context: Context, service: Service, spec: ServiceSpec, kinds: Sequence[str], interval: int, path: Path
) -> tuple[tuple[ScrapeJob, ...], tuple[Probe, ...]]:
    """The service's jobs, its own first, then one for each probe module; and its probes.

    `path` is where the service stands in services.yaml.
    """
    work = _Work(context, service, spec, interval, path)
    probes = _probes(work, kinds)
    jobs = _app_jobs(work, kinds)
    jobs += _exporter_jobs(work, kinds, beside_app=bool(jobs))
    return (*jobs, *_probe_jobs(work, probes)), probes


def stack_jobs(stack: Stack) -> tuple[ScrapeJob, ...]:
    """One job for each part of the stack. Node exporter is not here: the host's own job scrapes it."""
    jobs = []
    # Bugsink has no metrics; the bridge looks after it.
    parts = {**PORTS, **({"bugsink-bridge": ERROR_PORTS["bugsink-bridge"]} if stack.errors else {})}
    parts |= TRACE_PORTS if stack.traces else {}
    for part, port in sorted(parts.items()):
        if part == "node-exporter":
            continue
        kuma = part == "uptime-kuma"
        interval = 30 if kuma else stack.timing.scrape_interval
        jobs.append(
            ScrapeJob(
                name=part,
                service=STACK_SERVICE,
                targets=((f"{part}:{port}", f"{part}:{port}"),),
                scheme="http",
                path=_STACK_PATHS.get(part, "/metrics"),
                interval=interval,
                timeout=detection.timeout_for(interval),
                environment=stack.environment,
                basic_password=KUMA_KEY if kuma else None,
            )
        )
    return tuple(jobs)


def _app_jobs(work: _Work, kinds: Sequence[str]) -> list[ScrapeJob]:
    """Jobs for `targets`: one, or one for each distinct scheme and path."""
    if UNSCRAPED.issuperset(kinds):
        return []
    groups: dict[tuple[str, str], list[str]] = {}
    for index, text in enumerate(work.service.targets):
        where = work.target(index)
        scrape = _parsed_scrape(work, text, where)
        if scrape is None:
            continue
        addresses = groups.setdefault((scrape.scheme, scrape.path), [])
        if scrape.address in addresses:
            work.context.problem("spec/duplicate-target", f"'{text}' is written twice", where)
        addresses.append(scrape.address)
    metrics = work.spec.metrics or MetricsSpec()
    jobs = []
    for number, ((scheme, path), addresses) in enumerate(sorted(groups.items())):
        jobs.append(
            ScrapeJob(
                name=work.service.name if number == 0 else f"{work.service.name}-{number + 1}",
                service=work.service.name,
                targets=tuple((address, address) for address in sorted(set(addresses))),
                scheme="https" if scheme == "https" else "http",
                path=path or default(metrics.path, "/metrics"),
                interval=work.interval,
                timeout=detection.timeout_for(work.interval),
                environment=work.service.environment,
                token=metrics.token,
                relabel=tuple(rule for kind in kinds for rule in work.context.packs[kind].relabel),
                sample_limit=default(metrics.sample_limit, SAMPLE_LIMIT),
            )
        )
    return jobs


def _parsed_scrape(work: _Work, text: str, where: Path) -> Scrape | None:
    try:
        scrape = parse_scrape(text)
    except ValueError as error:
        work.context.problem("spec/bad-target", str(error), where)
        return None
    if work.service.token and scrape.scheme == "http" and not is_local(scrape.address):
        message = f"the token would travel unencrypted to {scrape.address}"
        work.context.problem("spec/plain-token", message, where, hint="write https://")
    return scrape


def _exporter_jobs(work: _Work, kinds: Sequence[str], *, beside_app: bool) -> list[ScrapeJob]:
    """One job for each exporter that the packs bring; the instance is the thing watched, not the exporter.

    The first is called as the service, unless the job of the service's own targets already is.
    """
    jobs: list[ScrapeJob] = []
    for kind in kinds:
        exporter = work.context.packs[kind].exporter
        if exporter is None or not work.service.address:
            continue
        try:
            parse_address(work.service.address)
        except ValueError as error:
            work.context.problem("spec/bad-target", str(error), (*work.path, "address"))
            continue
        name = f"{kind}-exporter-{work.service.name}"
        jobs.append(
            ScrapeJob(
                name=f"{work.service.name}-{kind}" if jobs or beside_app else work.service.name,
                service=work.service.name,
                targets=((f"{scrape_name(name)}:{exporter.port}", work.service.address),),
                scheme="http",
                path="/metrics",
                interval=work.interval,
                timeout=detection.timeout_for(work.interval),
                environment=work.service.environment,
                relabel=work.context.packs[kind].relabel,
                sample_limit=SAMPLE_LIMIT,
            )
        )
    return jobs


def _probes(work: _Work, kinds: Sequence[str]) -> tuple[Probe, ...]:
    """The probes of `url` and, for kind probe, of `targets`."""
    texts: list[tuple[str, Path]] = []
    if work.service.url:
        texts.append((work.service.url, (*work.path, "url")))
    if "probe" in work.service.kinds:
        targets = work.service.targets
        texts += [(text, work.target(i)) for i, text in enumerate(targets) if "://" in text]
        if UNSCRAPED.issuperset(kinds):
            texts += [(text, work.target(i)) for i, text in enumerate(targets) if "://" not in text]
    probes = []
    for text, where in texts:
        try:
            probes.append(parse_probe(work.service.name, text))
        except ValueError as error:
            work.context.problem("spec/bad-target", str(error), where)
    if "probe" in work.service.kinds and not texts:
        message = f"kind probe finds nothing to probe at '{work.service.name}'"
        hint = "write `url:`, or a target with a scheme, such as tcp://host:25"
        work.context.problem("spec/missing-target", message, work.path, at_key=True, hint=hint)
    return tuple(sorted(set(probes), key=lambda probe: (probe.module, probe.target)))


def _probe_jobs(work: _Work, probes: tuple[Probe, ...]) -> list[ScrapeJob]:
    jobs = []
    for module in sorted({probe.module for probe in probes}):
        targets = tuple((probe.target, probe.target) for probe in probes if probe.module == module)
        jobs.append(
            ScrapeJob(
                name=f"{work.service.name}-probe-{module.replace('_', '-')}",
                service=work.service.name,
                targets=targets,
                scheme="http",
                path="/probe",
                interval=work.interval,
                timeout=detection.timeout_for(work.interval),
                environment=work.service.environment,
                probe_module=module,
            )
        )
    return jobs
