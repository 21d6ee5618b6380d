"""Grafana dashboards: which there are. What stands on each is in overview, explorer, hosts,
objectives and services."""

from collections.abc import Iterator

from generator.artifact import Artifact
from generator.conventions import DASHBOARD_HOSTS, dashboard_of
from generator.site.model import Site


def render_dashboards(site: Site) -> Iterator[Artifact]:
    """Home, logs, hosts, the stack, objectives if there are any, and one dashboard for each other service."""
    # Imported here because `--help` should not wait for Grafana's SDK.
    from generator.render.grafana.dashboard import render_dashboard
    from generator.render.grafana.explorer import logs_dashboard
    from generator.render.grafana.hosts import hosts_dashboard
    from generator.render.grafana.objectives import objectives_dashboard
    from generator.render.grafana.overview import home_dashboard
    from generator.render.grafana.services import service_dashboard

    hosts = [s for s in site.services if dashboard_of(s.name, s.kinds) == DASHBOARD_HOSTS]
    others = [s for s in site.services if dashboard_of(s.name, s.kinds) != DASHBOARD_HOSTS]
    # One after the other: a drawn dashboard takes ten times as much memory as its text.
    yield render_dashboard(home_dashboard(site))
    yield render_dashboard(logs_dashboard(site))
    for service in others:
        yield render_dashboard(service_dashboard(site, service))
    if hosts:
        yield render_dashboard(hosts_dashboard(site, hosts))
    if any(service.objectives for service in site.services):
        yield render_dashboard(objectives_dashboard(site))
