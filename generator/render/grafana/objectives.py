"""The dashboard of objectives: the objectives of every service, how much of each budget is left, and how fast it is
spent.

Owns the dashboard. The queried series were recorded by the pack `slo`; each service's own dashboard shows the same of
it alone.
"""

from generator.conventions import DASHBOARD_HOME, DASHBOARD_OBJECTIVES
from generator.render.grafana.dashboard import OVERVIEW, Dashboard, DashboardRow, PlacedPanel, annotation
from generator.render.grafana.links import bar_link
from generator.render.grafana.overview_tables import firing, keep_service
from generator.render.grafana.panels import PanelContext, draw
from generator.render.grafana.sdk import dashboard
from generator.render.grafana.thresholds import override
from generator.site.model import Panel, Query, Site

_EMPTY = "a budget is a share of events, and needs some"
_LONG = "3d"


def objectives_dashboard(site: Site) -> Dashboard:
    """The dashboard; only for a site with objectives."""
    context = PanelContext(DASHBOARD_OBJECTIVES)
    rows = [DashboardRow("", (_objectives_panel(context),)), DashboardRow("Over time", _placed(_graphs(), context))]
    if any(each.plans for service in site.services for each in service.objectives):
        rows.append(DashboardRow("Plans", (_plans_panel(context), *_placed([_plans_graph()], context))))
    return Dashboard(
        uid=DASHBOARD_OBJECTIVES,
        title="Objectives",
        description="The objectives, how much error budget is left, and how fast it is spent.",
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


def _placed(panels: list[Panel], context: PanelContext) -> tuple[PlacedPanel, ...]:
    return tuple(PlacedPanel(draw(panel, context), panel.width, panel.height) for panel in panels)


def _objectives_panel(context: PanelContext) -> PlacedPanel:
    bad, allowed = (f"sum_over_time(slo:{name}:increase5m[{_LONG}])" for name in ("bad", "allowed"))
    panel = Panel(
        slug="objectives",
        title="Objectives",
        description=(
            "Each objective: its target, the share of its error budget that is left, and how many times faster"
            " as it may the budget is spent, lately and over three days. Normal is a burn rate below 1."
        ),
        type="table",
        unit="percentunit",
        queries=(
            Query("slo:objective:ratio", "Target", instant=True),
            Query("slo:budget_left:ratio", "Budget left", instant=True),
            Query("slo:burn:long", "Burn rate", instant=True),
            Query(f"{bad} / ({allowed} > 0)", f"Burn rate over {_LONG}", instant=True),
        ),
        empty_reason=_EMPTY,
        width=24,
        height=9,
    )
    drawn = draw(panel, context)
    keep_service(drawn, ["service", "slo", "Value #A", "Value #B", "Value #C", "Value #D"], {"slo": "objective"})
    plain = [override("byName", name, unit="short") for name in ("Burn rate", f"Burn rate over {_LONG}")]
    _coloured(drawn, "Budget left", *plain)
    return PlacedPanel(drawn, panel.width, panel.height)


def _plans_panel(context: PanelContext) -> PlacedPanel:
    panel = Panel(
        slug="plans",
        title="Plans",
        description="The target of each plan, and the share of its budget that is left. Normal is above 0.",
        type="table",
        unit="percentunit",
        queries=(Query("slo:plan_left:ratio", "Budget left", instant=True),),
        empty_reason=_EMPTY,
        width=12,
        height=8,
    )
    drawn = draw(panel, context)
    keep_service(drawn, ["service", "slo", "plan", "Value"], {"slo": "objective"})
    _coloured(drawn, "Budget left")
    return PlacedPanel(drawn, panel.width, panel.height)


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
            description="Share of each error budget that is left. Normal is level; at 0 the objective is missed.",
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
        description="Share of each plan's error budget that is left. At 0 the objective of that plan is missed.",
        type="timeseries",
        unit="percentunit",
        queries=(Query("slo:plan_left:ratio", "{{service}} {{plan}}"),),
        empty_reason=_EMPTY,
        width=12,
        maximum=1,
    )
