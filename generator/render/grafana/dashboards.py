"""Grafana dashboards: which there are. What stands on each is in overview, explorer, hosts,
objectives and services."""

from generator.artifact import Artifact
from generator.conventions import DASHBOARD_HOSTS, dashboard_of
from generator.site.model import Site


def render_dashboards(site: Site) -> tuple[Artifact, ...]:
    """Home, logs, hosts, the stack, objectives if there are any, and one dashboard for each other service."""
    # Imported here because whoever only asks for --help should not wait for Grafana's SDK.
    from generator.render.grafana.board import render_board
    from generator.render.grafana.explorer import logs_board
    from generator.render.grafana.hosts import hosts_board
    from generator.render.grafana.objectives import objectives_board
    from generator.render.grafana.overview import home_board
    from generator.render.grafana.services import service_board

    hosts = [s for s in site.services if dashboard_of(s.name, s.kinds) == DASHBOARD_HOSTS]
    others = [s for s in site.services if dashboard_of(s.name, s.kinds) != DASHBOARD_HOSTS]
    made = [render_board(home_board(site)), render_board(logs_board(site))]
    # One after the other: a board that is drawn takes ten times as much memory as its text.
    made += [render_board(service_board(site, service)) for service in others]
    made += [render_board(hosts_board(site, hosts))] if hosts else []
    if any(service.objectives for service in site.services):
        made.append(render_board(objectives_board(site)))
    return tuple(made)
