"""The runbooks: one Markdown page for each alert of each service, and an index.

Owns their places. What they say comes from the packs (and, for errors, from generator.render.bugsink), already filled
in for the service.
"""

from generator.artifact import Artifact
from generator.conventions import EVENT_ALERTS, GENERATED
from generator.render.bugsink import SEVERITY, apps, event_runbooks
from generator.site.model import Alert, Service, Site

_NOTE = f"<!-- {GENERATED} -->\n"


def render_runbooks(site: Site) -> tuple[Artifact, ...]:
    """docs/runbooks/<service>/<Alert>.md for each alert, and docs/runbooks/README.md."""
    pages = [
        Artifact(f"docs/runbooks/{runbook.service}/{runbook.alert}.md", _NOTE + runbook.markdown)
        for service in site.services
        for pack in service.packs
        for runbook in pack.runbooks
    ]
    pages += [
        Artifact(f"docs/runbooks/{runbook.service}/{runbook.alert}.md", _NOTE + runbook.markdown)
        for runbook in event_runbooks(site)
    ]
    return (Artifact("docs/runbooks/README.md", _index(site)), *pages)


def _index(site: Site) -> str:
    lines = [
        "# Runbooks",
        "",
        "What to do about each alert. Every message links to its page here.",
    ]
    reporting = apps(site)
    for service in site.services:
        if service.alerts:
            lines += ["", f"## {service.name}", "", *_table(service)]
            lines += [
                _line(service.name, name, SEVERITY, service.owner) for name in EVENT_ALERTS if service in reporting
            ]
    return _NOTE + "\n".join(lines) + "\n"


def _table(service: Service) -> list[str]:
    rank = {"critical": 0, "warning": 1, "info": 2}
    alerts = sorted(service.alerts, key=lambda alert: (rank[alert.severity], alert.name))
    return ["| alert | severity | owner |", "|---|---|---|", *map(_row, alerts)]


def _row(alert: Alert) -> str:
    return _line(alert.service, alert.name, alert.severity, alert.owner)


def _line(service: str, name: str, severity: str, owner: str) -> str:
    return f"| [{name}]({service}/{name}.md) | {severity} | {owner} |"
