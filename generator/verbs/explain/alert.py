"""`lookout explain`: an alert in words.

Owns the words about alerts. The state of the running stack comes from generator.verbs.explain.live.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from generator.channels.channel import Channel
from generator.clients.prometheus import prometheus_url
from generator.conventions import STACK_SERVICE, runbook_page
from generator.diagnostics import Diagnostic, Problems, did_you_mean
from generator.pipeline import resolve_source
from generator.prove.proofs import proof_paths
from generator.prove.simulate import Simulator, labels_of
from generator.render.alertmanager.inhibition import inhibitions
from generator.render.bugsink import event_runbooks
from generator.site.model import Alert, Site
from generator.site.routing import NO_RECEIVER, receiver_of, recipients
from generator.source.file import read_spec_file
from generator.source.read import Source, load_source
from generator.units import format_duration
from generator.verbs.explain.limits import AlertLimit, limits_of
from generator.verbs.explain.live import live_lines

_FAULTS: Final = {
    "outage": "all of it is gone",
    "symptom": "users feel it",
    "cause": "users will feel it",
}
_WHY_QUIET: Final = {
    "own": "its own outage",
    "target": "its own outage",
    "uses": "what it uses",
    "host": "the host that it runs on",
    "after": "an outage that is hardly over",
    "more-severe": "the same thing, more severe",
    "about": "the same provider, more severe",
}
_MARGIN: Final = 13


def explain_alert(file: Path, name: str, service: str | None) -> str:
    """What the alert means for each service that has it (or for `service`). Raises Problems."""
    source = load_source(read_spec_file(file), str(file))
    site, _ = resolve_source(source)
    found = [alert for alert in site.alerts if alert.name == name and service in (None, alert.service)]
    events = [page for page in event_runbooks(site) if page.alert == name and service in (None, page.service)]
    if events:
        # No rule makes these: what there is to know of them is in their runbook.
        return "\n\n".join(page.markdown.strip() for page in events)
    if not found:
        names = {alert.name for alert in site.alerts if service in (None, alert.service)}
        where = f" of '{service}'" if service else ""
        message = f"no alert{where} is called '{name}'"
        raise Problems([Diagnostic("spec/unknown-alert", message, hint=did_you_mean(name, names))])
    url = prometheus_url(file.absolute().parent)
    return "\n\n".join("\n".join(_words(site, source, alert, url)) for alert in found)


def _words(site: Site, source: Source, alert: Alert, url: str) -> Iterator[str]:
    yield f"{alert.name} of {alert.service}: {alert.severity}, {_FAULTS[alert.fault]}"
    yield from _row("says", alert.annotations["summary"])
    yield from _row("means", alert.annotations["description"])
    yield from _row("when", *alert.expr.splitlines())
    yield from _row("for", _times(alert))
    yield from _row("limits", *map(_limit, limits_of(site, source, alert)))
    yield from _row("quiet while", *_quiet(site, alert, target=True))
    yield from _row("inhibits", *_quiet(site, alert, target=False))
    yield from _row("notifies", _notified(site, alert))
    yield from _row("written at", f"{alert.origin.file}:{alert.origin.line}")
    yield from _row("proof", proof_paths(site).get(f"{alert.service}/{alert.name}", "none, as services.yaml says"))
    yield from _row("runbook", f"docs/{runbook_page(alert.service, alert.name)}", alert.annotations["runbook_url"])
    yield from _row("dashboard", alert.annotations["dashboard_url"])
    yield from _row("now", *live_lines(url, alert))


def _row(title: str, *lines: str) -> Iterator[str]:
    """A title, and what belongs to it below each other; nothing without any."""
    for number, line in enumerate(lines):
        yield f"  {'' if number else title:<{_MARGIN}}{line}".rstrip()


def _times(alert: Alert) -> str:
    held = f"true for {format_duration(alert.for_seconds)}" if alert.for_seconds else "as soon as it is true"
    kept = f", and on for {format_duration(alert.keep_firing_seconds)} after" if alert.keep_firing_seconds else ""
    return f"{held}{kept}; looked at every {format_duration(alert.evaluation_interval)}"


def _limit(limit: AlertLimit) -> str:
    where = f"{limit.span.file}:{limit.span.line}"
    return f"{limit.name} = {limit.value}  {f'set at {where}' if limit.is_set else f'{where}: {limit.why}'}"


def _quiet(site: Site, alert: Alert, *, target: bool) -> Iterator[str]:
    """What mutes it (as a target), or what it mutes (as a source); by the rules that Alertmanager gets."""
    simulator, families = Simulator(site), {each.name: each.family for each in inhibitions(site)}
    # Alerts under the name of another service than the one whose rule they are: of each service in turn.
    names = [service.name for service in site.services if service.name != STACK_SERVICE]
    own = labels_of(alert)
    found: dict[tuple[str, str], list[str]] = {}
    for other in site.alerts:
        for service in names if "{{" in other.labels["service"] else (other.service,):
            labels = labels_of(other, service=service)
            for rule in simulator.muting(labels, own) if target else simulator.muting(own, labels):
                why = _WHY_QUIET[families[rule]] if target else other.severity
                found.setdefault((service, why), []).append(other.name)
    for (service, why), alerts in found.items():
        yield f"{', '.join(dict.fromkeys(sorted(alerts)))} of {service} ({why})"


def _notified(site: Site, alert: Alert) -> str:
    receiver = receiver_of(site, alert.severity, alert.owner)
    if receiver == NO_RECEIVER:
        return f"no one: `notify:` sends {alert.severity} nowhere; its owner is {alert.owner}"
    places = ", ".join(map(_place, recipients(site, alert.severity, alert.owner)))
    return f"{places}; its owner is {alert.owner}"


def _place(channel: Channel) -> str:
    return f"{channel.name} ({channel.shown})"
