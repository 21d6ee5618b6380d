"""The dashboard of one service, and that of the monitoring stack, which is a service like any other."""

from generator.conventions import DASHBOARD_STACK, STACK_SERVICE, dashboard_uid
from generator.render.grafana.common import (
    draw_rows,
    merged_rows,
    panel_context,
    service_annotations,
    with_common_rows,
)
from generator.render.grafana.dashboard import OVERVIEW, SERVICES, Dashboard
from generator.render.grafana.links import service_bar
from generator.site.model import Service, Site


def service_dashboard(site: Site, service: Service) -> Dashboard:
    """The service's dashboard."""
    stack = service.name == STACK_SERVICE
    rows = with_common_rows(site, service, merged_rows([service]))
    what = "Monitoring stack" if stack else service.name
    return Dashboard(
        uid=DASHBOARD_STACK if stack else dashboard_uid(service.name),
        title=what,
        description=f"{', '.join(service.kinds)}; owned by {service.owner}",
        folder=OVERVIEW if stack else SERVICES,
        tag="stack" if stack else "service",
        rows=draw_rows(rows, panel_context(site, service)),
        links=tuple(service_bar(site, service)),
        annotations=service_annotations(site, service.name),
        origin=service.origin,
    )
