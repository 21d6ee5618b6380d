"""Thresholds, value texts and colours: what makes a number good or bad to the eye.

Owns colours. The values are the alerts' own; none is invented here.
"""

import math
from collections.abc import Mapping
from typing import Final, Literal

from generator.promql.tree import PromQLError, comparisons
from generator.render.grafana.sdk import dashboard
from generator.site.model import Alert, Panel, Threshold

Direction = Literal["above", "below"]

_BADNESS: Final = {"green": 0, "yellow": 1, "orange": 2, "red": 3}
_GOOD: Final = frozenset({"up", "ok", "none", "answers", "yes", "healthy", "valid", "connected", "master", "ready"})
_BAD: Final = frozenset({"down", "silent", "failed", "failing", "unhealthy", "invalid", "expired", "disconnected"})
# Series that are named after a status class or a log level keep one colour in every panel.
_STATUS_COLOURS: Final = (
    (r"/^2(xx|\d\d)\b/i", "green"),
    (r"/^3(xx|\d\d)\b/i", "blue"),
    (r"/^4(xx|\d\d)\b/i", "yellow"),
    (r"/^5(xx|\d\d)\b/i", "red"),
)
_LEVEL_COLOURS: Final = (
    (r"/^(critical|fatal|error)$/i", "red"),
    (r"/^warn(ing)?$/i", "orange"),
    (r"/^info$/i", "green"),
    (r"/^(debug|trace)$/i", "blue"),
    (r"/^unknown$/i", "text"),
)
_LABEL_COLOURS: Final = {
    "code": _STATUS_COLOURS,
    "status": _STATUS_COLOURS,
    "status_class": _STATUS_COLOURS,
    "level": _LEVEL_COLOURS,
    "detected_level": _LEVEL_COLOURS,
    "severity": _LEVEL_COLOURS,
}


def direction(threshold: Threshold, alerts: Mapping[str, Alert]) -> Direction:
    """On which side of the value the alert finds fault, as its own expression says."""
    alert = alerts.get(threshold.alert)
    if alert is None:
        return "above"
    try:
        found = comparisons(alert.expr)
    except PromQLError:
        return "above"
    same = [c.op for c in found if math.isclose(c.value, threshold.value, rel_tol=1e-9, abs_tol=1e-12)]
    return "below" if same and all(op.startswith("<") for op in same) else "above"


def thresholds(panel: Panel, alerts: Mapping[str, Alert]) -> dashboard.ThresholdsConfig:
    """Steps for the panel's own thresholds; without any, the colour of what has no words of its own."""
    worst: dict[float, Threshold] = {}
    for threshold in sorted(panel.thresholds, key=lambda t: (t.value, _BADNESS[t.colour])):
        worst[threshold.value] = threshold
    ordered = list(worst.values())
    if not ordered:
        return _steps(_base(panel), [])
    falling = panel.type != "timeseries" and all(direction(t, alerts) == "below" for t in ordered)
    if not falling:
        return _steps("green", [(t.value, t.colour) for t in ordered])
    colours = [*(t.colour for t in ordered[1:]), "green"]
    return _steps(ordered[0].colour, [(t.value, c) for t, c in zip(ordered, colours, strict=True)])


def _base(panel: Panel) -> str:
    """Neutral, unless the panel's words name all good values (then the rest is bad) or all bad ones."""
    words = {text.lower() for text in (panel.mappings or {}).values()}
    if words and words <= _GOOD:
        return "red"
    return "green" if words and words <= _BAD else "text"


def _steps(base: str, steps: list[tuple[float, str]]) -> dashboard.ThresholdsConfig:
    lowest = dashboard.Threshold(value=None, color=base)
    return dashboard.ThresholdsConfig(
        mode=dashboard.ThresholdsMode.ABSOLUTE,
        steps=[lowest, *(dashboard.Threshold(value=value, color=colour) for value, colour in steps)],
    )


def value_texts(mappings: Mapping[str, str]) -> list[dashboard.ValueMapping]:
    """Words for numbers, green or red where the word itself says which."""
    results = {}
    for index, (value, text) in enumerate(sorted(mappings.items())):
        word = text.lower()
        colour = "green" if word in _GOOD else "red" if word in _BAD else None
        results[value] = dashboard.ValueMappingResult(text=text, color=colour, index=index)
    return [dashboard.ValueMap(options=results)]


def series_overrides(panel: Panel) -> list[dashboard.DashboardFieldConfigSourceOverrides]:
    """Fixed colours for series that are named after a status class or a level."""
    legends = {query.legend.strip("{} ") for query in panel.queries}
    colours = [_LABEL_COLOURS[legend] for legend in sorted(legends) if legend in _LABEL_COLOURS]
    return [
        override("byRegexp", pattern, color={"mode": "fixed", "fixedColor": colour})
        for table in dict.fromkeys(colours)
        for pattern, colour in table
    ]


def override(matcher: str, option: str, **properties: object) -> dashboard.DashboardFieldConfigSourceOverrides:
    """Properties for the fields that a matcher picks; `custom__width` stands for custom.width."""
    return dashboard.DashboardFieldConfigSourceOverrides(
        matcher=dashboard.MatcherConfig(id_val=matcher, options=option),
        properties=[
            dashboard.DynamicConfigValue(id_val=name.replace("__", "."), value=value)
            for name, value in properties.items()
        ],
    )
