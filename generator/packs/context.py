"""The names that a pack's templates may use for one service, and what each stands for.

Owns the words; docs/add-a-pack.md lists them. It renders nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from generator import conventions
from generator.net.addresses import host_of, is_container, is_local
from generator.packs import burn
from generator.packs.clients import psql, redis_cli
from generator.packs.counting import REFUSED, Counted
from generator.packs.load import Pack, load_packs
from generator.packs.template import Duration, Signals, pack_problem
from generator.parts.logs import logs_url
from generator.site.model import Need, Objective, ParamValue, Probe, Service, Stack

# For so long after Prometheus loads its configuration, a target without data is new rather than gone; and after it
# starts, what does not answer yet is starting too, as after a reboot. The first scrape comes within one interval.
SETTLE: Final = 60
_PROMETHEUS: Final = f'service="{conventions.STACK_SERVICE}",job="prometheus"'
_RELOADED: Final = f'prometheus_config_last_reload_success_timestamp_seconds{{service="{conventions.STACK_SERVICE}"}}'
# Names that templates have besides.
_LATER: Final = ("sig", "window", "each")
SETTLED: Final = f"time() - max({_RELOADED}) > {SETTLE}"
JUST_STARTED: Final = f"time() - max(process_start_time_seconds{{{_PROMETHEUS}}}) < {SETTLE}"


@dataclass(frozen=True, slots=True)
class Target:
    """A scraped thing as templates see it."""

    job: str
    instance: str


@dataclass(frozen=True, slots=True)
class PlanView:
    """The target of a plan, as templates see it."""

    name: str
    budget: float


class ObjectiveView:
    """An objective as templates see it: `<<each.bad("1h")>>` counts its bad events."""

    def __init__(self, objective: Objective) -> None:
        self.name, self.events, self.limit = objective.name, objective.events, objective.limit
        self.outages = objective.outages
        self.target, self.budget, self.series = objective.target, objective.budget, objective.series
        self.plans = [PlanView(name, round(1 - target, 12)) for name, target in objective.plans]
        # What is not driven by traffic, as probes are not.
        self.own_pace = not any("traffic" in text for each in objective.series for text in each.values())
        self._counts = {"bad": objective.bad, "total": objective.total}

    def bad(self, window: object) -> str:
        """How many events were bad within `window`."""
        return self._counts["bad"].replace("<<window>>", str(window))

    def total(self, window: object) -> str:
        """How many events there were within `window`."""
        return self._counts["total"].replace("<<window>>", str(window))


class BurnView:
    """A pair of windows as templates see it, and the burn that its proof tries it with."""

    def __init__(self, pair: burn.Pair, service: Service, objectives: Iterable[ObjectiveView], least: float) -> None:
        self.factor, self.short, self.long = pair.factor, Duration(pair.short), Duration(pair.long)
        self.exhaustion = Duration(burn.exhaustion(service.slo_window, pair.factor))
        # Between evaluations of its proof: two for a short window, so that both of its edges are seen, and more where
        # the few events that a small budget allows come at their own pace.
        own = [each.budget for each in objectives if each.own_pace]
        self.step = Duration(
            min(burn.proof_step(pair), burn.own_pace_step(pair, min(own), least) if own else pair.long)
        )
        budgets = [each.budget for each in service.objectives if pair.can_fire(each.budget)]
        self.alive = bool(budgets)
        self.tried = burn.proof_burn(pair, budgets) if budgets else 0.0
        driven = [each.budget for each in objectives if pair.can_fire(each.budget) and not each.own_pace]
        self.widest = max(driven, default=1.0)
        # Whether it can be had by one that traffic drives; and of how many objectives it can be had at all.
        self.driven, self.count = bool(driven), len(budgets)


class NeedsView:
    """What the service has to export, as templates see it."""

    def __init__(self, needs: tuple[Need, ...]) -> None:
        self.all = needs
        self.metrics = [need.metric for need in needs if need.is_metric]
        labels: dict[str, list[str]] = {}
        limits: dict[str, dict[str, list[Need]]] = {}
        for need in needs:
            if need.side:
                limits.setdefault(need.metric, {}).setdefault(need.side, []).append(need)
            elif need.label:
                labels.setdefault(need.label, []).append(need.metric)
        self.labels, self.limits = labels, limits


def pack_context(
    pack: Pack, service: Service, stack: Stack, params: Mapping[str, ParamValue], given: Collection[str] = ()
) -> dict[str, Any]:
    """Every name that the pack's templates may use, `sig` apart. `given` are the parameters that services.yaml sets."""
    scraped = [job for job in service.jobs if not job.probe_module]
    targets = [Target(job.name, instance) for job in scraped for _, instance in job.targets]
    probed = [Target(job.name, at) for job in service.jobs if job.probe_module for _, at in job.targets]
    interval = service.jobs[0].interval if service.jobs else stack.timing.scrape_interval
    names = sorted({job.name for job in scraped}) or [service.name]
    job = f'job="{names[0]}"' if len(names) == 1 else f'job=~"{"|".join(names)}"'
    objectives = tuple(map(ObjectiveView, service.objectives))
    pairs = burn.pairs(service.slo_window) if objectives else ()
    least = float(params.get("min_bad", 0))
    context: dict[str, Any] = {
        "service": service.name,
        "selector": f'service="{service.name}"',
        "scraped": f'service="{service.name}",{job}',
        "jobs": names,
        "targets": targets,
        "target": targets[0] if targets else Target(service.name, service.address or service.name),
        "probe": probed[0] if probed else Target(service.name, service.url),
        "probes": service.probes,
        "probes_count": bool(service.probes) and all(each.events != "probes" for each in service.objectives),
        "probed": probed,
        "with_certificate": any(_has_certificate(probe) for probe in service.probes),
        "with_http": any(probe.kind == "http" for probe in service.probes),
        "address": service.address,
        "user": service.user,
        "tls": service.tls,
        "witnesses": [Target(name, name) for name in service.witnesses],
        "called": service.called or (service.name,),
        "on_other_host": service.on_other_host,
        "container": is_container(host_of(service.address)),
        "local": is_local(service.address),
        "psql": psql(service),
        "redis_cli": redis_cli(service),
        "url": service.url,
        "owner": service.owner,
        "environment": service.environment,
        "kinds": service.kinds,
        "used_by": service.used_by,
        "given": tuple(sorted(given)),
        "objectives": objectives,
        "slo_window": Duration(service.slo_window),
        "burns": {each.name: BurnView(each, service, objectives, least) for each in pairs},
        "budgets": service.budgets,
        "counted": Counted(service),
        "refused": REFUSED,
        "required": _required(service),
        "needs": NeedsView(service.needs),
        "confirm": Duration(interval),
        "scrape_interval": Duration(interval),
        "sample_limit": next((job.sample_limit for job in scraped), 0),
        "scrape_timeout": service.jobs[0].timeout if service.jobs else stack.timing.scrape_timeout,
        "slow_interval": Duration(stack.timing.slow_interval),
        "evaluation_interval": Duration(stack.timing.evaluation_interval),
        "retention_metrics": Duration(stack.retention_metrics),
        "retention_logs": Duration(stack.retention_logs),
        "settled": SETTLED,
        "just_started": JUST_STARTED,
        "base_url": stack.base_url,
        "logs_url": logs_url(stack.base_url, service.name),
    }
    for name, param in pack.params.items():
        if name in context or name in _LATER:
            raise pack_problem(
                f"the parameter '{name}' hides a name that all templates have", pack.span("pack.yaml").file
            )
        whole = param.type == "duration" and float(params[name]).is_integer()
        context[name] = Duration(params[name]) if whole else params[name]
    return context


def _has_certificate(probe: Probe) -> bool:
    """Whether it may meet one: plain http elsewhere is nearly always redirected to https."""
    if probe.kind == "http" and probe.target.startswith("http://"):
        return not is_local(urlsplit(probe.target).hostname or "")
    return probe.kind == "tls" or probe.target.startswith("https://")


def signals_of(pack: Pack, context: Mapping[str, Any], window: str = "") -> Signals:
    """`sig` for a template of `pack`."""
    table = {name: (signal.expr, signal.window) for name, signal in pack.spec.signals.items()}
    return Signals(table, context, pack.span("pack.yaml"), window)


def final_params(pack: Pack, overrides: Mapping[str, ParamValue]) -> dict[str, ParamValue]:
    """Defaults, and what services.yaml says instead."""
    return {name: overrides.get(name, param.default) for name, param in pack.params.items()}


def _required(service: Service) -> str:
    """A regular expression over the metrics without which the service's packs see nothing; empty for none."""
    packs = load_packs()
    metrics = {metric for kind in service.kinds if kind in packs for metric in packs[kind].required_metrics}
    return "|".join(sorted(metrics))
