"""What every service's dashboard is made of: its packs' rows in order, and the rows that no pack can know.

Those are what fires, what the service uses, and its log lines. Layout and looks are others' work.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from generator.conventions import DASHBOARD_HOSTS, GLANCE, OPEN_QUERIES, SEVERITIES, dashboard_of
from generator.parts.logs import log_names
from generator.render.grafana.alike import draw_alike
from generator.render.grafana.dashboard import DashboardRow, PlacedPanel, annotation
from generator.render.grafana.links import alert_links, logs_at_point
from generator.render.grafana.panels import PanelContext
from generator.render.grafana.sdk import dashboard
from generator.site.model import Panel, Query, Row, Service, Site

FIRST_ROW: Final = "Is it OK?"
DEPENDENCIES: Final = "Dependencies"
LOGS: Final = "Log lines"
# Numbers on top of a dashboard: as many as fit a line beside the count of alerts, each of a graph with few lines.
MOST_GLANCES: Final = 5
MOST_QUERIES: Final = 3
# The name of the service that stands for whichever host is chosen.
ANY_HOST: Final = "$host"


def merged_rows(services: Sequence[Service]) -> tuple[Row, ...]:
    """The rows of all packs: rows of one title become one, symptoms first, what is collapsed last."""
    panels: dict[str, dict[str, Panel]] = {}
    collapsed: dict[str, bool] = {}
    for row in (row for service in services for pack in service.packs for row in pack.rows):
        mine = panels.setdefault(row.title, {})
        for panel in row.panels:
            mine.setdefault(panel.slug, panel)
        collapsed[row.title] = collapsed.get(row.title, True) and row.collapsed
    rows = [Row(title, tuple(mine.values()), collapsed[title]) for title, mine in panels.items()]
    return tuple(sorted(rows, key=_order))


def _order(row: Row) -> int:
    if row.title == FIRST_ROW:
        return 0
    if row.collapsed:
        return 3
    return 2 if row.title == DEPENDENCIES else 1


def min_step(site: Site, service: Service) -> str:
    """The step below which the service's rates are noise, when it is scraped slower than the data source says."""
    slowest = max((job.interval for job in service.jobs), default=0)
    return f"{slowest}s" if slowest > site.stack.timing.scrape_interval else ""


def panel_context(site: Site, service: Service) -> PanelContext:
    """What the panels of a service share, on its own dashboard."""
    alerts = service.alerts
    uid = DASHBOARD_HOSTS if service.name == ANY_HOST else dashboard_of(service.name, service.kinds)
    return PanelContext(
        uid=uid,
        alerts={alert.name: alert for alert in alerts},
        min_step=min_step(site, service),
        links=lambda panel: alert_links(site, panel, alerts),
        data_links=() if service.logs.mode == "none" else (logs_at_point(service.name),),
    )


def draw_rows(rows: Sequence[Row], context: PanelContext) -> tuple[DashboardRow, ...]:
    """Rows with their panels drawn."""
    return tuple(
        DashboardRow(
            row.title, tuple(PlacedPanel(draw_alike(p, context), p.width, p.height) for p in row.panels), row.collapsed
        )
        for row in rows
    )


def with_common_rows(site: Site, service: Service, rows: Sequence[Row]) -> tuple[Row, ...]:
    """The packs' rows, and what every service has: its vital signs, what it uses, its log lines."""
    extra = {FIRST_ROW: glance_panels(service, rows)}
    if used := [name for name in service.uses if name in site.named]:
        extra[DEPENDENCIES] = (_uses_panel(used),)
    if service.logs.mode != "none":
        extra[LOGS] = _log_panels(service.name)
    return tuple(_light(_add_panels(rows, {title: panels for title, panels in extra.items() if panels})))


def _light(rows: Sequence[Row]) -> Iterator[Row]:
    """The rows, those collapsed that would ask more than a dashboard may when it is opened."""
    asked = 0
    for row in rows:
        queries = 0 if row.collapsed else sum(len(panel.queries) for panel in row.panels)
        too_many = asked + queries > OPEN_QUERIES
        yield replace(row, collapsed=row.collapsed or too_many)
        asked += 0 if too_many else queries


