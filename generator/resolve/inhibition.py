"""Which alerts fire before the outage that would explain them: the label `early`.

Owns that label. A rule of Alertmanager's cannot compare times, and an alert that was notified and is muted afterwards
ends without a message. So it names the services whose outage fires later; what mutes what is the business of
generator.render.alertmanager.inhibition.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from generator.conventions import ABOUT, ITSELF, OUTAGE_RECENT, STACK_SERVICE
from generator.site.hosts import is_local
from generator.site.model import Alert, Service, Site


def with_early_labels(site: Site) -> Site:
    """The site with the label on each alert that needs it, which is hardly ever one."""
    latest = _latest_outages(site)
    services = tuple(_labelled(site, service, latest) for service in site.services)
    return site if services == site.services else replace(site, services=services)


def _latest_outages(site: Site) -> dict[str, int]:
    """How long the slowest outage alert of each service takes, and the slowest critical one about something outside.

    The machine that Lookout runs on explains nothing."""
    outages = [
        (each, [alert for alert in each.alerts if alert.fault == "outage"])
        for each in site.services
        if each.name != STACK_SERVICE and not is_local(each)
    ]
    latest = {each.name: max(_seconds(site, each, alert) for alert in alerts) for each, alerts in outages if alerts}
    about = [(each, alert) for each in site.services for alert in each.alerts if "about" in alert.labels]
    severe = [_seconds(site, each, alert) for each, alert in about if alert.severity == "critical"]
    return {**latest, ABOUT: max(severe, default=0)}


def _seconds(site: Site, service: Service, alert: Alert) -> int:
    """From the fault to the alert at worst: a scrape, the hold, an evaluation."""
    scrape = max((job.interval for job in service.jobs), default=site.stack.timing.scrape_interval)
    return scrape + alert.for_seconds + alert.evaluation_interval


def _labelled(site: Site, service: Service, latest: Mapping[str, int]) -> Service:
    packs = []
    for pack in service.packs:
        alerts = tuple(_with_label(site, service, alert, latest) for alert in pack.alerts)
        packs.append(pack if alerts == pack.alerts else replace(pack, alerts=alerts))
    return service if tuple(packs) == service.packs else replace(service, packs=tuple(packs))


def _with_label(site: Site, service: Service, alert: Alert, latest: Mapping[str, int]) -> Alert:
    own = _seconds(site, service, alert)
    later = sorted({word for word, seconds in _explaining(site, service, alert, latest) if seconds > own})
    if not later:
        return alert
    early = ",".join(later)
    return replace(alert, labels={**alert.labels, "early": early}, shape=f"{alert.shape}-{early}")


def _explaining(site: Site, service: Service, alert: Alert, latest: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """The services of which an outage may explain an alert, by their word in the label, and how late it fires."""
    if alert.severity != "critical" and "about" in alert.labels:
        yield ABOUT, latest[ABOUT]
    if alert.labels.get("service") != alert.service and alert.name != OUTAGE_RECENT:
        # It is of other services, under their names.
        yield from ((word, seconds) for name, seconds in latest.items() if name != ABOUT for word in (ITSELF, name))
    if service.name == STACK_SERVICE:
        return
    if service.host in latest:
        yield service.host, latest[service.host]
    if alert.fault == "outage":
        down = [each for each in service.alerts if "outage_of" in each.labels]
        yield from ((ITSELF, _seconds(site, service, each)) for each in down if "outage_of" not in alert.labels)
    elif alert.severity != "critical":
        yield from ((word, latest[name]) for word, name in _within(service) if name in latest)


def _within(service: Service) -> Iterator[tuple[str, str]]:
    yield ITSELF, service.name
    yield from ((name, name) for name in service.uses)
