"""Grafana dashboards: which there are. What stands on each is in overview, explorer, hosts,
objectives and services."""

from generator.artifact import Artifact
from generator.conventions import DASHBOARD_HOSTS, dashboard_of
from generator.site.model import Site


def render_dashboards(site: Site) -> tuple[Artifact, ...]:
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
    made = [render_dashboard(home_dashboard(site)), render_dashboard(logs_dashboard(site))]
    # One after the other: a drawn dashboard takes ten times as much memory as its text.
    made += [render_dashboard(service_dashboard(site, service)) for service in others]
    made += [render_dashboard(hosts_dashboard(site, hosts))] if hosts else []
    if any(service.objectives for service in site.services):
        made.append(render_dashboard(objectives_dashboard(site)))
    return tuple(made)
