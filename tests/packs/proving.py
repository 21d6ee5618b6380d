"""Running the proofs of one pack's sample service, as rendered or with every rule broken in one way."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from generator.artifact import Artifact
from generator.packs import Pack
from generator.packs.sample import sample_instance, site_of
from generator.prove.mutation import Mutant
from generator.prove.proofs import render_proofs
from generator.prove.proving import Trial, cut_rules, run_trials
from generator.site.model import Alert, Service, Site
from tests.support.verdicts import VERDICTS

Breakage = Callable[[Alert], Alert]

# A comparison with a number; `> 0)` is a guard of a division and no threshold.
_COMPARED = re.compile(r"(==|>=|<=|>|<) (-?\d+(?:\.\d+)?)(?!\.?\d)(?!\s*\))")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which alerts a proof complained about, and all that promtool said."""

    failed: frozenset[str]
    output: str


def sample_site(pack: Pack) -> Site:
    """A site with the pack's sample service alone."""
    service, _ = sample_instance(pack)
    return site_of(service)


def prove(pack: Pack, folder: Path, breakage: Breakage | None = None) -> Verdict:
    """Run the pack's proofs against its rules; with `breakage`, against rules that are no longer right."""
    service, _ = sample_instance(pack)
    return prove_service(service, folder, breakage)


def prove_service(service: Service, folder: Path, breakage: Breakage | None = None) -> Verdict:
    """The same for a service with its packs."""
    site = site_of(service)
    broken = break_site(site, breakage) if breakage else site
    complaints = run_trials(trials_of(broken, render_proofs(site)), folder, verdicts=VERDICTS)
    return Verdict(frozenset(Path(name).stem for name in complaints), "\n".join(complaints.values()))


def trials_of(site: Site, proofs: Iterable[Artifact]) -> list[Trial]:
    """Each proof with the rules of the only service."""
    (service,) = site.services
    packs = {alert.name: instance for instance in service.packs for alert in instance.alerts}
    names = [(Path(proof.path).stem, proof) for proof in proofs if proof.path.endswith(".yml")]
    return [Trial(proof.path, cut_rules(packs[name], name), proof.content) for name, proof in names]


def change_threshold(alert: Alert) -> Alert:
    """The first threshold twice as far away."""

    def further(match: re.Match[str]) -> str:
        operator, value = match[1], float(match[2])
        if operator == "==":
            return f"== {value + 1:g}"
        if operator.startswith(">"):
            return f"{operator} {value * 2 if value else 1e12:g}"
        return f"{operator} {value / 2 if value else -1e18:g}"

    return replace(alert, expr=_COMPARED.sub(further, alert.expr, count=1))


def drop_hold(alert: Alert) -> Alert:
    """Without its `for`."""
    return replace(alert, for_seconds=0)


def drop_keep(alert: Alert) -> Alert:
    """Without its `keep_firing_for`."""
    return replace(alert, keep_firing_seconds=0)


def change_severity(alert: Alert) -> Alert:
    """With another label."""
    return replace(alert, labels={**alert.labels, "severity": "none"})


# Alerts that compare with no number of their own: with nothing, with what is recorded, or with another metric.
NO_NUMBER = {"Watchdog", "OutageRecent", "HttpTrafficUnusual", "HostRaidDegraded"}
# How a rule is broken, and which alerts that makes a difference to.
BROKEN: dict[str, tuple[Breakage, Callable[[Alert], bool]]] = {
    "a threshold twice as far away": (change_threshold, lambda alert: alert.name not in NO_NUMBER),
    "without for": (drop_hold, lambda alert: alert.for_seconds > 0),
    "without keep_firing_for": (drop_keep, lambda alert: alert.keep_firing_seconds > 0),
    "with another severity": (change_severity, lambda alert: True),
}


def broken(alert: Alert) -> list[Mutant]:
    """The alert broken in each way that makes a difference to it."""
    return [Mutant(name, breakage(alert)) for name, (breakage, concerns) in BROKEN.items() if concerns(alert)]


def break_site(site: Site, breakage: Breakage) -> Site:
    """The site with every alert of its only service broken."""
    (service,) = site.services
    packs = tuple(replace(pack, alerts=tuple(map(breakage, pack.alerts))) for pack in service.packs)
    return replace(site, services=(replace(service, packs=packs),))
