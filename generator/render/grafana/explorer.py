"""The logs dashboard: every service's lines by service, level, request and text. Links from elsewhere land here."""

from typing import Final

from generator.conventions import DASHBOARD_HOME, DASHBOARD_LOGS
from generator.render.grafana.dashboard import OVERVIEW, Dashboard, DashboardRow, PlacedPanel
from generator.render.grafana.links import bar_link
from generator.render.grafana.panels import PanelContext, draw
from generator.render.grafana.queries import LOKI
from generator.render.grafana.sdk import dashboard
from generator.site.model import Panel, Query, Site

LEVELS: Final = ("critical", "fatal", "error", "warn", "info", "debug", "trace", "unknown")
# The text is searched first: it is the cheapest test, and the rest then looks at fewer lines.
_LINES: Final = '{service_name=~"$service"} |~ `(?i)$search` | detected_level=~"$level" | request_id=~"$request_id.*"'
_ERRORS: Final = _LINES.replace('"$level"', '"critical|fatal|error"')


def logs_dashboard(site: Site) -> Dashboard:
    """The logs explorer. It opens on the last hour, because Loki reads every line of the window."""
    context = PanelContext(DASHBOARD_LOGS)
    placed = tuple(PlacedPanel(draw(panel, context), panel.width, panel.height) for panel in _panels())
    return Dashboard(
        uid=DASHBOARD_LOGS,
        title="Logs",
        description="The lines of all services. A shorter time and one service answer faster.",
        folder=OVERVIEW,
        tag="logs",
        rows=(DashboardRow("", placed),),
        links=(bar_link("Home", f"/d/{DASHBOARD_HOME}", "apps"),),
        variables=_variables(),
        time_from="now-1h",
    )


def _variables() -> tuple[dashboard.VariableModel, ...]:
    service = dashboard.VariableModel(
        type_val=dashboard.VariableType.QUERY,
        name="service",
        label="Service",
        query="label_values(service_name)",
        datasource=LOKI,
        multi=True,
        include_all=True,
        all_value=".+",
        refresh=dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=dashboard.VariableSort.ALPHABETICAL_ASC,
    )
    level = dashboard.VariableModel(
        type_val=dashboard.VariableType.CUSTOM,
        name="level",
        label="Level",
        query=",".join(LEVELS),
        multi=True,
        include_all=True,
        all_value=".*",
    )
    return (service, level, _textbox("request_id", "Request id"), _textbox("search", "Text (regular expression)"))


def _textbox(name: str, label: str) -> dashboard.VariableModel:
    return dashboard.VariableModel(type_val=dashboard.VariableType.TEXTBOX, name=name, label=label, query="")


def _panels() -> tuple[Panel, ...]:
    none = "no line in this time matches what is chosen above"
    lines = Panel(
        slug="lines",
        title="Lines",
        description="The lines that match, newest first. Open one to see its request id, and its neighbours.",
        type="logs",
        unit="none",
        queries=(Query(_LINES, "", "loki"),),
        empty_reason=none,
        width=24,
        height=20,
    )
    levels = "How many lines match, by level. A step up in errors is where to look first."
    errors = "Lines of level error and above, by service. Normal is few or none."
    return (
        _count("volume", "Lines by level", levels, _LINES, "detected_level", none, 16),
        _count(
            "errors",
            "Error lines by service",
            errors,
            _ERRORS,
            "service_name",
            "no errors in this time, as it should be",
            8,
        ),
        lines,
    )


def _count(slug: str, title: str, description: str, lines: str, label: str, empty: str, width: int) -> Panel:
    """How many lines there are, stacked by a label."""
    query = Query(f"sum by ({label}) (count_over_time({lines} [$__auto]))", f"{{{{{label}}}}}", "loki")
    return Panel(
        slug=slug,
        title=title,
        description=description,
        type="timeseries",
        unit="short",
        queries=(query,),
        empty_reason=empty,
        width=width,
        height=7,
        stacked=True,
        minimum=0,
    )
