"""Panels of services that are alike: what they share is made once and encoded from plain data.

Owns what distinguishes two looks. How a panel looks is generator.render.grafana.panels' alone.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import Any, Final

from generator.conventions import panel_id
from generator.render.grafana.panels import WIDE, PanelContext, describe, draw
from generator.render.grafana.sdk import dashboard, shared
from generator.render.grafana.thresholds import direction
from generator.site.model import Alert, Panel

_LOOKS: Final[dict[tuple[object, ...], dashboard.Panel]] = {}


def draw_alike(panel: Panel, context: PanelContext) -> dashboard.Panel:
    """The same as `draw`; its parts may be another panel's as well and are not to be changed."""
    if panel.type == "text":
        return draw(panel, context)
    drawn = _looks_of(panel, context)
    drawn.id_val = panel_id(context.uid, panel.slug)
    drawn.title = panel.title
    drawn.description = describe(panel)
    drawn.links = context.links(panel) or None
    asked: Any = drawn.targets or []
    asked = [{**each, "expr": query.expr} for each, query in zip(asked, panel.queries, strict=True)]
    drawn.targets = asked
    if panel.type == "timeseries" and context.data_links:
        looks: Any = drawn.field_config
        looks = {**looks, "defaults": {**looks["defaults"], "links": [*context.data_links]}}
        drawn.field_config = looks
    return drawn


def _looks_of(panel: Panel, context: PanelContext) -> dashboard.Panel:
    """A panel that looks like this one."""
    shape = _shape(panel, context.min_step, context.alerts)
    if shape not in _LOOKS:
        drawn: Any = draw(panel, replace(context, links=lambda _: [], data_links=()))
        for part in ("datasource", "field_config", "options", "targets", "transformations"):
            setattr(drawn, part, shared(getattr(drawn, part)))
        _LOOKS[shape] = drawn
    return copy(_LOOKS[shape])


def _shape(panel: Panel, min_step: str, alerts: Mapping[str, Alert]) -> tuple[object, ...]:
    """All that a panel's looks depend on: names, links and expressions are not."""
    # A graph draws its limits the same way whichever side of them is good.
    sides = () if panel.type == "timeseries" else tuple(direction(each, alerts) for each in panel.thresholds)
    return (
        (panel.type, panel.unit, panel.minimum, panel.maximum, panel.decimals, panel.stacked, panel.width >= WIDE),
        (panel.thresholds, sides),
        (tuple((panel.mappings or {}).items()), panel.empty_reason, min_step),
        tuple((query.legend, query.datasource, query.instant) for query in panel.queries),
        # A table's column is called by it.
        panel.title if panel.type == "table" else "",
    )
