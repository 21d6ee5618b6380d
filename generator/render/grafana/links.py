"""Links between panels, dashboards, alerts, runbooks and logs.

Owns every address that a dashboard contains. Addresses inside Grafana begin with / (Grafana puts its own path
before them); all others are absolute.
"""

from typing import Final

from generator.conventions import (
    DASHBOARD_HOME,
    PROMETHEUS_PATH,
    RUNBOOKS_PATH,
    dashboard_path,
)
from generator.parts.logs import logs_path
from generator.render.bugsink import project_url
from generator.render.grafana.sdk import dashboard
from generator.render.urls import is_browsable
from generator.site.model import Alert, Panel, Service, Site

# Ten minutes around the point that was clicked.
LOG_WINDOW_MS: Final = 600_000


def link(title: str, url: str, *, new_tab: bool = False) -> dashboard.DashboardLink:
    """One link, shown where it is put and not in a menu."""
    return dashboard.DashboardLink(
        title=title, type_val=dashboard.DashboardLinkType.LINK, url=url, target_blank=new_tab
    )


def bar_link(title: str, path: str, icon: str = "dashboard") -> dashboard.DashboardLink:
    """A link at the top of a dashboard; it takes the time range along."""
    made = link(title, path)
    made.icon, made.keep_time = icon, True
    return made


def logs_at_point(service: str) -> dashboard.DashboardLink:
    """From a point of a graph to the service's log lines around that moment."""
    window = f"time=${{__value.time}}&time.window={LOG_WINDOW_MS}"
    return link("Logs around this moment", f"{logs_path(service)}&{window}")


def alert_links(site: Site, panel: Panel, alerts: tuple[Alert, ...]) -> list[dashboard.DashboardLink]:
    """From a panel to the runbook of each alert that leads to it, and to the alert in Prometheus."""
    links = []
    for alert in alerts:
        if alert.name not in panel.alerts and alert.panel != panel.slug:
            continue
        links.append(link(f"Runbook: {alert.name}", alert.annotations["runbook_url"], new_tab=True))
        rule = f"{site.stack.base_url}{PROMETHEUS_PATH}/alerts?search={alert.name}"
        links.append(link(f"Rule: {alert.name}", rule, new_tab=True))
    return links


def service_bar(site: Site, service: Service) -> list[dashboard.DashboardLink]:
    """The links on top of a service's dashboard: home, logs, host, what it uses, its runbooks, its address."""
    bar = [bar_link("Home", f"/d/{DASHBOARD_HOME}", "apps")]
    if service.logs.mode != "none":
        bar.append(bar_link("Logs", logs_path(service.name), "doc"))
    for name in dict.fromkeys((service.host, *service.uses)):
        if other := site.named.get(name):
            bar.append(bar_link(name, dashboard_path(name, other.kinds)))
    if service.errors and service.errors.project:
        bar.append(bar_link("Errors", project_url(site.stack, service), "bolt"))
    if service.alerts:
        runbooks = f"{site.stack.base_url}{RUNBOOKS_PATH}/{service.name}"
        bar.append(bar_link("Runbooks", runbooks, "info"))
    if is_browsable(service.url):
        bar.append(bar_link("Open", _literal(service.url), "external link"))
    return bar


def _literal(url: str) -> str:
    """An address in which Grafana finds no variable: `$all` and `[[all]]` would be two."""
    return url.replace("$", "%24").replace("[[", "%5B%5B").replace("]]", "%5D%5D")
