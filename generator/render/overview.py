"""The home dashboard: what is firing, every service in one table, and each service's vital signs.

Owns the site-wide panels. The vital signs are those of the services' own dashboards, drawn small.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from generator.conventions import (
    DASHBOARD_HOME,
    DASHBOARD_HOSTS,
    DASHBOARD_LOGS,
    DASHBOARD_STACK,
    GLANCE,
    RUNBOOKS_PATH,
    dashboard_of,
    dashboard_path,
    panel_id,
)
from generator.model import Panel, Query, Service, Site
from generator.render.board import OVERVIEW, Board, BoardRow, Tile, annotation
from generator.render.common import canvas_of, glance_panels, merged_rows
from generator.render.links import bar_link, link
from generator.render.panels import Canvas, draw
from generator.render.sdk import dashboard
from generator.render.thresholds import override

# The heartbeat alert fires always, on purpose: it is no news.
_FIRING: Final = 'ALERTS{alertstate="firing",alertname!="Watchdog"}'
# With more rows than this nothing is at a glance any more.
OPEN_ROWS: Final = 4
MOST_ROWS: Final = 20
_SEVERITY_COLOURS: Final = {"critical": "red", "warning": "orange", "info": "blue"}


def home_board(site: Site) -> Board:
    """The home dashboard."""
    canvas = Canvas(DASHBOARD_HOME)
    counts = tuple(Tile(draw(p, canvas), p.width, p.height) for p in _count_panels())
    firing, services = _firing_tile(site, canvas), _services_tile(site, canvas)
    return Board(
        uid=DASHBOARD_HOME,
        title="Home",
        description=f"{site.stack.name} at a glance: what is firing, every service, and where to look next.",
        folder=OVERVIEW,
        tag="home",
        rows=(BoardRow("", (*counts, firing, services)), *_service_rows(site)),
        links=_bar(site),
        annotations=(
            annotation(
                "Firing alerts",
                f"max by (alertname, service, severity) ({_FIRING})",
                "red",
                site.stack.timing.scrape_interval,
                title_format="{{service}}: {{alertname}}",
                text_format="fires with severity {{severity}}",
                tag_keys="service,severity",
            ),
        ),
    )


def _bar(site: Site) -> tuple[dashboard.DashboardLink, ...]:
    hosts = any(dashboard_of(s.name, s.kinds) == DASHBOARD_HOSTS for s in site.services)
    stack = any(dashboard_of(s.name, s.kinds) == DASHBOARD_STACK for s in site.services)
    return (
        bar_link("Logs", f"/d/{DASHBOARD_LOGS}", "doc"),
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
            queries=(Query(f"count({_severity(severity)}) or vector(0)"),),
            width=6,
            height=4,
            minimum=0,
            decimals=0,
            mappings={"0": "none"},
        )
        for severity in _SEVERITY_COLOURS
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


def _severity(severity: str) -> str:
    return _FIRING.replace("}", f',severity="{severity}"}}')


def _firing_tile(site: Site, canvas: Canvas) -> Tile:
    """Every firing alert, newest first, each line leading to its service's dashboard."""
    since = f"ALERTS_FOR_STATE * 1000 and ignoring(alertstate) {_FIRING}"
    labels = "severity, service, alertname, owner, dashboard"
    panel = Panel(
        slug="firing",
        title="What is firing",
        description="Alerts that fire now, each with who owns the service. A service's name leads to its dashboard.",
        type="table",
        unit="dateTimeFromNow",
        queries=(Query(f"max by ({labels}) ({_with_dashboard(site, since)})", "Since", instant=True),),
        empty_reason="nothing is firing, which is normal",
        width=12,
        height=10,
    )
    drawn = draw(panel, canvas)
    order = ["severity", "alertname", "service", "Value", "owner", "dashboard"]
    _arrange(drawn, order, {"alertname": "alert"})
    colours = {name: {"text": name, "color": colour} for name, colour in _SEVERITY_COLOURS.items()}
    _override(
        drawn,
        override(
            "byName",
            "severity",
            mappings=[{"type": "value", "options": colours}],
            custom__cellOptions={"type": "color-text"},
            custom__width=90,
        ),
        *_dashboard_column(),
    )
    return Tile(drawn, panel.width, panel.height)


