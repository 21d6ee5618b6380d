"""Every pair of alerts of whole sites, put to Alertmanager's own inhibition: the simulator says the same of each, and
no alert mutes what it must not."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest
import yaml

from generator.conventions import OUTAGE_RECENT, SEVERITIES, STACK_SERVICE
from generator.prove.alertmanager import CONFIG
from generator.prove.simulate import Simulator, labels_of
from generator.render.alertmanager.config import render_alertmanager
from generator.site.model import Alert, Site
from generator.site.routing import reaches
from tests.support.inhibit import muted_alone
from tests.support.played import site_of
from tests.unit.test_simulate import DEMO, SHOP, recent

CHAIN: Final = """\
people: {ana: {telegram: 1}, boris: {telegram: 2}, cleo: {}}
channels: {ops: {slack: {channel: "#ops"}}, phone: {telegram: -3}}
notify: {critical: [owner, phone], warning: [owner], info: [ops]}
stack: {owner: ana}
services:
  web: {kind: [http, external], targets: [web:80], url: "https://a.dev/", owner: boris, uses: [api], host: far}
  api: {kind: [fastapi, llm, external, payments], targets: [api:80], owner: ana, uses: [queue, db], host: far}
  jobs: {kind: [celery, llm, external, messages], targets: [jobs:80], owner: cleo, uses: [queue, db, cache], host: near}
  queue: {kind: rabbitmq, targets: [queue:15692], owner: boris, uses: [db], host: other}
  db: {kind: postgres, address: "10.0.0.7:5432", dsn: secret:dsn, owner: ana, host: far}
  cache: {kind: redis, address: "cache:6379", owner: cleo, host: near}
hosts:
  near: {owner: ana}
  far: {owner: ana, address: "10.0.0.7:9100"}
  other: {owner: boris, address: "10.0.0.8:9100"}
"""
# Only the owner is notified: hardly any alert may mute another's.
OWNERS: Final = CHAIN.replace("critical: [owner, phone]", "critical: [owner]")
# Everyone reads everything.
ALL: Final = CHAIN.replace("critical: [owner, phone], warning: [owner]", "critical: [ops, phone], warning: [ops]")
SITES: Final = {"the demo": DEMO, "a shop": SHOP, "chains": CHAIN, "owners alone": OWNERS, "one room for all": ALL}


@cache
def alerts_of(text: str) -> tuple[tuple[Alert, dict[str, str]], ...]:
    """Each alert with the labels under which it fires; what is about a provider, once for each of two."""
    site = site_of(text)
    found: list[tuple[Alert, dict[str, str]]] = []
    for alert in site.alerts:
        if alert.labels["service"] != alert.service:
            found += [(alert, labels_of(alert, service=service.name)) for service in site.services]
            continue
        outside = any("provider" in text or "labels.api" in text for text in alert.labels.values())
        given = [{"provider": name, "api": name} for name in ("openai", "stripe")] if outside else [{}]
        found += [(alert, labels_of(alert, **more)) for more in given]
    return tuple(found)


@cache
def pairs(text: str, folder: Path) -> list[frozenset[int]]:
    """For each alert, those that it mutes by Alertmanager's own package."""
    (config,) = (artifact.content for artifact in render_alertmanager(site_of(text)) if artifact.path == CONFIG)
    loaded = {**yaml.safe_load(config), "templates": []}
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(loaded), encoding="utf-8")
    return muted_alone(folder / "alertmanager.yml", [labels for _, labels in alerts_of(text)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inhibit")


@pytest.mark.parametrize("text", SITES.values(), ids=SITES)
def test_alertmanagers_own_package_and_the_simulator_agree_on_every_pair(text: str, folder: Path) -> None:
    simulator = Simulator(site_of(text))
    labels = [each for _, each in alerts_of(text)]
    found = pairs(text, folder)
    different = [
        (source["incident"], target["incident"])
        for number, source in enumerate(labels)
        for other, target in enumerate(labels)
        if (other in found[number]) != bool(simulator.muting(source, target))
    ]
    print(f"{len(labels)} alerts, {len(labels) ** 2} pairs, {sum(map(len, found))} muted")
    assert different == []
    assert sum(map(len, found)) > 0


@pytest.mark.parametrize("text", SITES.values(), ids=SITES)
def test_no_alert_mutes_what_it_must_not(text: str, folder: Path) -> None:
    site, alerts = site_of(text), alerts_of(text)
    forbidden = [
        (why, source[1]["incident"], target[1]["incident"])
        for source, muted in zip(alerts, pairs(text, folder), strict=True)
        for target in map(alerts.__getitem__, muted)
        for why in _wrong(site, *source, *target)
    ]
    assert forbidden == []


def _wrong(site: Site, source: Alert, says: dict[str, str], target: Alert, said: dict[str, str]) -> Iterator[str]:
    """Why the source must not mute the target; nothing where it may."""
    services = {service.name: service for service in site.services}
    of, other = says["service"], services[said["service"]]
    own_host = of == other.host and source.fault == "outage"
    if said["severity"] == "critical" and not (own_host or (of == other.name and says.get("outage_of") == "target")):
        yield "a critical alert is muted by what is not the outage of its own target or host"
    # OutageRecent says that an outage is hardly over; it reaches no one and mutes what the outage had muted.
    after = source.name == OUTAGE_RECENT
    if after and not (said["severity"] != "critical" and target.fault == "symptom"):
        yield "after an outage more than its symptoms are muted"
    if not after and SEVERITIES.index(source.severity) > SEVERITIES.index(target.severity):
        yield "the source is less severe"
    reached = reaches(site, source.severity, says["owner"])
    if not after and not reached >= reaches(site, target.severity, said["owner"]):
        yield "the source does not reach everyone that the target would"
    same = source.severity == "critical" and says.get("about", "") == said.get("about") != ""
    limits = "inhibition_group" in says and says["inhibition_group"] == said.get("inhibition_group")
    if not (after or source.fault == "outage" or same or limits):
        yield "the source is no outage, nor about the same thing"
    if not (same or of in {other.name, other.host, *other.uses}):
        yield "the source is of a service that has nothing to do with it"
    if STACK_SERVICE in (of, said["service"]):
        yield "the stack's own alerts take no part"


@pytest.mark.parametrize(
    "name", ["RedisExporterRefused", "RedisExporterDown", "PostgresExporterDown", "HostExporterDown"]
)
def test_the_failure_of_an_exporter_mutes_nothing(name: str, folder: Path) -> None:
    numbers = [number for number, (alert, _) in enumerate(alerts_of(CHAIN)) if alert.name == name]
    assert numbers
    assert not any(pairs(CHAIN, folder)[number] for number in numbers)


@pytest.mark.parametrize("text", SITES.values(), ids=SITES)
def test_an_alert_about_a_service_is_its_owners_whichever_rule_raised_it(text: str) -> None:
    owners = {service.name: service.owner for service in site_of(text).services}
    seen = [(labels["incident"], labels["owner"], owners[labels["service"]]) for _, labels in alerts_of(text)]
    assert [each for each in seen if each[1] != each[2]] == []
    assert recent(site_of(text), "api")["owner"] == owners["api"]