def glance_panels(service: Service, rows: Sequence[Row]) -> tuple[Panel, ...]:
    """Numbers for the top: how many alerts fire, and the last value of the graphs that alerts watch, pages first."""
    if not service.alerts:
        return ()
    urgency = _urgency(service)
    graphs = [panel for row in rows if not row.collapsed for panel in row.panels if panel.type == "timeseries"]
    watched = [panel for panel in graphs if panel.slug in urgency and len(panel.queries) <= MOST_QUERIES]
    first = sorted(watched, key=lambda panel: urgency[panel.slug])[:MOST_GLANCES]
    small = [replace(p, slug=f"{GLANCE}{p.slug}", type="stat", width=4, height=4) for p in first]
    return (_firing_panel(service.name), *small)


def _urgency(service: Service) -> dict[str, int]:
    """By panel: how severe the worst alert is that leads to it, 0 for a page."""
    worst: dict[str, int] = {}
    for alert in service.alerts:
        rank = SEVERITIES.index(alert.severity)
        worst[alert.panel] = min(rank, worst.get(alert.panel, rank))
    return worst


def _add_panels(rows: Sequence[Row], extra: Mapping[str, tuple[Panel, ...]]) -> tuple[Row, ...]:
    known = {row.title for row in rows}
    added = [replace(row, panels=(*extra.get(row.title, ()), *row.panels)) for row in rows]
    added += [Row(title, panels, title == LOGS) for title, panels in extra.items() if title not in known]
    return tuple(sorted(added, key=_order))


def _firing_panel(service: str) -> Panel:
    """How many alerts of a service fire."""
    return Panel(
        slug="common-firing",
        title="Firing alerts",
        description="Alerts of this service that fire now. Normal is 0.",
        type="stat",
        unit="short",
        queries=(Query(f'count(ALERTS{{alertstate="firing",service="{service}"}}) or vector(0)'),),
        width=4,
        height=4,
        decimals=0,
        minimum=0,
        mappings={"0": "none"},
    )


def _uses_panel(names: Sequence[str]) -> Panel:
    return Panel(
        slug="common-uses",
        title="What it uses",
        description="Whether each service that this one uses answers its scrapes. A fault here explains one above.",
        type="stat",
        unit="none",
        queries=(Query(f"min by (service) (up{{service{_among(names)}}})", "{{service}}"),),
        width=24,
        height=4,
        mappings={"1": "up", "0": "down"},
    )


def _among(names: Sequence[str]) -> str:
    """A matcher for one name or for several."""
    return f'="{names[0]}"' if len(names) == 1 else f'=~"{"|".join(names)}"'


def _log_panels(service: str) -> tuple[Panel, ...]:
    stream = f"{{service_name{_among(log_names(service))}}}"
    quiet = "the service wrote no line in this time"
    return (
        Panel(
            slug="common-log-volume",
            title="Log lines by level",
            description="How many lines the service writes, by their level.",
            type="timeseries",
            unit="short",
            queries=(
                Query(f"sum by (detected_level) (count_over_time({stream}[$__auto]))", "{{detected_level}}", "loki"),
            ),
            empty_reason=quiet,
            width=24,
            height=6,
            stacked=True,
            minimum=0,
        ),
        Panel(
            slug="common-log-errors",
            title="Error lines",
            description="The lines of level error and above, newest first. All lines are in the logs dashboard.",
            type="logs",
            unit="none",
            queries=(Query(f'{stream} | detected_level=~"error|critical|fatal"', "", "loki"),),
            empty_reason="no errors in this time, which is normal",
            width=24,
            height=12,
        ),
    )


def service_annotations(site: Site, service: str) -> tuple[dashboard.AnnotationQuery, ...]:
    """Marks on a service's graphs: its firing alerts and its restarts."""
    step = site.stack.timing.scrape_interval
    return (
        annotation(
            "Firing alerts",
            f'max by (alertname, severity) (ALERTS{{alertstate="firing",service="{service}"}})',
            "red",
            step,
            title_format="{{alertname}}",
            text_format="fires with severity {{severity}}",
            tag_keys="severity",
        ),
        annotation(
            "Restarts",
            f'changes(process_start_time_seconds{{service="{service}"}}[$__rate_interval]) > 0',
            "blue",
            step,
            title_format="Restarted",
            text_format="{{instance}}",
        ),
    )