def _services_tile(site: Site, canvas: Canvas) -> Tile:
    """Every service in one line: whether it answers, inside and outside, and what fires on it."""
    up = _with_dashboard(site, 'min by (service) (up{service!=""})')
    panel = Panel(
        slug="services",
        title="Services",
        description=(
            "Each watched service: whether all its targets answer Prometheus, whether its probes pass, and how many of"
            " its alerts fire. Its name leads to its dashboard."
        ),
        type="table",
        unit="short",
        queries=(
            Query(up, "Targets", instant=True),
            Query("min by (service) (probe_success)", "Probes", instant=True),
            Query(f"count by (service) ({_severity('critical')})", "Critical", instant=True),
            Query(f"count by (service) ({_severity('warning')})", "Warning", instant=True),
        ),
        empty_reason="a service without probes or without firing alerts has nothing in those columns",
        width=12,
        height=10,
        decimals=0,
    )
    drawn = draw(panel, canvas)
    _arrange(drawn, ["service", "Value #A", "Value #B", "Value #C", "Value #D", "dashboard"], {})
    state = {"0": {"text": "down", "color": "red"}, "1": {"text": "up", "color": "green"}}
    text = {"type": "color-text"}
    _override(
        drawn,
        *(
            override(
                "byName", name, mappings=[{"type": "value", "options": state}], custom__cellOptions=text, noValue="none"
            )
            for name in ("Targets", "Probes")
        ),
        *(
            override(
                "byName", name, color={"mode": "fixed", "fixedColor": colour}, custom__cellOptions=text, noValue="0"
            )
            for name, colour in (("Critical", "red"), ("Warning", "orange"))
        ),
        *_dashboard_column(),
    )
    return Tile(drawn, panel.width, panel.height)


def _with_dashboard(site: Site, expr: str) -> str:
    """`expr` with a label `dashboard`: the uid of the dashboard of each series' service."""
    expr = f'label_replace({expr}, "dashboard", "service-$1", "service", "(.+)")'
    for uid in (DASHBOARD_HOSTS, DASHBOARD_STACK):
        names = "|".join(s.name for s in site.services if dashboard_of(s.name, s.kinds) == uid)
        if names:
            expr = f'label_replace({expr}, "dashboard", "{uid}", "service", "{names}")'
    return expr


def _dashboard_column() -> Sequence[dashboard.DashboardFieldConfigSourceOverrides]:
    """The service's name as a link; the column with the address is not shown.

    Only the hosts' dashboard has a variable `host`; the others ignore it.
    """
    # Which of the two keys Grafana reads depends on its minor version.
    nowhere = {"viz": True, "legend": False, "tooltip": False}
    target = [{"title": "Open ${__value.text}", "url": "/d/${__data.fields.dashboard}?var-host=${__value.text}"}]
    return (
        override("byName", "service", links=target),
        override("byName", "dashboard", custom__hidden=True, custom__hideFrom=nowhere),
    )


def _arrange(drawn: dashboard.Panel, order: Sequence[str], names: dict[str, str]) -> None:
    """The columns' order, and other names for some; unlike on a service's own dashboard, `service` stays."""
    assert drawn.transformations is not None
    options = drawn.transformations[-1].options
    assert isinstance(options, dict)
    options["excludeByName"].pop("service")
    options["indexByName"] = {name: index for index, name in enumerate(order)}
    options["renameByName"] |= names


def _override(drawn: dashboard.Panel, *more: dashboard.DashboardFieldConfigSourceOverrides) -> None:
    assert drawn.field_config is not None
    drawn.field_config.overrides = [*drawn.field_config.overrides, *more]


def _service_rows(site: Site) -> list[BoardRow]:
    """A row for each service, open while there are few; with many, the table alone is the overview."""
    services = sorted((service for service in site.services if service.alerts), key=_rank)
    if len(services) > MOST_ROWS:
        return []
    rows = []
    for index, service in enumerate(services):
        tiles = _vital_signs(site, service)
        if tiles:
            rows.append(BoardRow(service.name, tiles, collapsed=index >= OPEN_ROWS))
    return rows


def _rank(service: Service) -> int:
    """Applications, then what they run on, then what watches them."""
    order = {DASHBOARD_HOSTS: 1, DASHBOARD_STACK: 2}
    return order.get(dashboard_of(service.name, service.kinds), 0)


def _vital_signs(site: Site, service: Service) -> tuple[Tile, ...]:
    """The numbers on top of the service's own dashboard, each leading to the panel that it is a copy of."""
    canvas = canvas_of(site, service)
    path = dashboard_path(service.name, service.kinds)
    tiles = []
    for panel in glance_panels(service, merged_rows([service])):
        number = panel_id(canvas.uid, panel.slug.removeprefix(GLANCE))
        url = f"{path}{'&' if '?' in path else '?'}viewPanel=panel-{number}"
        small = replace(panel, slug=f"{service.name}/{panel.slug}")
        here = replace(canvas, uid=DASHBOARD_HOME, links=lambda _: [link(service.name, path)])
        drawn = draw(small, here)
        assert drawn.field_config is not None and drawn.field_config.defaults is not None
        drawn.field_config.defaults.links = [link(panel.title, url)]
        tiles.append(Tile(drawn, 4, 4))
    return tuple(tiles)
