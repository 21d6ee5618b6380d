"""Queries of panels: from model.Query to what Grafana sends to Prometheus or Loki."""

from collections.abc import Sequence
from string import ascii_uppercase
from typing import Final

from generator.conventions import DATASOURCE_LOKI, DATASOURCE_PROMETHEUS
from generator.render.grafana.sdk import common, loki, prometheus
from generator.site.model import Panel, Query

PROMETHEUS: Final = common.DataSourceRef(type_val="prometheus", uid=DATASOURCE_PROMETHEUS)
LOKI: Final = common.DataSourceRef(type_val="loki", uid=DATASOURCE_LOKI)
MIXED: Final = common.DataSourceRef(type_val="datasource", uid="-- Mixed --")
LOG_LINES: Final = 500


def datasource(panel: Panel) -> common.DataSourceRef:
    """The one data source that all of a panel's queries go to, or Grafana's word for several."""
    kinds = {query.datasource for query in panel.queries}
    if len(kinds) > 1:
        return MIXED
    return LOKI if kinds == {"loki"} else PROMETHEUS


def targets(panel: Panel, min_step: str) -> Sequence[prometheus.Dataquery | loki.Dataquery]:
    """The panel's queries, named A, B, C. `min_step` is set when its jobs are scraped slower than most."""
    if len(panel.queries) > len(ascii_uppercase):
        raise ValueError(f"panel {panel.slug} has more queries than there are letters")
    return [
        _loki(panel, query, ref) if query.datasource == "loki" else _prometheus(panel, query, ref, min_step)
        for query, ref in zip(panel.queries, ascii_uppercase, strict=False)
    ]


def _prometheus(panel: Panel, query: Query, ref: str, min_step: str) -> prometheus.Dataquery:
    instant = query.instant or panel.type == "table"
    return prometheus.Dataquery(
        datasource=PROMETHEUS,
        expr=query.expr,
        ref_id=ref,
        legend_format=query.legend or "__auto",
        editor_mode=prometheus.QueryEditorMode.CODE,
        instant=instant,
        range_val=not instant,
        format_val=_FORMATS.get(panel.type, prometheus.PromQueryFormat.TIME_SERIES),
        interval=min_step or None,
    )


def _loki(panel: Panel, query: Query, ref: str) -> loki.Dataquery:
    logs = panel.type == "logs"
    return loki.Dataquery(
        datasource=LOKI,
        expr=query.expr,
        ref_id=ref,
        legend_format=None if logs else query.legend,
        max_lines=LOG_LINES if logs else None,
        editor_mode=loki.QueryEditorMode.CODE,
        query_type="instant" if query.instant else "range",
    )


_FORMATS: Final = {
    "table": prometheus.PromQueryFormat.TABLE,
    "heatmap": prometheus.PromQueryFormat.HEATMAP,
}
