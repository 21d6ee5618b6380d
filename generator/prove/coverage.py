"""docs/coverage.md and docs/detection.md: what the site's alerts cover, and how soon they notify about an outage.

Owns the pages; the matrix is generator.packs.coverage's, the sums are generator.resolve.detection's.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from generator.artifact import Artifact
from generator.conventions import GENERATED, SEVERITIES, UNPROVEN, runbook_page
from generator.packs.coverage import MODES, Cell, coverage_of
from generator.resolve.detection import alert_terms, in_words
from generator.site.model import Alert, Service, Site

COVERAGE: Final = "docs/coverage.md"
DETECTION: Final = "docs/detection.md"
_COVERAGE: Final = """\
# Coverage

The ways in which each service of services.yaml can fail, because of what it is (its kinds) and what it has (an address
with https, `uses`, logs), and the alerts for each: the most severe ones by name. What any alert covers is in
[the list of all alerts](reference/alerts.md). A way of failing without an alert is a warning of `make check`, and an
error where the service says `tier: critical`.

Below it stands what the service's targets have to export for alerts to fire: metrics, labels, and buckets around each
limit. What is missing on the running stack, `MetricsMissing` reports, and `lookout check --live` lists.
"""
# How many alerts a cell names.
_NAMED: Final = 3
_DETECTION: Final = """\
# Detection

The longest time from a total outage to the message, for every outage alert. A service sets its limit with
`detect_within` (by default 60s), and a sum above that limit is an error.
"""


def render_coverage(site: Site) -> tuple[Artifact, ...]:
    """Both pages."""
    return (
        Artifact(COVERAGE, "\n".join([f"<!-- {GENERATED} -->", _COVERAGE, *_matrix(site)]).rstrip("\n") + "\n"),
        Artifact(DETECTION, "\n".join([f"<!-- {GENERATED} -->", _DETECTION, *_sums(site)]).rstrip("\n") + "\n"),
    )


def _matrix(site: Site) -> Iterator[str]:
    for service in site.services:
        cells = coverage_of(service, site.named)
        if cells:
            yield from (f"## {service.name}", "", "| It can fail so that | Alerts |", "|---|---|")
            yield from (f"| {MODES[cell.mode]} (`{cell.mode}`) | {_alerts(cell)} |" for cell in cells)
            yield ""
        if service.needs:
            yield from ("| It has to export | Alerts that cannot fire without it |", "|---|---|")
            yield from (f"| `{need.missing}` | {_few(need.alerts)} |" for need in service.needs)
            yield ""


def _alerts(cell: Cell) -> str:
    """The alerts of a cell in few words: the most severe, and how many more there are."""
    if not cell.alerts:
        return "**none**"
    ranked = sorted(cell.alerts, key=lambda alert: (SEVERITIES.index(alert.severity), alert.name))
    return _few([_alert(cell, alert) for alert in ranked])


def _few(names: Sequence[str]) -> str:
    named = ", ".join(names[:_NAMED])
    more = len(names) - _NAMED
    return f"{named} and {more} more" if more > 0 else named


def _alert(cell: Cell, alert: Alert) -> str:
    of = "" if alert.service == cell.service else f" of {alert.service}"
    mark = " (**not proven**)" if alert.annotations["description"].endswith(UNPROVEN) else ""
    return f"[{alert.name}]({runbook_page(alert.service, alert.name)}){of}{mark}"


def _sums(site: Site) -> Iterator[str]:
    yield from ("| Service | Alert | At worst | Limit | The sum |", "|---|---|---|---|---|")
    for service in site.services:
        yield from (_sum(site, service, alert) for alert in service.alerts if alert.fault == "outage")


def _sum(site: Site, service: Service, alert: Alert) -> str:
    summands = alert_terms(alert, service, site.stack.timing)
    worst = sum(seconds for _, seconds in summands)
    name = f"[{alert.name}]({runbook_page(service.name, alert.name)})"
    return f"| {service.name} | {name} | {worst}s | {service.detect_within}s | {in_words(summands)} |"
