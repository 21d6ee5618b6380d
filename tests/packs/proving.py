"""Running the proofs of one pack's sample service, as rendered or with every rule spoilt in one way."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from generator.artifact import Artifact
from generator.check.tools import run_tool
from generator.model import Alert, Budget, Service, Site
from generator.packs import Pack
from generator.packs.sample import SAMPLE_STACK, sample_instance
from generator.render.proofs import render_proofs
from generator.render.rules import render_rules

Spoil = Callable[[Alert], Alert]

_ALERT_NAMED = re.compile(r'alertname[:=]\s*\\?"?([A-Z]\w+)')
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


def site_of(service: Service) -> Site:
    """A site with one service."""
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


def prove(pack: Pack, folder: Path, spoil: Spoil | None = None) -> Verdict:
    """Run the pack's proofs against its rules; with `spoil`, against rules that are no longer right."""
    service, _ = sample_instance(pack)
    return prove_service(service, folder, spoil)


def prove_service(service: Service, folder: Path, spoil: Spoil | None = None) -> Verdict:
    """The same for a service with its packs."""
    site = site_of(service)
    proofs = [each for each in render_proofs(site) if each.path.endswith(".yml")]
    for artifact in (*render_rules(_spoilt(site, spoil) if spoil else site), *proofs):
        _write(folder, artifact)
    runs = [run_tool("promtool", ["test", "rules", proof.path], folder) for proof in proofs]
    output = "\n".join(run.output for run in runs if run.code)
    return Verdict(frozenset(_ALERT_NAMED.findall(output)), output)


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


def _spoilt(site: Site, spoil: Spoil) -> Site:
    (service,) = site.services
    packs = tuple(replace(pack, alerts=tuple(map(spoil, pack.alerts))) for pack in service.packs)
    return replace(site, services=(replace(service, packs=packs),))


def _write(folder: Path, artifact: Artifact) -> None:
    path = folder / artifact.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(artifact.content, encoding="utf-8")
