"""The Grafana Foundation SDK, as this package uses it: the one module that imports it, and the encoder.

Importing it costs a quarter of a second, so only functions that draw import this module. The SDK writes some
fields that were not set; `plain` leaves them out.
"""

import warnings
from collections.abc import Callable
from typing import Any

import orjson

with warnings.catch_warnings():
    # The classic model says on import that dashboard v2 is preferred; files are provisioned as classic JSON.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import (
        gauge,
        heatmap,
        logs,
        stat,
        table,
        text,
        timeseries,
    )
    from grafana_foundation_sdk.models import common, dashboard, loki, prometheus, units
    from grafana_foundation_sdk.models import heatmap as heatmap_model
    from grafana_foundation_sdk.models import table as table_model
    from grafana_foundation_sdk.models import timeseries as timeseries_model

__all__ = [
    "common",
    "dashboard",
    "decode",
    "encode",
    "gauge",
    "heatmap",
    "heatmap_model",
    "logs",
    "loki",
    "plain",
    "prometheus",
    "shared",
    "stat",
    "table",
    "table_model",
    "text",
    "timeseries",
    "timeseries_model",
    "units",
]

_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


def _trim_link(payload: dict[str, Any]) -> dict[str, Any]:
    """Only links on top of a dashboard have an icon; the rest of what such a link has means nothing elsewhere."""
    if not payload["icon"]:
        return {key: payload[key] for key in ("title", "url", "targetBlank")}
    return _without(payload, "placement")


def _without(payload: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in payload.items() if key not in keys}


# `placement` moves links and annotations into a menu and cannot say otherwise; the `auto` keys belong to interval
# variables, which nothing here uses.
_TRIMS: dict[type, Callable[[dict[str, Any]], dict[str, Any]]] = {
    dashboard.DashboardLink: _trim_link,
    dashboard.AnnotationQuery: lambda payload: _without(payload, "placement"),
    dashboard.VariableModel: lambda payload: _without(payload, "auto", "auto_min", "auto_count"),
}


def plain(value: Any) -> Any:
    """An SDK object as plain data, without the SDK's own additions."""
    trim = _TRIMS.get(type(value))
    return trim(value.to_json()) if trim else value.to_json()


def shared(value: Any) -> Any:
    """An SDK object as plain data all the way down, for what many panels have in common: it is encoded faster."""
    return orjson.loads(orjson.dumps(value, default=plain))


def encode(design: dashboard.Dashboard) -> str:
    """The dashboard's JSON: sorted keys, indented by two, ending in a newline."""
    return orjson.dumps(design, default=plain, option=_OPTIONS).decode()


def decode(data: dict[str, Any]) -> dashboard.Dashboard:
    """The dashboard that classic JSON describes. The SDK drops what it does not know."""
    # Only who reads dashboards needs all kinds of panels and queries that there are.
    from grafana_foundation_sdk.cog import plugins

    plugins.register_default_plugins()
    return dashboard.Dashboard.from_json(data)
