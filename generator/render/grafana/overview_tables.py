"""The two tables of the home page: what fires, and every service in a line.

Owns their columns, and the way from a service's name to the dashboard on which it is.
"""

from collections.abc import Sequence
from typing import Final

from generator.conventions import DASHBOARD_HOSTS, DASHBOARD_STACK, dashboard_of
from generator.render.grafana.dashboard import PlacedPanel
from generator.render.grafana.panels import PanelContext, draw
from generator.render.grafana.sdk import dashboard
from generator.render.grafana.thresholds import override
from generator.site.model import Panel, Query, Site

SEVERITY_COLOURS: Final = {"critical": "red", "warning": "orange", "info": "blue"}
_BUDGET: Final = "Budget left"
_COLOURED_TEXT: Final = {"type": "color-text"}


def firing(severity: str = "") -> str:
    """A selector of firing alerts. The heartbeat alert fires always, on purpose: it is no news."""
    more = f',severity="{severity}"' if severity else ""
    return f'ALERTS{{alertstate="firing",alertname!="Watchdog"{more}}}'


def firing_panel(site: Site, context: PanelContext) -> PlacedPanel:
    """Every firing alert, newest first, each line leading to its service's dashboard."""
    since = f"ALERTS_FOR_STATE * 1000 and ignoring(alertstate) {firing()}"
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
    drawn = draw(panel, context)
    order = ["severity", "alertname", "service", "Value", "owner", "dashboard"]
    keep_service(drawn, order, {"alertname": "alert"})
    colours = {name: {"text": name, "color": colour} for name, colour in SEVERITY_COLOURS.items()}
    _override(
        drawn,
        override(
            "byName",
            "severity",
            mappings=[{"type": "value", "options": colours}],
            custom__cellOptions=_COLOURED_TEXT,
            custom__width=90,
        ),
        *_dashboard_column(),
    )
    return PlacedPanel(drawn, panel.width, panel.height)


def services_panel(site: Site, context: PanelContext) -> PlacedPanel:
    """Every service in one line: whether it answers, inside and outside, and what fires on it."""
    panel = _services_panel(site)
    drawn = draw(panel, context)
    values = [f"Value #{letter}" for letter in "ABCDE"[: len(panel.queries)]]
    keep_service(drawn, ["service", *values, "dashboard"], {})
    states = {"0": {"text": "down", "color": "red"}, "1": {"text": "up", "color": "green"}}
    mappings = [{"type": "value", "options": states}]
    _override(
        drawn,
        *(
            override("byName", name, mappings=mappings, custom__cellOptions=_COLOURED_TEXT, noValue="none")
            for name in ("Targets", "Probes")
        ),
        *(
            override("byName", name, color=_fixed(colour), custom__cellOptions=_COLOURED_TEXT, noValue="0")
            for name, colour in (("Critical", "red"), ("Warning", "orange"))
        ),
        *([override("byName", _BUDGET, unit="percentunit", noValue="none")] if len(values) > 4 else []),
        *_dashboard_column(),
    )
    return PlacedPanel(drawn, panel.width, panel.height)


def _services_panel(site: Site) -> Panel:
    up = _with_dashboard(site, 'min by (service) (up{service!=""})')
    has_objectives = any(service.objectives for service in site.services)
    budget = (Query("min by (service) (slo:budget_left:ratio)", _BUDGET, instant=True),) if has_objectives else ()
    return Panel(
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
            Query(f"count by (service) ({firing('critical')})", "Critical", instant=True),
            Query(f"count by (service) ({firing('warning')})", "Warning", instant=True),
            *budget,
        ),
        empty_reason="a service without probes or without firing alerts has nothing in those columns",
        width=12,
        height=10,
        decimals=0,
    )


def _fixed(colour: str) -> dict[str, str]:
    return {"mode": "fixed", "fixedColor": colour}


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


def keep_service(drawn: dashboard.Panel, order: Sequence[str], names: dict[str, str]) -> None:
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
