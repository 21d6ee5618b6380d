"""Panels: from model.Panel to Grafana's panel, without its place on the grid.

Owns how each type looks. Texts, queries and values come from the model; colours from grafana.thresholds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from generator.conventions import MAY_BE_EMPTY, panel_id
from generator.render.grafana.queries import datasource, targets
from generator.render.grafana.sdk import (
    common,
    dashboard,
    gauge,
    heatmap,
    heatmap_model,
    logs,
    stat,
    table,
    text,
    timeseries,
)
from generator.render.grafana.thresholds import override, series_overrides, thresholds, value_texts
from generator.site.model import Alert, Panel, PanelType

_LAST: Final = common.ReduceDataOptions(calcs=["lastNotNull"], fields="", values=False)
# From how many columns on there is room for a mean in the legend.
WIDE: Final = 12
# Columns that say the same in each line of a service's table.
_CONSTANT_COLUMNS: Final = ("Time", "__name__", "environment", "job", "service")


@dataclass(frozen=True, slots=True)
class PanelContext:
    """What the panels of one service have in common on one dashboard."""

    uid: str
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    min_step: str = ""
    links: Callable[[Panel], list[dashboard.DashboardLink]] = lambda panel: []
    data_links: tuple[dashboard.DashboardLink, ...] = ()


def draw(panel: Panel, context: PanelContext) -> dashboard.Panel:
    """The Grafana panel, complete but for its place."""
    drawn = _DRAWERS[panel.type](panel, context)
    drawn.id_val = panel_id(context.uid, panel.slug)
    drawn.title = panel.title
    drawn.description = describe(panel)
    drawn.transparent, drawn.repeat_direction = None, None
    drawn.links = context.links(panel) or None
    if panel.type == "text":
        return drawn
    drawn.datasource = datasource(panel)
    drawn.targets = list(targets(panel, context.min_step))
    _field_defaults(panel, context, drawn)
    return drawn


def describe(panel: Panel) -> str:
    """The description, with the reason why the panel may show nothing where there is one."""
    if panel.empty_reason is None:
        return panel.description
    return f"{panel.description}\n\n{MAY_BE_EMPTY}{panel.empty_reason}"


def _field_defaults(panel: Panel, context: PanelContext, drawn: dashboard.Panel) -> None:
    """What the fields of any type share: unit, limits, texts, thresholds, links."""
    source = drawn.field_config = drawn.field_config or dashboard.FieldConfigSource()
    defaults = source.defaults = source.defaults or dashboard.FieldConfig()
    defaults.no_value = panel.empty_reason or "no data"
    if panel.type == "logs":
        return
    defaults.unit, defaults.decimals = panel.unit, panel.decimals
    defaults.min_val, defaults.max_val = panel.minimum, panel.maximum
    defaults.thresholds = thresholds(panel, context.alerts)
    defaults.mappings = value_texts(panel.mappings) if panel.mappings else None
    if panel.type == "timeseries":
        defaults.links = list(context.data_links) or None
    source.overrides = [*source.overrides, *series_overrides(panel)]


def _timeseries(panel: Panel, context: PanelContext) -> dashboard.Panel:
    calcs = ["lastNotNull", "mean", "max"] if panel.width >= WIDE else ["lastNotNull", "max"]
    legend = common.VizLegendOptions(
        display_mode=common.LegendDisplayMode.TABLE,
        placement=common.LegendPlacement.BOTTOM,
        show_legend=True,
        calcs=calcs,
    )
    tooltip = common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING)
    stacking = common.StackingMode.NORMAL if panel.stacked else common.StackingMode.NONE
    marks = common.GraphThresholdsStyleMode.DASHED if panel.thresholds else common.GraphThresholdsStyleMode.OFF
    builder = (
        timeseries.Panel()
        .line_width(1)
        .fill_opacity(40 if panel.stacked else 8)
        .show_points(common.VisibilityMode.NEVER)
        .span_nulls(False)
    )
    drawn = builder.build()
    custom = _custom(drawn)
    custom.stacking = common.StackingConfig(mode=stacking, group="A")
    custom.thresholds_style = common.GraphThresholdsStyleConfig(mode=marks)
    if not panel.minimum and panel.unit in _NEVER_NEGATIVE:
        custom.axis_soft_min = 0
    options: Any = drawn.options
    options.legend, options.tooltip = legend, tooltip
    _colour(drawn, dashboard.FieldColorModeId.PALETTE_CLASSIC)
    return drawn


def _stat(panel: Panel, context: PanelContext) -> dashboard.Panel:
    sparkline = not all(query.instant for query in panel.queries)
    builder = (
        stat.Panel()
        .graph_mode(common.BigValueGraphMode.AREA if sparkline else common.BigValueGraphMode.NONE)
        .color_mode(common.BigValueColorMode.VALUE)
        .justify_mode(common.BigValueJustifyMode.AUTO)
        .text_mode(common.BigValueTextMode.AUTO)
    )
    return _reduced(builder.build())


def _gauge(panel: Panel, context: PanelContext) -> dashboard.Panel:
    return _reduced(gauge.Panel().show_threshold_markers(True).show_threshold_labels(False).build())


def _reduced(drawn: dashboard.Panel) -> dashboard.Panel:
    options: Any = drawn.options
    options.reduce_options = _LAST
    _colour(drawn, dashboard.FieldColorModeId.THRESHOLDS)
    return drawn


def _table(panel: Panel, context: PanelContext) -> dashboard.Panel:
    drawn = table.Panel().show_header(True).filterable(False).build()
    single = len(panel.queries) == 1
    columns = {
        "Value" if single else f"Value #{chr(ord('A') + index)}": _column(query.legend, panel.title)
        for index, query in enumerate(panel.queries)
    }
    drawn.transformations = [
        dashboard.DataTransformerConfig(id_val="merge", options={}),
        dashboard.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": dict.fromkeys(_CONSTANT_COLUMNS, True),
                "indexByName": {},
                "renameByName": columns,
            },
        ),
    ]
    if panel.thresholds:
        assert drawn.field_config is not None
        drawn.field_config.overrides = [
            override("byName", name, custom__cellOptions={"type": "color-text"}) for name in columns.values()
        ]
    return drawn


def _column(legend: str, title: str) -> str:
    return title if not legend or "{{" in legend else legend


def _heatmap(panel: Panel, context: PanelContext) -> dashboard.Panel:
    axis = heatmap.YAxisConfig().unit(panel.unit).axis_placement(common.AxisPlacement.LEFT)
    colour = (
        heatmap.HeatmapColorOptions()
        .mode(heatmap_model.HeatmapColorMode.SCHEME)
        .scheme("Oranges")
        .exponent(0.5)
        .steps(64)
        .reverse(False)
        .fill("dark-orange")
    )
    return heatmap.Panel().calculate(False).cell_gap(1).y_axis(axis).color(colour).build()


def _logs(panel: Panel, context: PanelContext) -> dashboard.Panel:
    builder = (
        logs.Panel()
        .show_time(True)
        .show_labels(False)
        .show_common_labels(False)
        .wrap_log_message(True)
        .prettify_log_message(False)
        .enable_log_details(True)
        .show_log_context_toggle(True)
        .sort_order(common.LogsSortOrder.DESCENDING)
        .dedup_strategy(common.LogsDedupStrategy.NONE)
    )
    return builder.build()


def _text(panel: Panel, context: PanelContext) -> dashboard.Panel:
    return text.Panel().content(panel.description).build()


def _custom(drawn: dashboard.Panel) -> Any:
    assert drawn.field_config is not None and drawn.field_config.defaults is not None
    return drawn.field_config.defaults.custom


def _colour(drawn: dashboard.Panel, mode: dashboard.FieldColorModeId) -> None:
    source = drawn.field_config = drawn.field_config or dashboard.FieldConfigSource()
    defaults = source.defaults = source.defaults or dashboard.FieldConfig()
    defaults.color = dashboard.FieldColor(mode=mode)


_NEVER_NEGATIVE: Final = frozenset({"reqps", "ops", "s", "bytes", "decbytes", "Bps", "percentunit", "short"})
_DRAWERS: Final[Mapping[PanelType, Callable[[Panel, PanelContext], dashboard.Panel]]] = {
    "timeseries": _timeseries,
    "stat": _stat,
    "gauge": _gauge,
    "table": _table,
    "heatmap": _heatmap,
    "logs": _logs,
    "text": _text,
}
