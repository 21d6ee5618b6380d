"""The runbooks: a page for each service with a section for each of its alerts, and the list of the pages.

Owns their places. What they say comes from the packs (and, for errors, from generator.render.bugsink), already filled
in for the service.
"""

import re
from collections.abc import Iterator
from typing import Final

from generator.artifact import Artifact
from generator.conventions import GENERATED, OWN_PACK, SEVERITIES, Severity
from generator.packs.own import unproven
from generator.render.bugsink import SEVERITY, event_runbooks
from generator.site.model import Runbook, Service, Site

_NOTE: Final = f"<!-- {GENERATED} -->\n"
# A heading, or a whole block of commands, which may begin a list's entry: a comment in it is no heading.
_HEADING: Final = re.compile(
    r"^[ \t]*(?:(?:\d+\.|[-*+])[ \t]+)?(?P<fence>```+|~~~+).*?(?:(?P<end>^[ \t]*(?P=fence))|\Z)|^(?=#{1,5} )",
    re.DOTALL | re.MULTILINE,
)


def render_runbooks(site: Site) -> Iterator[Artifact]:
    """docs/runbooks/<service>.md for each service with alerts, and docs/runbooks/README.md."""
    events = event_runbooks(site)
    rows = []
    for service in site.services:
        runbooks = _runbooks(service, [each for each in events if each.service == service.name])
        if runbooks:
            yield Artifact(f"docs/runbooks/{service.name}.md", _page(service, runbooks))
            rows.append(f"| [{service.name}]({service.name}.md) | {len(runbooks)} | {service.owner} |")
    yield Artifact("docs/runbooks/README.md", _index(rows))


def _runbooks(service: Service, events: list[Runbook]) -> list[Runbook]:
    """By the alert's name. What a service's owner wrote comes last: invalid Markdown in it breaks no other part."""
    found = [(pack.pack == OWN_PACK, runbook) for pack in service.packs for runbook in pack.runbooks]
    found += [(False, runbook) for runbook in events]
    return [runbook for _, runbook in sorted(found, key=lambda each: (each[0], each[1].alert))]


def _index(rows: list[str]) -> str:
    head = ("# Runbooks", "", "What to do about each alert. Every message links to its section here.", "")
    return _NOTE + "\n".join([*head, "| service | alerts | owner |", "|---|---|---|", *rows]) + "\n"


def _page(service: Service, runbooks: list[Runbook]) -> str:
    """A table of the alerts, the worst first, then what to do about each, by name."""
    severity: dict[str, Severity] = {alert.name: alert.severity for alert in service.alerts}
    listed = sorted((SEVERITIES.index(severity.get(each.alert, SEVERITY)), each.alert) for each in runbooks)
    lines = [f"# {service.name}", "", "| alert | severity |", "|---|---|"]
    no_proof = unproven(service)
    lines += [
        f"| [{a}](#{a}) | {SEVERITIES[rank]}{', **not proven**' if a in no_proof else ''} |" for rank, a in listed
    ]
    return _NOTE + "\n".join(lines) + "\n" + "".join(map(_section, runbooks))


def _section(runbook: Runbook) -> str:
    """An alert's runbook, a level deeper. The anchor is the alert's name as it is, on GitHub and in the browser."""
    title, _, text = runbook.markdown.partition("\n")
    body = _HEADING.sub(_deeper, text if title.startswith("# ") else runbook.markdown)
    return f'\n<a id="{runbook.alert}"></a>\n\n## {runbook.alert}\n\n{body.strip()}\n'


def _deeper(found: re.Match[str]) -> str:
    """A heading with one # more; a block of commands as it is, but closed, or it would hide the alerts below."""
    if not found["fence"]:
        return "#"
    return found[0] if found["end"] else f"{found[0].rstrip()}\n{found['fence']}\n"
