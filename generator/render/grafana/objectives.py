"""The dashboard of objectives: what every service promised, how much of each budget is left, and how fast it goes.

Owns the board. What is asked was recorded by the pack `slo`; each service's own dashboard shows the same of it alone.
"""

from generator.conventions import DASHBOARD_HOME, DASHBOARD_OBJECTIVES
from generator.render.grafana.board import OVERVIEW, Board, BoardRow, Tile, annotation
from generator.render.grafana.links import bar_link
from generator.render.grafana.overview_tables import firing, keep_service
from generator.render.grafana.panels import Canvas, draw
from generator.render.grafana.sdk import dashboard
from generator.render.grafana.thresholds import override
from generator.site.model import Panel, Query, Site

_EMPTY = "a budget is a share of events, and needs some"
_LONG = "3d"


def objectives_board(site: Site) -> Board:
    """The board; only for a site in which something was promised."""
    canvas = Canvas(DASHBOARD_OBJECTIVES)
    rows = [BoardRow("", (_objectives_tile(canvas),)), BoardRow("Over time", _tiles(_graphs(), canvas))]
    if any(each.plans for service in site.services for each in service.objectives):
        rows.append(BoardRow("Plans", (_plans_tile(canvas), *_tiles([_plans_graph()], canvas))))
    return Board(
        uid=DASHBOARD_OBJECTIVES,
        title="Objectives",
        description="What was promised, how much error budget is left of it, and how fast it is spent.",
        folder=OVERVIEW,
        tag="objectives",
        rows=tuple(rows),
        links=(bar_link("Home", f"/d/{DASHBOARD_HOME}", "apps"),),
        annotations=(
            annotation(
                "Budget alerts",
                f"max by (alertname, service, slo, severity) ({firing()} and on (service, slo) slo:objective:ratio)",
                "red",
                site.stack.timing.scrape_interval,
                title_format="{{service}}: {{alertname}}",
                text_format="{{slo}}, severity {{severity}}",
                tag_keys="service,slo",
            ),
        ),
        time_from="now-7d",
    )


def _tiles(panels: list[Panel], canvas: Canvas) -> tuple[Tile, ...]:
    return tuple(Tile(draw(panel, canvas), panel.width, panel.height) for panel in panels)


def _objectives_tile(canvas: Canvas) -> Tile:
    bad, allowed = (f"sum_over_time(slo:{name}:increase5m[{_LONG}])" for name in ("bad", "allowed"))
    panel = Panel(
        slug="objectives",
        title="Objectives",
        description=(
            "Each objective: what was promised, the share of its error budget that is left, and how many times as fast"
            " as it may the budget is spent, lately and over three days. Normal is a burn rate below 1."
        ),
        type="table",
        unit="percentunit",
        queries=(
            Query("slo:objective:ratio", "Promised", instant=True),
            Query("slo:budget_left:ratio", "Budget left", instant=True),
            Query("slo:burn:long", "Burn rate", instant=True),
            Query(f"{bad} / ({allowed} > 0)", f"Burn rate over {_LONG}", instant=True),
        ),
        empty_reason=_EMPTY,
        width=24,
        height=9,
    )
    drawn = draw(panel, canvas)
    keep_service(drawn, ["service", "slo", "Value #A", "Value #B", "Value #C", "Value #D"], {"slo": "objective"})
    plain = [override("byName", name, unit="short") for name in ("Burn rate", f"Burn rate over {_LONG}")]
    _coloured(drawn, "Budget left", *plain)
    return Tile(drawn, panel.width, panel.height)


def _plans_tile(canvas: Canvas) -> Tile:
    panel = Panel(
        slug="plans",
        title="Plans",
        description="What customers of each plan were promised, and the share of it that is left. Normal is above 0.",
        type="table",
        unit="percentunit",
        queries=(Query("slo:plan_left:ratio", "Budget left", instant=True),),
        empty_reason=_EMPTY,
        width=12,
        height=8,
    )
    drawn = draw(panel, canvas)
    keep_service(drawn, ["service", "slo", "plan", "Value"], {"slo": "objective"})
    _coloured(drawn, "Budget left")
    return Tile(drawn, panel.width, panel.height)


def _coloured(drawn: dashboard.Panel, column: str, *more: dashboard.DashboardFieldConfigSourceOverrides) -> None:
    """Red where a column says that nothing is left."""
    assert drawn.field_config is not None
    steps = [{"value": None, "color": "red"}, {"value": 0, "color": "green"}]
    colour = override(
        "byName",
        column,
        thresholds={"mode": "absolute", "steps": steps},
        custom__cellOptions={"type": "color-text"},
    )
    drawn.field_config.overrides = [*drawn.field_config.overrides, colour, *more]


def _graphs() -> list[Panel]:
    return [
        Panel(
            slug="budget-left",
            title="Error budget left",
            description="Share of each error budget that is left. Normal is level; at 0 the promise is broken.",
            type="timeseries",
            unit="percentunit",
            queries=(Query("slo:budget_left:ratio", "{{service}} {{slo}}"),),
            empty_reason=_EMPTY,
            width=12,
            maximum=1,
        ),
        Panel(
            slug="burn-rate",
            title="Burn rate",
            description="How many times as fast as it may each budget is spent. Normal is below 1.",
            type="timeseries",
            unit="short",
            queries=(Query("slo:burn:long", "{{service}} {{slo}}"),),
            empty_reason=_EMPTY,
            width=12,
            minimum=0,
        ),
    ]


def _plans_graph() -> Panel:
    return Panel(
        slug="plan-left",
        title="Budget left by plan",
        description="Share of what each plan was promised that is left. At 0 that promise is broken.",
        type="timeseries",
        unit="percentunit",
        queries=(Query("slo:plan_left:ratio", "{{service}} {{plan}}"),),
        empty_reason=_EMPTY,
        width=12,
        maximum=1,
    )
