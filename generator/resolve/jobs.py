"""Scrape jobs and probes of a service: where Prometheus goes, how often, and with which credentials."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from generator.conventions import (
    STACK_SERVICE,
    scrape_name,
)
from generator.packs import Pack
from generator.parts.part import Part
from generator.parts.table import running
from generator.resolve import detection
from generator.resolve.access import check_verified, plain_allowed, report_login, resolve_tls
from generator.resolve.context import Context, default
from generator.resolve.targets import (
    LoginInAddress,
    Scrape,
    parse_address,
    parse_metrics_path,
    parse_probe,
    parse_scrape,
)
from generator.site.model import Probe, ScrapeJob, Service, Stack, UrlQuery
from generator.source.read import Path
from generator.spec.endpoints import MetricsSpec
from generator.spec.services import ServiceSpec
from generator.values.secret import SecretRef

SAMPLE_LIMIT: Final = 20_000
# What each exporter prints about its own process, and alerts about every target read.
_EVERYWHERE: Final = ("process_start_time_seconds",)
# Kinds that need no /metrics of the service's own: targets of one that has no other kind are probed alone.
UNSCRAPED: Final = frozenset({"backup", "probe"})


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

    def problem(self, error: ValueError, where: Path, login: str) -> None:
        """Report an address that cannot be used; `login` is where a login belongs instead."""
        if isinstance(error, LoginInAddress):
            report_login(self.context, where, login)
        else:
            self.context.problem("spec/bad-target", str(error), where)


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
    """One job for each part of the stack that prints metrics."""
    return tuple(_stack_job(stack, part) for part in running(stack.words) if part.metrics)


def _stack_job(stack: Stack, part: Part) -> ScrapeJob:
    address = f"{part.name}:{part.port}"
    interval = part.scrape_every or stack.timing.scrape_interval
    return ScrapeJob(
        name=part.name,
        service=STACK_SERVICE,
        targets=((address, address),),
        scheme="http",
        path=part.metrics,
        interval=interval,
        timeout=detection.timeout_for(interval),
        environment=stack.environment,
        basic_password=SecretRef(part.password) if part.password else None,
        own_metrics=(*part.own_metrics, *_EVERYWHERE),
    )


def _app_jobs(work: _Work, kinds: Sequence[str]) -> list[ScrapeJob]:
    """Jobs for `targets`: one, or one for each distinct scheme and path."""
    if UNSCRAPED.issuperset(kinds):
        return []
    metrics = work.spec.metrics or MetricsSpec()
    place = _metrics_place(work, metrics)
    groups: dict[tuple[str, str, UrlQuery], list[str]] = {}
    for index, text in enumerate(work.service.targets):
        where = work.target(index)
        scrape = _parsed_scrape(work, text, where)
        if scrape is None:
            continue
        # A target's own path has its own query; without a path it is asked for what `metrics` says.
        path, query = (scrape.path, scrape.query) if scrape.path else (place[0], scrape.query or place[1])
        addresses = groups.setdefault((scrape.scheme, path, query), [])
        if scrape.address.lower() in map(str.lower, addresses):
            work.context.problem("spec/duplicate-target", f"'{text}' is written twice", where)
        addresses.append(scrape.address)
    _check_metrics(work, metrics, {scheme for scheme, _, _ in groups})
    jobs = []
    for number, ((scheme, path, query), addresses) in enumerate(sorted(groups.items())):
        jobs.append(
            ScrapeJob(
                name=work.service.name if number == 0 else f"{work.service.name}-{number + 1}",
                service=work.service.name,
                targets=tuple((address, address) for address in sorted(set(addresses))),
                scheme="https" if scheme == "https" else "http",
                path=path,
                query=query,
                interval=work.interval,
                timeout=detection.timeout_for(work.interval),
                environment=work.service.environment,
                token=metrics.token,
                basic_user=metrics.basic_auth.username if metrics.basic_auth else "",
                basic_password=metrics.basic_auth.password if metrics.basic_auth else None,
                tls=resolve_tls(metrics.tls) if scheme == "https" else None,
                relabel=tuple(rule for kind in kinds for rule in work.context.packs[kind].relabel),
                sample_limit=default(metrics.sample_limit, SAMPLE_LIMIT),
                own_metrics=work.context.packs["host"].own_metrics if "host" in kinds else (),
                keeps_others=True,
            )
        )
    return jobs


def _metrics_place(work: _Work, metrics: MetricsSpec) -> tuple[str, UrlQuery]:
    """The path and the query that targets without a path of their own are asked for."""
    try:
        return parse_metrics_path(default(metrics.path, "/metrics"))
    except ValueError as error:
        work.context.problem("spec/bad-value", str(error), (*work.path, "metrics", "path"))
        return "/metrics", ()


def _check_metrics(work: _Work, metrics: MetricsSpec, schemes: set[str]) -> None:
    where: Path = (*work.path, "metrics")
    if metrics.token and metrics.basic_auth:
        message = "write either a token or basic_auth, not both"
        work.context.problem("spec/bad-value", message, (*where, "basic_auth"), at_key=True)
    if metrics.tls and "https" not in schemes:
        message = f"no target of '{work.service.name}' is asked over https"
        work.context.problem("spec/bad-value", message, (*where, "tls"), at_key=True, hint="write https:// in targets")


def _parsed_scrape(work: _Work, text: str, where: Path) -> Scrape | None:
    """A target, checked; None when it cannot be scraped, or not without giving a secret away."""
    try:
        scrape = parse_scrape(text)
    except ValueError as error:
        work.problem(error, where, "metrics: {basic_auth: {username: NAME, password: secret:NAME}}")
        return None
    metrics = work.spec.metrics or MetricsSpec()
    what = "the token" if metrics.token else "the password" if metrics.basic_auth else ""
    if what and scrape.scheme == "http":
        plain_allowed(work.context, what, scrape.address, where, work.service.insecure, "write https://")
    if what and scrape.scheme == "https" and metrics.tls and metrics.tls.insecure:
        unverified: Path = (*work.path, "metrics", "tls", "insecure")
        check_verified(work.context, what, scrape.address, unverified, work.service.insecure)
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
            work.problem(error, (*work.path, "address"), "user: NAME and password: secret:NAME")
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
                own_metrics=_exported(work.context.packs[kind]),
            )
        )
    return jobs


def _exported(pack: Pack) -> tuple[str, ...]:
    return (*pack.own_metrics, *_EVERYWHERE) if pack.own_metrics else ()


def _probes(work: _Work, kinds: Sequence[str]) -> tuple[Probe, ...]:
    """The probes of `url` and, for kind probe, of `targets`."""
    texts: list[tuple[str, Path]] = []
    if work.service.url and "probe" in kinds:
        texts.append((work.service.url, (*work.path, "url")))
    if "probe" in work.service.kinds:
        targets = work.service.targets
        texts += [(text, work.target(i)) for i, text in enumerate(targets) if "://" in text]
        if UNSCRAPED.issuperset(kinds):
            texts += [(text, work.target(i)) for i, text in enumerate(targets) if "://" not in text]
    probes = []
    for text, where in texts:
        try:
            probes.append(_expecting(parse_probe(work.service.name, text), work.spec.expect or ()))
        except ValueError as error:
            work.problem(error, where, "the address without it, and expect: [401] where one is asked for")
    if work.spec.expect and not any(probe.kind == "http" for probe in probes):
        message = f"nothing of '{work.service.name}' is probed over http, where statuses are"
        work.context.problem("spec/bad-value", message, (*work.path, "expect"), at_key=True)
    if "probe" in work.service.kinds and not texts:
        message = f"kind probe finds nothing to probe at '{work.service.name}'"
        hint = "write `url:`, or a target with a scheme, such as tcp://host:25"
        work.context.problem("spec/missing-target", message, work.path, at_key=True, hint=hint)
    return tuple(sorted(set(probes), key=lambda probe: (probe.module, probe.target)))


def _expecting(probe: Probe, statuses: Collection[int]) -> Probe:
    """The probe, with a module of its own where other statuses than 2xx are an answer."""
    if probe.kind != "http" or not statuses:
        return probe
    expect = tuple(sorted(set(statuses)))
    return replace(probe, module="http_" + "_".join(map(str, expect)), expect=expect)


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
                own_metrics=("probe_",),
            )
        )
    return jobs
