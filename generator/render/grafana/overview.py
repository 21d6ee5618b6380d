"""The home dashboard: what is firing, every service in one table, and each service's vital signs.

Owns the site-wide panels. The vital signs are those of the services' own dashboards, drawn small.
"""

from dataclasses import replace
from typing import Final

from generator.conventions import (
    DASHBOARD_HOME,
    DASHBOARD_HOSTS,
    DASHBOARD_LOGS,
    DASHBOARD_OBJECTIVES,
    DASHBOARD_STACK,
    GLANCE,
    RUNBOOKS_PATH,
    dashboard_of,
    dashboard_path,
    panel_id,
)
from generator.render.grafana.common import glance_panels, merged_rows, panel_context
from generator.render.grafana.dashboard import OVERVIEW, Dashboard, DashboardRow, PlacedPanel, annotation
from generator.render.grafana.links import bar_link, link
from generator.render.grafana.overview_tables import SEVERITY_COLOURS, firing, firing_panel, services_panel
from generator.render.grafana.panels import PanelContext, draw
from generator.render.grafana.sdk import dashboard
from generator.site.model import Panel, Query, Service, Site

# With more rows than this nothing is at a glance any more.
OPEN_ROWS: Final = 4
MOST_ROWS: Final = 20


def home_dashboard(site: Site) -> Dashboard:
    """The home dashboard."""
    context = PanelContext(DASHBOARD_HOME)
    counts = tuple(PlacedPanel(draw(p, context), p.width, p.height) for p in _count_panels())
    alerts, services = firing_panel(site, context), services_panel(site, context)
    return Dashboard(
        uid=DASHBOARD_HOME,
        title="Home",
        description=f"{site.stack.name} at a glance: what is firing, every service, and where to look next.",
        folder=OVERVIEW,
        tag="home",
        rows=(DashboardRow("", (*counts, alerts, services)), *_service_rows(site)),
        links=_bar(site),
        annotations=(
            annotation(
                "Firing alerts",
                f"max by (alertname, service, severity) ({firing()})",
                "red",
                site.stack.timing.scrape_interval,
                title_format="{{service}}: {{alertname}}",
                text_format="fires with severity {{severity}}",
                tag_keys="service,severity",
            ),
        ),
    )


def _bar(site: Site) -> tuple[dashboard.DashboardLink, ...]:
    has_objectives = any(service.objectives for service in site.services)
    hosts = any(dashboard_of(s.name, s.kinds) == DASHBOARD_HOSTS for s in site.services)
    stack = any(dashboard_of(s.name, s.kinds) == DASHBOARD_STACK for s in site.services)
    return (
        bar_link("Logs", f"/d/{DASHBOARD_LOGS}", "doc"),
        *([bar_link("Objectives", f"/d/{DASHBOARD_OBJECTIVES}")] if has_objectives else []),
        *([bar_link("Hosts", f"/d/{DASHBOARD_HOSTS}")] if hosts else []),
        *([bar_link("Monitoring stack", f"/d/{DASHBOARD_STACK}")] if stack else []),
        bar_link("Runbooks", f"{site.stack.base_url}{RUNBOOKS_PATH}/", "info"),
        bar_link("Uptime", site.stack.status_url, "external link"),
    )


def _count_panels() -> list[Panel]:
    """How much of each severity fires, and how many targets do not answer."""
    counts = [
        Panel(
            slug=f"firing-{severity}",
            title=f"Firing: {severity}",
            description=f"Alerts of severity {severity} that fire now, over all services. Normal is 0.",
            type="stat",
            unit="short",
            queries=(Query(f"count({firing(severity)}) or vector(0)"),),
            width=6,
            height=4,
            minimum=0,
            decimals=0,
            mappings={"0": "none"},
        )
        for severity in SEVERITY_COLOURS
    ]
    silent = Panel(
        slug="targets-down",
        title="Targets that do not answer",
        description="Scrape targets that Prometheus could not read at its last try. Normal is 0.",
        type="stat",
        unit="short",
        queries=(Query("count(up == 0) or vector(0)"),),
        width=6,
        height=4,
        minimum=0,
        decimals=0,
        mappings={"0": "none"},
    )
    return [*counts, silent]


def _service_rows(site: Site) -> list[DashboardRow]:
    """A row for each service, open while there are few; with many, the table alone is the overview."""
    services = sorted((service for service in site.services if service.alerts), key=_rank)
    if len(services) > MOST_ROWS:
        return []
    rows = []
    for index, service in enumerate(services):
        placed = _vital_signs(site, service)
        if placed:
            rows.append(DashboardRow(service.name, placed, collapsed=index >= OPEN_ROWS))
    return rows


def _rank(service: Service) -> int:
    """Applications, then what they run on, then what watches them."""
    order = {DASHBOARD_HOSTS: 1, DASHBOARD_STACK: 2}
    return order.get(dashboard_of(service.name, service.kinds), 0)


def _vital_signs(site: Site, service: Service) -> tuple[PlacedPanel, ...]:
    """The numbers on top of the service's own dashboard, each leading to the panel that it is a copy of."""
    context = panel_context(site, service)
    path = dashboard_path(service.name, service.kinds)
    placed = []
    for panel in glance_panels(service, merged_rows([service])):
        number = panel_id(context.uid, panel.slug.removeprefix(GLANCE))
        url = f"{path}{'&' if '?' in path else '?'}viewPanel=panel-{number}"
        small = replace(panel, slug=f"{service.name}/{panel.slug}")
        here = replace(context, uid=DASHBOARD_HOME, links=lambda _: [link(service.name, path)])
        drawn = draw(small, here)
        assert drawn.field_config is not None and drawn.field_config.defaults is not None
        drawn.field_config.defaults.links = [link(panel.title, url)]
        placed.append(PlacedPanel(drawn, 4, 4))
    return tuple(placed)
