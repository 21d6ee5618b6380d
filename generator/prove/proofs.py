"""promtool tests for every distinct rule: quiet, pending, firing with exact labels and annotations, resolved.

A proof is made once for each distinct rule (names apart, whichever kind it came with) and runs against the
rendered rule file of the first service that has it. Each is a file with a short timeline of its own: promtool's time
is rules times evaluations, and generator.prove.proving has it evaluate nothing but the rule in question. The manifest
names the proof of every rendered alert.
"""

import re
from collections.abc import Collection

from generator.artifact import Artifact
from generator.conventions import OWN_PACK
from generator.packs.cases import Case, Rate, cases_of
from generator.packs.following import follow
from generator.packs.own import pack_of, unproven
from generator.prove.company import with_company
from generator.prove.proof import Phases, Proof
from generator.prove.proving import rules_for
from generator.prove.timeline import Timeline
from generator.site.model import Alert, PackInstance, Service, Site, Stack
from generator.source.emit import emit_json


def render_proofs(site: Site) -> tuple[Artifact, ...]:
    """prometheus/proofs/<service>/<pack>/<Alert>.yml for each distinct rule, and manifest.json."""
    manifest = proof_paths(site)
    artifacts: dict[str, Artifact] = {}
    for service in site.services:
        for instance in service.packs:
            wanted = {alert.name for alert in instance.alerts if manifest.get(_key(alert)) == _path(alert)}
            if any(_path(alert) not in artifacts for alert in instance.alerts if alert.name in wanted):
                artifacts |= {each.path: each for each in _prove(site, service, instance, wanted)}
    pages = [artifacts[path] for path in sorted(artifacts)]
    return (*pages, Artifact("prometheus/proofs/manifest.json", emit_json(manifest)))


def proof_paths(site: Site) -> dict[str, str]:
    """The proof of each alert that has one, by service and name.

    It is its own, or that of the first rule that differs in names alone.
    The first is that of the service whose name comes first: in which order services.yaml declares them decides nothing.
    """
    paths: dict[str, str] = {}
    first: dict[tuple[object, ...], str] = {}
    known: dict[tuple[str, str], str] = {}
    for service in sorted(site.services, key=lambda each: each.name):
        for alert in (each for each in service.alerts if each.name not in unproven(service)):
            shape = (alert.shape, alert.name)
            if shape not in known:
                known[shape] = first.setdefault(_distinct(service, alert), _path(alert))
            paths[_key(alert)] = known[shape]
    return paths


def _key(alert: Alert) -> str:
    return f"{alert.service}/{alert.name}"


def _path(alert: Alert) -> str:
    return f"prometheus/proofs/{alert.service}/{alert.pack}/{alert.name}.yml"


def _distinct(service: Service, alert: Alert) -> tuple[object, ...]:
    """All that a rule is, but for the names of its service and of what belongs to it."""
    names = {service.name, service.owner, *(at for job in service.jobs for pair in job.targets for at in pair)}
    named = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, sorted(names, key=len, reverse=True)))})(?![\w-])")
    shown = (alert.annotations["summary"], alert.annotations["description"], *alert.labels.values())
    texts = tuple(named.sub("@", text) for text in (alert.expr, *shown))
    paces = (
        alert.for_seconds,
        alert.keep_firing_seconds,
        alert.evaluation_interval,
        *{job.interval for job in service.jobs},
    )
    # What a service's owner wrote has cases of its own.
    return (alert.name, texts, paces, alert.shape if alert.pack == OWN_PACK else "")


def proof_phases(service: Service, instance: PackInstance, stack: Stack) -> dict[str, Phases]:
    """Of each alert the phase of every assertion, by its sort (`alert` or `expr`) and its time in seconds."""
    alerts = {alert.name: alert for alert in instance.alerts}
    return {case.alert: _proof(alerts[case.alert], case).phases for case in cases_of(instance, service, stack)}


def proofs_of(stack: Stack, service: Service, instance: PackInstance, wanted: Collection[str]) -> list[Proof]:
    """The proofs of those alerts of a pack that are `wanted`."""
    alerts = {alert.name: alert for alert in instance.alerts}
    rules = [*(rule.expr for rule in instance.alerts), *(rule.expr for rule in instance.records)]
    proofs = []
    for each in cases_of(instance, service, stack):
        case = follow(each, pack_of(service, instance), instance.params, rules, service.name)
        if case.alert in wanted:
            proofs.append(_proof(alerts[case.alert], _full(case, instance)))
    return proofs


def _full(case: Case, instance: PackInstance) -> Case:
    return with_company(case, (rule.expr for rule in rules_for(instance, case.alert)))


def _proof(alert: Alert, case: Case) -> Proof:
    proof = Proof(alert, case, Timeline(case.interval, case.evaluation, _highest_rates(case)))
    proof.prove()
    return proof


def _prove(site: Site, service: Service, instance: PackInstance, wanted: Collection[str]) -> list[Artifact]:
    return [
        Artifact(_path(proof.alert), proof.emit(), {proof.alert.name: proof.alert.origin})
        for proof in proofs_of(site.stack, service, instance, wanted)
    ]


def _highest_rates(case: Case) -> dict[str, float]:
    """How fast each counter ever grows."""
    highest: dict[str, float] = {}
    for state in case.states:
        for series, shape in state.items():
            if isinstance(shape, Rate):
                highest[series] = max(highest.get(series, 0.0), shape.per_second)
    return highest
