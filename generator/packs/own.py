"""The alerts that a service's owner wrote in services.yaml, as a pack: from there on they go the road of all others.

Owns what such a pack consists of: rules, a panel each, runbooks, cases. It checks nothing:
generator.resolve.custom_alerts has done so. What a user wrote is never a template.
"""

import hashlib
import re
from pathlib import Path
from typing import Any, Final

from generator.conventions import OWN_PACK
from generator.packs.case_schema import TestsFile
from generator.packs.join import join
from generator.packs.load import Pack, Param, load_packs
from generator.packs.schema import PackFile, PanelsFile, RulesFile
from generator.packs.template import PANEL_WINDOW
from generator.promql.text import with_window, without_variables
from generator.site.model import CustomAlert, PackInstance, Service
from generator.units import format_number

ROW: Final = "Custom alerts"
_COLOURS: Final = {"critical": "red", "warning": "orange", "info": "yellow"}
_WHY: Final = "As it stands in services.yaml."
_EMPTY: Final = "It is not known whether the app exports this metric yet."
_BASELINE: Final = {"series": "up", "level": 1}


def pack_of(service: Service, instance: PackInstance) -> Pack:
    """The pack that an instance is of."""
    return own_pack(service) if instance.pack == OWN_PACK else join(load_packs()[instance.pack], service.kinds)


def unproven(service: Service) -> frozenset[str]:
    """The alerts that have no proof, as their author wrote."""
    return frozenset(alert.name for alert in service.own if not alert.case)


def param_of(service: Service, base: str, name: str) -> float:
    """A number that the rules of `base` take for a service; 0 for a service of other kinds."""
    for instance in service.packs:
        if instance.pack != OWN_PACK and load_packs()[instance.pack].source == base:
            return float(instance.params[name])
    return 0.0


def own_pack(service: Service) -> Pack:
    """The alerts that stand at a service in services.yaml."""
    alerts = service.own
    params = {limit_name(alert.name): _param(alert) for alert in alerts if alert.limit is not None}
    return Pack(
        name=OWN_PACK,
        source=OWN_PACK,
        folder=Path(OWN_PACK),
        spec=PackFile(title=ROW),
        rules=RulesFile.model_validate({"alerts": [_rule(alert) for alert in alerts]}),
        panels=PanelsFile.model_validate({"rows": [{"title": ROW, "panels": [_panel(alert) for alert in alerts]}]}),
        params=params,
        runbooks={alert.name: literal(alert.runbook) for alert in alerts},
        lines={alert.name: alert.origin for alert in alerts},
        tests=TestsFile.model_validate(
            {"baseline": [_BASELINE], "alerts": {a.name: dict(a.case) for a in alerts if a.case}}
        ),
        place=alerts[0].origin,
        digest=hashlib.sha256(repr([(a.name, a.expr, sorted(a.case.items())) for a in alerts]).encode()).hexdigest(),
    )


def limit_name(alert: str) -> str:
    """The parameter that a custom alert's number goes by: QueueTooLong -> queue_too_long_limit."""
    return f"{_split(alert, '_').lower()[:34]}_limit"


def panel_slug(alert: str) -> str:
    """The panel of a custom alert: QueueTooLong -> own-queue-too-long."""
    return f"own-{_split(alert, '-').lower()}"[:41].rstrip("-")


def literal(text: str) -> str:
    """`text` for a template, in which nothing of it means anything."""
    return re.sub(r"<[<%#]", lambda match: f"<<'{match[0]}'>>", text)


def _without_variables(text: str) -> str:
    """A text of Markdown in which Grafana finds no variable."""
    return re.sub(r"\$(?=[\w{])|\[(?=\[)", lambda match: f"&#{ord(match[0])};", text)


def _split(name: str, by: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", by, name)


def _param(alert: CustomAlert) -> Param:
    assert alert.limit is not None
    return Param(OWN_PACK, limit_name(alert.name), "number", alert.limit.value, _WHY, alert.unit, None, None)


def _rule(alert: CustomAlert) -> dict[str, Any]:
    limit = alert.limit
    compared = f"{literal(limit.measured)} {limit.op} <<{limit_name(alert.name)}>>" if limit else literal(alert.expr)
    return {
        "name": alert.name,
        "severity": alert.severity,
        "fault": alert.fault,
        "expr": compared,
        "for": f"{alert.for_seconds}s",
        "keep_firing_for": f"{alert.keep_firing_seconds}s",
        "summary": literal(alert.summary),
        "description": literal(alert.description),
        "panel": panel_slug(alert.name),
        "detects": list(alert.detects),
    }


def _panel(alert: CustomAlert) -> dict[str, Any]:
    limit, named = alert.limit, limit_name(alert.name)
    line = {"param": named, "colour": _COLOURS[alert.severity], "alert": alert.name}
    words = f"What {alert.name} looks at. {alert.description}"
    if limit:
        words = f"{words} It fires where the value is {limit.op} {format_number(limit.value)}."
    return {
        "id": panel_slug(alert.name),
        "title": _split(alert.name, " ").capitalize(),
        "description": literal(_without_variables(words)),
        "type": "timeseries",
        "unit": alert.unit,
        "queries": [{"expr": literal(with_window(without_variables(alert.measured), PANEL_WINDOW))}],
        "alerts": [alert.name],
        "thresholds": [line] if limit else [],
        "expect": {"may_be_empty": _EMPTY},
    }
