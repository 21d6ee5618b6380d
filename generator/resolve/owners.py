"""Who owns an alert that one service raises about others, as Uptime Kuma's verdicts and Docker's containers are.

Owns the label `owner` of such an alert: it is the owner of the service that the alert is about. Where each service has
the same owner, nothing changes.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from generator.site.model import Alert, Site

_ABOUT_OTHERS = "{{ $labels.service }}"


def with_owners(site: Site) -> Site:
    """The site with the right owner on each alert that is about another service than its own."""
    owned: dict[str, list[str]] = {}
    for service in site.services:
        owned.setdefault(service.owner, []).append(service.name)
    if len(owned) == 1:
        return site
    services = []
    for service in site.services:
        packs = tuple(
            replace(pack, alerts=tuple(_owned(alert, owned) for alert in pack.alerts)) for pack in service.packs
        )
        services.append(service if packs == service.packs else replace(service, packs=packs))
    return replace(site, services=tuple(services))


def _owned(alert: Alert, owned: Mapping[str, list[str]]) -> Alert:
    if alert.labels["service"] != _ABOUT_OTHERS:
        return alert
    others = [(owner, names) for owner, names in sorted(owned.items()) if owner != alert.owner]
    words = []
    for owner, names in others:
        quoted = " ".join(f'"{name}"' for name in sorted(names))
        words.append(f"if eq $labels.service {quoted} }}}}{owner}")
    text = "{{ " + "{{ else ".join(words) + "{{ else }}" + alert.owner + "{{ end }}"
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return replace(alert, labels={**alert.labels, "owner": text}, shape=f"{alert.shape}-{digest}")
