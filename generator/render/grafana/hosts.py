"""The hosts dashboard: one for all machines, its panels asking for the host that is chosen."""

import re
from collections.abc import Sequence
from dataclasses import replace

from generator.conventions import DASHBOARD_HOME, DASHBOARD_HOSTS
from generator.render.grafana.common import (
    ANY_HOST,
    draw_rows,
    merged_rows,
    panel_context,
    service_annotations,
    with_common_rows,
)
from generator.render.grafana.dashboard import OVERVIEW, Dashboard, custom_variable
from generator.render.grafana.links import bar_link
from generator.site.model import Alert, Service, Site


def hosts_dashboard(site: Site, hosts: Sequence[Service]) -> Dashboard:
    """One dashboard for all hosts, with a choice of the host."""
    chosen = _choosable(hosts)
    rows = with_common_rows(site, chosen, merged_rows([chosen]))
    return Dashboard(
        uid=DASHBOARD_HOSTS,
        title="Hosts",
        description="The machines: what they have, what is used, what runs out when.",
        folder=OVERVIEW,
        tag="hosts",
        rows=draw_rows(rows, panel_context(site, chosen)),
        links=(bar_link("Home", f"/d/{DASHBOARD_HOME}", "apps"),),
        variables=(custom_variable("host", "Host", tuple(host.name for host in hosts)),),
        annotations=service_annotations(site, ANY_HOST),
        origin=hosts[0].origin,
    )


def _choosable(hosts: Sequence[Service]) -> Service:
    """A service that stands for whichever host is chosen.

    Only thresholds that all hosts share are drawn: one dashboard cannot show a different line for each.
    """
    first = hosts[0]
    shared: dict[str, set[tuple[float, str]]] = {}
    for host in hosts:
        for panel in (p for row in merged_rows([host]) for p in row.panels):
            values = {(t.value, t.alert) for t in panel.thresholds}
            shared[panel.slug] = shared.get(panel.slug, values) & values
    rows = []
    for row in merged_rows([*hosts]):
        panels = tuple(
            replace(
                panel,
                queries=tuple(replace(q, expr=_any_host(q.expr, hosts)) for q in panel.queries),
                thresholds=tuple(t for t in panel.thresholds if (t.value, t.alert) in shared[panel.slug]),
            )
            for panel in row.panels
        )
        rows.append(replace(row, panels=panels))
    alerts = {alert.name: _any_host_alert(alert) for host in hosts for alert in host.alerts}
    packs = (replace(first.packs[0], rows=tuple(rows), alerts=tuple(alerts.values())),) if first.packs else ()
    return replace(first, name=ANY_HOST, packs=packs, uses=())


def _any_host(expr: str, hosts: Sequence[Service]) -> str:
    names = "|".join(re.escape(host.name) for host in hosts)
    return re.sub(rf'\b(service|service_name|host)="(?:{names})"', rf'\1="{ANY_HOST}"', expr)


def _any_host_alert(alert: Alert) -> Alert:
    url = alert.annotations["runbook_url"].replace(f"/{alert.service}#", f"/{ANY_HOST}#")
    return replace(alert, annotations={**alert.annotations, "runbook_url": url})
