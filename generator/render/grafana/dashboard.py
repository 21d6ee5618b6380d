"""A dashboard: rows of drawn panels put on the grid, with the settings that all of ours share.

Owns layout and conventions (time zone, refresh, shared crosshair, annotations); what is drawn comes from its callers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from generator.artifact import Artifact
from generator.conventions import panel_id
from generator.diagnostics import Span
from generator.render.grafana.grid import ROW_HEADER, flow
from generator.render.grafana.queries import PROMETHEUS
from generator.render.grafana.sdk import dashboard, encode

ROOT: Final = "grafana/dashboards"
OVERVIEW: Final = "Overview"
SERVICES: Final = "Services"
REFRESH: Final = "30s"


@dataclass(frozen=True, slots=True)
class PlacedPanel:
    """A drawn panel and the size it asks for."""

    panel: dashboard.Panel
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class DashboardRow:
    """A row of panels. Without a title it has no header and cannot be collapsed."""

    title: str
    placed: tuple[PlacedPanel, ...]
    collapsed: bool = False


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard before it is laid out."""

    uid: str
    title: str
    description: str
    folder: str
    tag: str
    rows: tuple[DashboardRow, ...]
    links: tuple[dashboard.DashboardLink, ...] = ()
    variables: tuple[dashboard.VariableModel, ...] = ()
    annotations: tuple[dashboard.AnnotationQuery, ...] = ()
    time_from: str = "now-6h"
    origin: Span | None = None


def render_dashboard(design: Dashboard) -> Artifact:
    """The dashboard's file."""
    drawn = dashboard.Dashboard(
        uid=design.uid,
        title=design.title,
        description=design.description,
        tags=["lookout", design.tag],
        timezone="browser",
        editable=False,
        graph_tooltip=dashboard.DashboardCursorSync.CROSSHAIR,
        time=dashboard.DashboardDashboardTime(from_val=design.time_from, to="now"),
        timepicker=dashboard.TimePickerConfig(),
        refresh=REFRESH,
        panels=list(_place(design)),
        templating=dashboard.DashboardDashboardTemplating(list_val=list(design.variables)),
        annotations=dashboard.AnnotationContainer(list_val=list(design.annotations)),
        links=list(design.links),
    )
    origins = {design.uid: design.origin} if design.origin else {}
    return Artifact(f"{ROOT}/{design.folder}/{design.uid}.json", encode(drawn), origins)


def _place(design: Dashboard) -> Iterator[dashboard.Panel | dashboard.RowPanel]:
    """Panels and row headers in reading order; the panels of a collapsed row are inside it."""
    top = 0
    for row in design.rows:
        header = _header(design.uid, row, top) if row.title else None
        start = top + (ROW_HEADER if header else 0)
        boxes, end = flow([(placed.width, placed.height) for placed in row.placed], start)
        for placed, box in zip(row.placed, boxes, strict=True):
            placed.panel.grid_pos = dashboard.GridPos(x=box.x, y=box.y, w=box.w, h=box.h)
        panels = [placed.panel for placed in row.placed]
        if header:
            yield header
        if header and row.collapsed:
            header.panels = panels
            top = start
        else:
            yield from panels
            top = end


def _header(uid: str, row: DashboardRow, top: int) -> dashboard.RowPanel:
    return dashboard.RowPanel(
        id_val=panel_id(uid, f"row:{row.title}"),
        title=row.title,
        collapsed=row.collapsed,
        grid_pos=dashboard.GridPos(x=0, y=top, w=24, h=ROW_HEADER),
    )


def annotation(name: str, expr: str, colour: str, step: int, **texts: str) -> dashboard.AnnotationQuery:
    """Marks on every graph wherever the expression returns something.

    `texts` are title_format, text_format and tag_keys, in which {{label}} stands for a label's value.
    """
    arguments: dict[str, Any] = dict(texts)
    return dashboard.AnnotationQuery(
        name=name,
        datasource=PROMETHEUS,
        enable=True,
        icon_color=colour,
        built_in=None,
        expr=expr,
        step=f"{step}s",
        use_value_for_time=False,
        **arguments,
    )


def custom_variable(name: str, label: str, values: tuple[str, ...]) -> dashboard.VariableModel:
    """A list to pick one value from."""
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.CUSTOM,
        name=name,
        label=label,
        query=",".join(values),
        allow_custom_value=False,
    )
